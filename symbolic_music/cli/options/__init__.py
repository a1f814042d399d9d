"""Options that several verbs share, in groups."""
