"""Measures of methods on the synthetic data, beside their Bayes bound."""
