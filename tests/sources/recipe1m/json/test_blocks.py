import json
from pathlib import Path

import pytest

from mmpipeline.sources.recipe1m.json.blocks import Block, learn_separator, parse_block, plan_block

LIMIT = 1 << 20


def block_of(path: Path, text: str) -> Block:
    """Write an array and take all of its records as one block."""
    path.write_text(text, encoding="utf-8", newline="")
    content = path.read_bytes()
    first_end = content.index(b"}") + 1
    separator = learn_separator(path, 1, first_end - 1)
    assert separator is not None
    block = plan_block(path, 1, separator, LIMIT, LIMIT)
    assert block is not None
    assert block.next_start is None
    return block


def test_the_separator_is_what_stands_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"id": "a"} ,\n  {"id": "b"}]')
    separator = learn_separator(path, 1, 11)
    assert separator is not None
    assert separator.found == b'} ,\n  {"id"'
    assert separator.blanked == b'}  \n  {"id"'
    assert separator.found[separator.next_start :] == b'{"id"'
    assert learn_separator(path, 17, 11) is None


def test_blocks_cover_the_array(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"id": str(n)} for n in range(200)]) + "\n")
    separator = learn_separator(path, 1, len('{"id": "0"}'))
    assert separator is not None
    ids: list[str] = []
    start: int | None = 1
    while start is not None:
        block = plan_block(path, start, separator, 300, LIMIT)
        assert block is not None
        batch = parse_block(block)
        assert batch is not None
        assert batch.offsets[0] == start
        ids += batch.table["id"].to_pylist()
        start = block.next_start
    assert ids == [str(n) for n in range(200)]


@pytest.mark.parametrize(
    "record",
    [
        '{"id": "b", "title": NaN}',
        '{"id": "b", "title": 3}',
        '{"id": "b", "title": "\\ud800"}',
        '{"id": "b", "ingredients": ["salt"]}',
        '{"id": "b", "ingredients": [{"text": null}]}',
        '{"id": "b", "ingredients": [null]}',
        '{"id": "b", oops}',
        '{"id": "b", "id": "c"}',
        '{"id": "b"',
        '{"id": "b", "x": [{"id": 1}, {"id": 2}]}',  # the separator occurs inside
        '{"id": "b"} {"id": "c"}',
    ],
)
def test_what_needs_the_exact_reader(tmp_path: Path, record: str) -> None:
    block = block_of(tmp_path / "x.json", f'[{{"id": "a"}}, {record}, {{"id": "z"}}]')
    assert parse_block(block) is None


@pytest.mark.parametrize(
    "record",
    [
        '{"id": "b", "other": [NaN, {"deep": [[[1]]]}]}',
        '{"id": "b", "title": null, "ingredients": null}',
        '{"id": "b", "title": "}, {\\"id\\": 1"}',
        '{"title": "no id"}',
    ],
)
def test_what_does_not(tmp_path: Path, record: str) -> None:
    block = block_of(tmp_path / "x.json", f'[{{"id": "a"}}, {record}, {{"id": "z"}}]')
    batch = parse_block(block)
    if not record.startswith('{"id"'):
        assert batch is None  # another first key: no separator stands before it
        return
    assert batch is not None
    assert batch.table["id"].to_pylist() == ["a", "b", "z"]
    assert [block.read()[place - 1 :][:1] for place in batch.offsets] == [b"{"] * 3


def test_bad_utf8_and_long_records_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    block = block_of(path, '[{"id": "a"}, {"id": "b", "other": "??"}]')
    path.write_bytes(path.read_bytes().replace(b"??", b"\xff\xfe"))
    assert parse_block(block) is None
    long = block_of(path, '[{"id": "a"}, {"id": "b", "title": "a long one"}]')
    short = Block(long.path, long.start, long.end, None, long.separator, max_record_bytes=20)
    assert parse_block(long) is not None
    assert parse_block(short) is None
