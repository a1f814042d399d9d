"""The verbs that read a file and show it, or make another kind of file of it."""
