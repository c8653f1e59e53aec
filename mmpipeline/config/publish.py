"""Settings of published indexes: what one holds, when it answers, how long it is kept."""

from typing import Literal

from pydantic import Field

from mmpipeline.config.base import Section


class IndexConfig(Section):
    """What an index version holds."""

    seed: int = Field(2021, ge=0)
    recall_check_queries: int = Field(200, ge=1)
    min_recall_at_10: float = Field(0.99, ge=0, le=1)
    approximate_above: int = Field(
        1_000_000, ge=1, description="items beyond which lists are made; up to it, exact search"
    )
    approximate: Literal["ivf", "hnsw"] = "ivf"
    calibration_queries: int = Field(300, ge=1, description="validation recipes that ask")
    prototype: Literal["mean", "nearest", "gaussian"] = "mean"
    prototype_references: int = Field(8, ge=1, description="items of a subset kept for `nearest`")
    subsets: dict[str, str] = Field(
        {}, description="named subsets: SQL over the table `recipes` that selects recipe_id"
    )
    max_segments: int = Field(16, ge=1, description="more are made into one")
    max_dead_fraction: float = Field(
        0.3, ge=0, le=1, description="of a segment; beyond, it is renewed"
    )


class PromotionConfig(Section):
    """When a new index version may answer instead of the current one."""

    questions: int = Field(200, ge=1, description="validation recipes that both are asked with")
    tolerance: float = Field(0.03, ge=0, le=1, description="how much worse each figure may be")
    max_lost_items: float = Field(0.1, ge=0, le=1, description="items that may be gone")
    min_recall_at_10: float = Field(0.99, ge=0, le=1)


class RetentionConfig(Section):
    """How long artifacts are kept that nothing needs any more."""

    keep_versions: int = Field(3, ge=1, description="newest of each kind, kept whatever their age")
    keep_days: float = Field(14, ge=0, description="younger ones are kept, however many")
