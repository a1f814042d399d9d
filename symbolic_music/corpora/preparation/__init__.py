"""From the files of a data set to a note store, in parallel, without near-duplicates."""
