"""Edits while they run: candidates, notes as they are drawn, results."""
