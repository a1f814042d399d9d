"""Prepare the files of a data set as a note store, in parallel, without near-duplicates."""
