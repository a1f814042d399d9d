"""The note store: notes of many pieces, memory-mapped."""
