"""A score as a model reads it, and what it writes as tracks of the score."""
