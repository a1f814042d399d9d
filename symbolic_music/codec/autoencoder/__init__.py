"""The library's own codec: convolutions, residual vector quantisation, the losses it is trained by."""
