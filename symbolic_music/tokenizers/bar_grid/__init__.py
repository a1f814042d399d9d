"""Bars, beats and steps, which REMI and compound words share."""
