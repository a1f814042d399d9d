"""The verbs that change a score without a model: one file each."""
