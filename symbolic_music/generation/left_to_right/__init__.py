"""Sessions of models that write from left to right: continuing a piece, and infilling by candidates."""
