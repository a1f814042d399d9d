"""Training of flow decoders."""
