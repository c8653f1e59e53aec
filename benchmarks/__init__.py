"""Benchmarks: one module a stage, each beside a peer in the same run."""
