"""Training from pair tables: sampler, batches, the training stage."""
