"""What verbs print, and the files of ids that they read and write."""
