"""Metrics of retrieval, each with its baselines: ranks, prototypes, subsets, words."""
