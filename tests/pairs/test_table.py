"""Numbers become names, and row groups end where an anchor ends."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.pairs.table import cut_between_anchors


@given(
    pairs_of=st.lists(st.integers(1, 9), min_size=1, max_size=30),
    batch_rows=st.integers(1, 40),
    rows=st.integers(1, 30),
)
def test_cuts_lie_between_anchors_and_do_not_depend_on_batches(
    pairs_of: list[int], batch_rows: int, rows: int
) -> None:
    anchors = [number for number, pairs in enumerate(pairs_of) for _ in range(pairs)]
    table = pa.table({"anchor": pa.array(anchors, pa.int32())})

    def cut(batch_rows: int) -> list[list[int]]:
        batches = table.to_batches(max_chunksize=batch_rows)
        reader = pa.RecordBatchReader.from_batches(table.schema, batches)
        return [part["anchor"].to_pylist() for part in cut_between_anchors(reader, rows)]

    parts = cut(batch_rows)
    assert parts == cut(len(anchors))
    assert [anchor for part in parts for anchor in part] == anchors
    for before, after in pairwise(parts):
        assert before[-1] != after[0]
    for part in parts:
        assert 0 < len(part) <= rows or len(set(part)) == 1
