"""Networks prepared for generation: ragged batches, smaller weights."""
