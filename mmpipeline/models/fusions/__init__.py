"""Fusions of encoded modalities into one vector, one a file."""
