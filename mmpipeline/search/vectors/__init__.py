"""Vectors of an index in segments, and exact and approximate search over them."""
