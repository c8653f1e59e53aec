"""Training on recipes as a whole, in two stages, with self-training between."""
