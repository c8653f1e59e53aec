import gzip
import json
from contextlib import closing
from pathlib import Path

import pytest

from mmpipeline.errors import InputError, TruncatedInputError
from mmpipeline.sources.recipe1m.images import ImageLists

RECORDS = [
    {"id": "b", "images": [{"id": "1.jpg", "url": "u"}, {"id": "2.jpg", "url": None}]},
    {"id": "a", "images": []},
    {"id": "b", "images": [{"id": "late.jpg"}]},
    {"id": "c"},
    {"id": "d", "images": [{"id": "4.jpg"}]},
]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_lists_are_found_by_recipe(tmp_path: Path, is_gzip: bool) -> None:
    content = json.dumps(RECORDS, indent=1).encode()
    path = tmp_path / "layer2.json"
    path.write_bytes(gzip.compress(content) if is_gzip else content)
    with closing(ImageLists(path, tmp_path, 1000)) as lists:
        assert [image.id for image in lists.find("b")] == ["1.jpg", "2.jpg"]
        assert [image.id for image in lists.find("d")] == ["4.jpg"]
        assert lists.find("a") == []
        assert lists.find("c") == []
        assert lists.find("unknown") == []
        assert len(lists) == 4
        [(place, reason, _)] = lists.bad_spans
        assert reason == "wrong_type"
        assert content[int(place.split("@")[1]) :].startswith(b'{\n  "id": "c"')


def test_an_empty_list_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "layer2.json"
    path.write_text("[]")
    with closing(ImageLists(path, tmp_path, 1000)) as lists:
        assert lists.find("a") == []


def test_damaged_gzip(tmp_path: Path) -> None:
    content = gzip.compress(json.dumps(RECORDS * 50).encode())
    path = tmp_path / "layer2.json.gz"
    path.write_bytes(content[:-12])
    with pytest.raises(TruncatedInputError, match="ends early"):
        ImageLists(path, tmp_path, 1000)
    path.write_bytes(content[:2] + b"\x99" * 20)
    with pytest.raises(InputError, match="damaged gzip"):
        ImageLists(path, tmp_path, 1000)
