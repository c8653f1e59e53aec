import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmpipeline.errors import InputError
from mmpipeline.sources.recipe1m.folder import digest_dump, open_dump


def test_layers_are_found_plain_or_gzip(tmp_path: Path) -> None:
    (tmp_path / "layer1.json.gz").write_bytes(gzip.compress(b"[]"))
    (tmp_path / "layer2+.json").write_bytes(b"[]")
    dump = open_dump(tmp_path)
    assert dump.layer1.name == "layer1.json.gz"
    assert [path.name for path in dump.image_lists] == ["layer2+.json"]


def test_what_is_no_dump(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_dump(tmp_path / "none")
    with pytest.raises(InputError, match=r"expected layer1\.json.*found nothing"):
        open_dump(tmp_path)
    (tmp_path / "recipes.csv").touch()
    with pytest.raises(InputError, match=r"found recipes\.csv"):
        open_dump(tmp_path)


def test_the_digest_follows_what_decides_the_result(
    tmp_path: Path,
    make_dump: Callable[..., Path],
    make_record: Callable[..., dict[str, Any]],
    draw_photo: Callable[..., Path],
) -> None:
    folder = make_dump([make_record(1)], [])
    photo = folder / "images/train/3/f/0/0/3f00.jpg"
    draw_photo(photo)
    digests = [digest_dump(folder)]
    shutil.copytree(folder, tmp_path / "copy")
    assert digest_dump(tmp_path / "copy") == digests[0]
    (folder / "notes.txt").write_text("not read")
    assert digest_dump(folder) == digests[0]
    draw_photo(photo, size_px=9)
    digests.append(digest_dump(folder))
    photo.rename(photo.with_name("3f01.jpg"))
    digests.append(digest_dump(folder))
    (folder / "layer2.json").unlink()
    digests.append(digest_dump(folder))
    make_dump([make_record(2)])
    digests.append(digest_dump(folder))
    assert len(set(digests)) == len(digests)
