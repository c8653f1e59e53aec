"""Networks that only the synthetic data need."""
