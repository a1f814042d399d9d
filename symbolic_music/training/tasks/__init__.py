"""What is learnt: tokens, edits, codec tokens."""
