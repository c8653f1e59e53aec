from collections.abc import Callable

import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import current_version, promote
from mmpipeline.storage import DataLayout


def test_nothing_is_current_at_first(layout: DataLayout) -> None:
    assert current_version(layout) is None


def test_promote_points_current_at_the_version(
    published: DataLayout, publish_another: Callable[[], str]
) -> None:
    first = current_version(published)
    assert first is not None
    second = publish_another()
    assert second != first
    assert current_version(published) == second
    promote(published, first)
    assert current_version(published) == first
    files = [path.name for path in published.current_index.parent.iterdir() if path.is_file()]
    assert files == ["CURRENT"]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damaged_version_is_not_promoted(published: DataLayout, damage: str) -> None:
    version = current_version(published)
    assert version is not None
    published.current_index.write_text("0123456789abcdef")
    path = published.artifacts("index") / version / "segments" / "000000" / "full.vectors.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content if damage == "flip" else content[:-1])
    if damage == "remove":
        path.unlink()
    with pytest.raises(ArtifactError, match=r"full\.vectors\.npy"):
        promote(published, version)
    assert published.current_index.read_text() == "0123456789abcdef"


@pytest.mark.parametrize("version", ["", "../../etc", "0" * 15, "0" * 16, "Z" * 16])
def test_version_that_does_not_exist_is_not_promoted(layout: DataLayout, version: str) -> None:
    with pytest.raises(ArtifactError):
        promote(layout, version)
    assert current_version(layout) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"../../evil\n", b"0" * 17, b"{}"])
def test_damaged_current_is_told(layout: DataLayout, content: bytes) -> None:
    layout.current_index.parent.mkdir(parents=True)
    layout.current_index.write_bytes(content)
    with pytest.raises(ArtifactError, match="CURRENT is damaged"):
        current_version(layout)
