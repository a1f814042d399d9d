"""REMI: bars, positions and notes."""
