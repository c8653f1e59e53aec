"""The training engine: one loop for any module, source of batches and objective."""
