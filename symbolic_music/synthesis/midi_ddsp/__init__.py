"""Trained voices: networks that drive the differentiable synthesizer from notes."""
