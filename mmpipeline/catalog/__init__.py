"""The catalogue: one recipe table of all sources, with dishes and splits that do not leak."""

from mmpipeline.catalog.build import build_catalog

__all__ = ["build_catalog"]
