"""Training of codecs."""
