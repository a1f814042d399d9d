"""Training objectives: tokens, edits, codec tokens."""
