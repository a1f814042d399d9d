"""Samplers: from a network's logits to events and tokens."""
