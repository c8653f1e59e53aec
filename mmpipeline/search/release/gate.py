"""The gate: whether a version may answer instead of the one that does.

It asks for recall against exact search, for the figures of the fixed exam within a tolerance of
the version that answers, and that items do not disappear in masses.
"""

import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.config.publish import PromotionConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import open_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.release.golden_queries import sit_exam
from mmpipeline.search.release.trial import try_version
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact


def examine(
    layout: DataLayout, version: str, champion: str | None, config: PromotionConfig
) -> tuple[dict[str, float], list[str]]:
    """Compare a version with the one that answers.

    Parameters
    ----------
    layout
        The data folder, with an exam.
    version
        The new version.
    champion
        The one that answers; None when there is none, and nothing to compare with.
    config
        The gate.

    Returns
    -------
    figures : dict
        Of the exam, those of the champion with ``_before``; ``lost_items_share``.
    objections : list of str
        Why it should not answer; empty when it may.
    """
    index = SearchIndex.open(layout, version)
    figures = sit_exam(layout, index)
    recall = open_artifact(layout.artifacts("index") / version, "index").counts["recall_at_10"]
    objections = []
    if recall < config.min_recall_at_10:
        objections.append(f"recall at 10 is {recall:.3f}, the floor {config.min_recall_at_10}")
    before = _open_usable(layout, champion) if champion else None
    if before is None:
        return figures, objections
    earlier = sit_exam(layout, before)
    for name, value in earlier.items():
        figures[f"{name}_before"] = value
        if name.endswith("recall_at_1") and figures.get(name, 0.0) < value - config.tolerance:
            objections.append(f"{name} fell from {value:.3f} to {figures.get(name, 0.0):.3f}")
    lost = lost_share(before, index)
    figures["lost_items_share"] = lost
    if lost > config.max_lost_items:
        objections.append(
            f"{lost:.1%} of the items would be gone, at most {config.max_lost_items:.0%}"
        )
    return figures, objections


def _open_usable(layout: DataLayout, version: str) -> SearchIndex | None:
    """Open a version; None when it is damaged or does not answer: anything sound is better."""
    try:
        try_version(open_version(layout, version))
        return SearchIndex.open(layout, version)
    except ArtifactError:
        return None


def lost_share(before: SearchIndex, after: SearchIndex) -> float:
    """Return the share of one index's items that another lacks."""
    ids = [index.columns_at(index.rows, ("recipe_id",))["recipe_id"] for index in (before, after)]
    if not ids[0]:
        return 0.0
    kept: int = pc.sum(pc.is_in(_array(ids[0]), _array(ids[1]))).as_py()
    return 1 - kept / len(ids[0])


def _array(ids: list[str]) -> pa.Array:
    return pa.array(ids, pa.string())
