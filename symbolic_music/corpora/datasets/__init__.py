"""One file a data set, and what they share: splits, filters, archives, downloads."""
