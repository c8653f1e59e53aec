import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.json.blocks import Block, RawBatch, parse_block
from mmpipeline.sources.recipe1m.json.stream import BlockWork, read_blocks

Rows = list[dict[str, Any]]

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from([
    "},{",
    '"}, {"id": "x"',
    '}, {"id"',
    "]",
    "\\",
    "NaN",
])
_lines = st.none() | st.lists(st.fixed_dictionaries({"text": _texts}), max_size=3)
_records = st.fixed_dictionaries(
    {"id": _texts},
    optional={
        "title": st.none() | _texts,
        "ingredients": _lines,
        "instructions": _lines,
        "partition": _texts,
        "other": st.recursive(
            st.integers() | st.booleans() | _texts,
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
        ),
    },
)


def read(path: Path, block_bytes: int, **limits: int) -> tuple[Rows, list[int], RawBatch]:
    """Read a file; also how many batches came from blocks, and the last batch."""
    parsed: list[int] = []

    def on_block(block: Block) -> RawBatch | None:
        batch = parse_block(block)
        parsed.append(batch is not None)
        return batch

    rows: Rows = []
    content = path.read_bytes()
    batch: RawBatch | None = None
    with ThreadPoolExecutor(2) as executor:
        work = BlockWork(executor, on_block, lambda batch: batch, lambda batch: batch.records)
        for batch in read_blocks(path, work, block_bytes=block_bytes, **limits):
            rows += batch.table.to_pylist()
            assert len(batch.offsets) == batch.table.num_rows
            assert all(content[place : place + 1] == b"{" for place in batch.offsets)
    assert batch is not None
    return rows, parsed, batch


def plain(record: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "title", "ingredients", "instructions", "partition", "url")
    return {name: record.get(name) for name in names}


@settings(max_examples=150, deadline=None)
@given(
    records=st.lists(_records, min_size=1, max_size=12),
    block_bytes=st.integers(1, 300),
    layout=st.sampled_from([
        (None, (", ", ": ")),
        (None, (",", ":")),
        (2, (",", ": ")),
        (0, (" ,\n", "\t:\r\n")),
    ]),
    is_ascii=st.booleans(),
)
def test_equals_json_loads(
    tmp_path_factory: pytest.TempPathFactory,
    records: Rows,
    block_bytes: int,
    layout: tuple[int | None, tuple[str, str]],
    is_ascii: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "stream.json"
    indent, separators = layout
    text = json.dumps(records, indent=indent, separators=separators, ensure_ascii=is_ascii)
    path.write_text(text, encoding="utf-8", newline="")
    assert read(path, block_bytes)[0] == [plain(record) for record in json.loads(text)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_usual_file_goes_block_by_block(tmp_path: Path, indent: int | None) -> None:
    records = [{"id": str(n), "ingredients": [{"text": "}, {"}] * 3} for n in range(500)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(records, indent=indent))
    rows, parsed, _ = read(path, 2000)
    assert [row["id"] for row in rows] == [str(n) for n in range(500)]
    assert len(parsed) > 5
    assert all(parsed)


def test_a_bad_record_costs_only_its_block(tmp_path: Path) -> None:
    rows = [json.dumps({"id": str(n), "title": "t" * 20}) for n in range(300)]
    rows[100] = '{"id": "x", oops}'
    rows[200] = '{"id": "200", "title": NaN}'
    rows[250] = '{"id": "250", "title": "a\\ud800"}'
    path = tmp_path / "x.json"
    path.write_text("[" + ",\n".join(rows) + "]")
    found, parsed, _ = read(path, 1000)
    assert [row["id"] for row in found] == [str(n) for n in range(300) if n != 100]
    assert found[199]["title"] is None
    assert parsed.count(False) == 3


def test_problems_and_places(tmp_path: Path) -> None:
    text = '[{"id": "a"}, {"id": 5}, {"id": "c", "title": "\\ud800", "url": 7}, 3]'
    path = tmp_path / "x.json"
    path.write_text(text)
    _, _, batch = read(path, 1 << 20)
    assert batch.withheld == [(14, "missing_id", "5"), (67, "not_an_object", "3")]
    assert [problem[:2] for problem in batch.problems[0]] == [
        ("title", "lone_surrogate"),
        ("url", "wrong_type"),
    ]


def test_a_record_longer_than_the_limit(tmp_path: Path) -> None:
    records = [{"id": str(n), "title": "long" * (5000 if n == 4 else 1)} for n in range(9)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(records))
    rows, _, _ = read(path, 100, max_record_bytes=10_000)
    assert [row["id"] for row in rows] == [str(n) for n in range(9) if n != 4]


@pytest.mark.parametrize("block_bytes", [50, 100_000])
def test_a_cut_file(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "x.json"
    content = json.dumps([{"id": str(n)} for n in range(50)])
    path.write_text(content[:-5])
    with pytest.raises(TruncatedInputError, match=rf"byte {len(content) - 5} after record 49"):
        read(path, block_bytes)
    path.write_text("[]")
    with pytest.raises(InputError, match="empty array"):
        read(path, block_bytes)
