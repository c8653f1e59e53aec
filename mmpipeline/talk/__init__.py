"""The talk's experiment on synthetic data, apart from the food pipeline."""
