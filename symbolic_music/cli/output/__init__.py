"""Output of verbs, and files of ids."""
