"""One recipe table from both doors: copies grouped, dishes named, splits that do not leak."""

from mmpipeline.catalog.build import build_catalog

__all__ = ["build_catalog"]
