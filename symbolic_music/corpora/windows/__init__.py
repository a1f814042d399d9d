"""Training windows cut from a note store: policies, augmentation, batches."""
