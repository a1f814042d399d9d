"""The verbs of an edit, one a file: what each writes, and the function that does it at once."""
