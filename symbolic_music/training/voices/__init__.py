"""Training of voices."""
