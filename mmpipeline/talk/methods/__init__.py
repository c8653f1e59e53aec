"""Methods for the synthetic data: the talk's, ours, and the steps between."""
