"""Contrastive pair tables: positives, negatives, swaps and hard negatives, made in DuckDB.

A table rather than sampling inside a loader: it can be read with SQL, it is the same on every
machine, and a leak or a wrong label in it can be counted. The statements in `sql/` are the
specification.
"""

from mmpipeline.pairs.build import build_pairs
from mmpipeline.pairs.show import AnchorPair, anchor_pairs

__all__ = ["AnchorPair", "anchor_pairs", "build_pairs"]
