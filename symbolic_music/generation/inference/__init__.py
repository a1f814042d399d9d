"""Networks prepared for generation: batches of unequal lengths, smaller weights."""
