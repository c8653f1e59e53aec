import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.sources.recipe1m.json.scan import learn_boundary, scan_value, skip_blanks

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just('"}]\\'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(_values, st.sampled_from([b",", b" ]", b"}", b"\n"]))
def test_the_end_of_a_value_is_found_and_no_prefix_has_one(value: object, rest: bytes) -> None:
    content = json.dumps(value).encode()
    assert scan_value(content + rest, 0) == (len(content), False)
    for length in range(len(content)):
        assert scan_value(content[:length], 0) == (None, False)


@pytest.mark.parametrize("content", [b'{"a": oops}', b'{"a" = 1}', b"{'a': 1}", b"oops, 1", b"}"])
def test_what_is_no_json(content: bytes) -> None:
    assert scan_value(content, 0) == (None, True)


def test_learn_boundary() -> None:
    boundary = learn_boundary(b'{ "id": "x", "images": [{"id": "y", "url": ""}, {"id": "z"}]}')
    assert boundary is not None
    rest = b'{"id": "y", "url": ""} , {"id": "z"}]} ,\n{"id":"b","images":[]}'
    found = boundary.search(rest)
    assert found is not None
    assert found.start() == rest.index(b"} ,\n")
    one_key = learn_boundary(b'{"lines": []}')
    assert one_key is not None
    assert one_key.search(b'}, {"text": 1}, {"lines"  :')
    assert learn_boundary(b"{}") is None


def test_skip_blanks() -> None:
    assert skip_blanks(b"  \n\tx", 1) == 4
    assert skip_blanks(b"", 0) == 0
