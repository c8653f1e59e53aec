import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record
from mmpipeline.sources.recipe1m.json.reader import read_array


class Row(msgspec.Struct):
    id: str
    title: str | None = None


Anything = dict[str, Any]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["},{", '"}, {"id": "x"', "]", "\\", '{"id": 1}'])
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "url"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_records = st.dictionaries(st.sampled_from(["id", "title", "images", "x"]), _values, max_size=4)


def read(path: Path, block_bytes: int) -> tuple[list[Any], list[BadSpan]]:
    records, bad = [], []
    for item in read_array(path, dict, block_bytes=block_bytes):
        if isinstance(item, Record):
            records.append(item.value if item.loose is None else item.loose)
        else:
            bad.append(item)
    return records, bad


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """JSON arrays in any layout."""
    records = draw(st.lists(_records, min_size=1, max_size=6))
    is_ascii = draw(st.booleans())
    if draw(st.booleans()):
        rows = (json.dumps(record, ensure_ascii=is_ascii) for record in records)
        return "[" + ",\n".join(rows) + "]\n"
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")]))
    indent = draw(st.sampled_from([None, 0, 2]))
    return json.dumps(records, indent=indent, separators=separators, ensure_ascii=is_ascii)


@settings(max_examples=200, deadline=None)
@given(text=arrays(), block_bytes=st.integers(1, 200))
def test_reader_equals_json_loads(
    tmp_path_factory: pytest.TempPathFactory, text: str, block_bytes: int
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "any.json", text)
    assert read(path, block_bytes) == (json.loads(text), [])


@pytest.mark.parametrize("is_gzip", [False, True])
def test_offsets_point_at_the_records(tmp_path: Path, is_gzip: bool) -> None:
    content = b'\xef\xbb\xbf [ {"id": "a"},\n {"id": "b", "title": "t"} ] '
    path = write(tmp_path / "x.json", gzip.compress(content) if is_gzip else content)
    items = list(read_array(path, Row))
    assert [item.value for item in items if isinstance(item, Record)] == [
        Row("a"),
        Row("b", "t"),
    ]
    for item in items:
        assert json.loads(content[item.offset : item.offset + item.length])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"id": "x", "n": NaNN}', "malformed_json"),
        (b'{"id": "x", "title": "\xff\xfe"}', "bad_utf8"),
        (b'{"id": "x", "title": "line\nbreak"}', "malformed_json"),
        (b'{"id": "x", "title": "no end, "n": 1}', "malformed_json"),
        (b'{"id": "x", "lines": [{"text": "a"}, {"text": "b"}', "malformed_json"),
        (b'{"id": "x", oops}', "malformed_json"),
        (b'{"id": "x",, "n": 1}', "malformed_json"),
        (b'{"id": "x"} {"n": 1}', "malformed_json"),
        (b'{"id": "x", "n": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested_too_deep"),
        (b'{"id": "x", "title": "' + b"long " * 200 + b'"}', "record_too_long"),
        (b"17", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"[1, 2]", "not_an_object"),
    ],
)
@pytest.mark.parametrize("block_bytes", [7, 100_000])
def test_a_bad_record_costs_no_other(
    tmp_path: Path, bad: bytes, reason: str, block_bytes: int
) -> None:
    good = [b'{"id": "r%d", "title": "t"}' % number for number in range(6)]
    content = b"[" + b", ".join([*good[:3], bad, *good[3:]]) + b"]"
    limit = 15_000 if reason == "nested_too_deep" else 900
    path = write(tmp_path / "x.json", content)
    items = list(read_array(path, Row, max_record_bytes=limit, block_bytes=block_bytes))
    kept = {item.value.id for item in items if isinstance(item, Record) and item.value}
    assert kept - {"x"} == {f"r{number}" for number in range(6)}
    spans = [item for item in items if isinstance(item, BadSpan)]
    assert [span.reason for span in spans] == [reason]
    assert content.index(bad) <= spans[0].offset < content.index(bad) + len(bad)


@pytest.mark.parametrize("bad", [b'{"id": "x", oops}', b'{"id": "x", "n": NaNN}'])
def test_a_bad_last_record(tmp_path: Path, bad: bytes) -> None:
    path = write(tmp_path / "x.json", b'[{"id": "a"}, ' + bad + b"\n]\n")
    items = list(read_array(path, Row))
    assert [type(item) for item in items] == [Record, BadSpan]


def test_a_field_of_another_type_keeps_the_record(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", '[{"id": "a", "title": 3}, {"title": "no id"}]')
    assert [item.loose for item in read_array(path, Row) if isinstance(item, Record)] == [
        {"id": "a", "title": 3},
        {"title": "no id"},
    ]


@pytest.mark.parametrize("value", ["NaN", "-Infinity", '"a\\ud800"'])
def test_what_only_the_standard_library_reads(tmp_path: Path, value: str) -> None:
    text = f'[{{"id": "a"}}, {{"id": "b", "title": {value}}}, {{"id": "c"}}]'
    items = list(read_array(write(tmp_path / "x.json", text), Row))
    assert [repr(item.loose) for item in items if isinstance(item, Record)] == [
        "None",
        repr(json.loads(text)[1]),
        "None",
    ]


def test_reading_may_start_at_any_record(tmp_path: Path) -> None:
    text = json.dumps([{"id": str(number)} for number in range(5)])
    path = write(tmp_path / "x.json", text)
    items = list(read_array(path, Row))
    for number, item in enumerate(items):
        assert list(read_array(path, Row, start=(item.offset, number))) == items[number:]
    cut = write(tmp_path / "cut.json", text[:-1])
    with pytest.raises(TruncatedInputError, match="after record 5"):
        list(read_array(cut, Row, start=(items[3].offset, 3)))


def test_a_file_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    content = json.dumps([{"id": f"r{n}", "lines": [{"text": "}, {"}] * 2} for n in range(3)])
    for length in range(1, len(content)):
        path = write(tmp_path / "cut.json", content[:length])
        with pytest.raises(TruncatedInputError, match=f"truncated at byte {length} after record"):
            list(read_array(path, Row))


def test_a_cut_gzip_file_is_truncated(tmp_path: Path) -> None:
    content = gzip.compress(json.dumps([{"id": str(n)} for n in range(1000)]).encode())
    with pytest.raises(TruncatedInputError, match="gzip"):
        list(read_array(write(tmp_path / "cut.json.gz", content[:-20]), Row))
    damaged = content[:30] + b"\0\0\0" + content[33:]
    with pytest.raises(InputError, match=r"gzip|truncated"):
        list(read_array(write(tmp_path / "bad.json.gz", damaged), Row))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "empty array"),
        (b" [ \n ] ", "empty array"),
        (b"", "found nothing"),
        (b"<html>", "expected '\\['"),
        (b'{"id": "a"}', "expected '\\['"),
    ],
)
def test_what_is_no_array_of_records(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(read_array(write(tmp_path / "x.json", content), Row))


def test_an_empty_array_may_be_allowed(tmp_path: Path) -> None:
    assert list(read_array(write(tmp_path / "x.json", "[]"), Row, allow_empty=True)) == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        list(read_array(tmp_path / "none.json", Row))


def test_content_after_the_array_is_reported(tmp_path: Path) -> None:
    items = list(read_array(write(tmp_path / "x.json", '[{"id": "a"}] [1]'), Row))
    assert [type(item) for item in items] == [Record, BadSpan]
    assert items[1].offset == 14
