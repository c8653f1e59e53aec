"""The build of approximate lists, segment by segment, for a version that is large enough."""

from pathlib import Path

from mmpipeline.arrays import Float32Array
from mmpipeline.config.publish import IndexConfig
from mmpipeline.search.load import open_parts
from mmpipeline.search.vectors.ann import AnnIndex, choose_search_width
from mmpipeline.search.vectors.segment import FULL
from mmpipeline.search.vectors.segment_writer import SEGMENTS
from mmpipeline.storage.atomic import write_json_atomic

LEAST_ROWS = 20_000
"""A smaller segment is scanned as quickly as its lists would answer."""


def build_ann(target: Path, config: IndexConfig, queries: Float32Array) -> None:
    """Make the lists of every segment that has none yet, where the index is large enough.

    How much the lists look through is chosen by recall@10 against the exact answer, with half of
    what may be missed left as a margin.

    Parameters
    ----------
    target
        Folder of a version that is being made.
    config
        From which size on, and how good.
    queries
        Shape (Q, E): who asks.
    """
    parts = open_parts(target)
    if parts.living <= config.approximate_above:
        return
    demanded = (1 + config.min_recall_at_10) / 2
    for segment in parts.segments:
        scan = segment.vectors.scan
        if segment.vectors.lists is not None or len(segment) < LEAST_ROWS:
            continue
        lists = AnnIndex.build(scan.vectors, config.approximate, config.seed)
        truth = scan.find_many(queries, 10)[0]
        plan = choose_search_width(
            lists, config.approximate, scan.vectors, queries, truth, demanded
        )
        folder = target / SEGMENTS / segment.name
        lists.write(folder / f"{FULL}.lists")
        write_json_atomic(folder / f"{FULL}.lists.json", plan.to_json())
