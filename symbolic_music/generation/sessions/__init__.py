"""Edits while they run: candidates, their notes as they are drawn, their scores."""
