"""The verbs that read a file and show or convert it."""
