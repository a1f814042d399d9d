"""Training of transcribers."""
