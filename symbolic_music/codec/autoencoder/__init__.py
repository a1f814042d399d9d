"""The bundled codec: convolutions, residual vector quantisation, losses, streaming."""
