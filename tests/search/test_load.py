"""A version of which any file is not as written is refused by the file's name."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import IndexConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.search.current import current_version, promote
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.load import open_parts
from mmpipeline.search.publish import ann as list_building
from mmpipeline.search.publish.version import build_index
from mmpipeline.search.query import Query
from mmpipeline.search.release.live import LiveIndex
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, write_text_atomic
from mmpipeline.storage.manifest import MANIFEST_NAME, SEAL_NAME
from tests.search.other_versions import add_views


@pytest.fixture
def listed(world: Path, published: DataLayout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of one more version, with every file that a version can have."""
    monkeypatch.setattr(list_building, "LEAST_ROWS", 1)
    key = ArtifactKey("index", {"model": "listed"}, {}, "s")
    parts = (world / "model", world / "features", world / "catalog")
    config = IndexConfig(approximate_above=1, min_recall_at_10=0, subsets={
        "with kimchi": "SELECT recipe_id FROM recipes WHERE title LIKE '김치%'"
    })  # fmt: skip
    store = ArtifactStore(published)
    with store.create(key) as draft:
        draft.counts = build_index(*parts, draft.folder, config)
    return store.folder(key)


def damages(content: bytes) -> Iterator[bytes]:
    """Yield a file's content cut and with one bit flipped, at several places."""
    for length in {0, len(content) // 2, len(content) - 1}:
        yield content[:length]
    for place in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        yield bytes(flipped)


def test_any_file_cut_or_flipped_is_refused_by_name_and_the_old_version_serves(
    listed: Path, published: DataLayout
) -> None:
    first = current_version(published)
    live = LiveIndex(published)
    live.refresh()
    files = [path for path in sorted(listed.rglob("*")) if path.is_file()]
    kinds = {path.name for path in files}
    assert kinds >= {"full.lists", "full.codes", "items.arrow", "dead.npy", "members.parquet"}
    assert kinds >= {MANIFEST_NAME, SEAL_NAME, "model.safetensors", "encoders.json"}
    for path in files:
        content = path.read_bytes()
        for damaged in damages(content):
            path.write_bytes(damaged)
            with pytest.raises(ArtifactError, match=path.name):
                promote(published, listed.name)
            assert current_version(published) == first
            write_text_atomic(published.current_index, f"{listed.name}\n")  # past the gate
            assert not live.refresh()
            assert path.name in (live.problem or "")
            write_text_atomic(published.current_index, f"{first}\n")
        path.write_bytes(content)
    with live.lease() as index:
        assert index.version == first
        assert index.search(Query(title="김치찌개"), 3).items
    live.close()
    promote(published, listed.name)
    assert len(SearchIndex.open(published)) == 24


def test_the_parts_of_a_version_are_of_one_make(listed: Path) -> None:
    parts = open_parts(listed)
    assert parts.living == len(parts.living_rows()) == parts.items.num_rows == 24
    assert set(parts.members) == {"with kimchi"}
    assert len(parts.members["with kimchi"]) == 8
    assert all(segment.vectors.lists is not None for segment in parts.segments)


def test_an_old_version_with_views_answers_from_the_whole_recipes(
    world: Path, published: DataLayout
) -> None:
    version = current_version(published)
    assert version is not None
    query = Query(title="김치찌개")
    expected = SearchIndex.open(published).search(query, 24)
    folder = published.artifacts("index") / version
    add_views(folder)
    assert json.loads((folder / "index.json").read_text())["routes"]["title"] == "image"
    promote(published, version)
    assert SearchIndex.open(published).search(query, 24) == expected


def test_an_old_version_with_views_is_built_upon_and_none_is_kept(
    world: Path, published: DataLayout, tmp_path: Path
) -> None:
    before = published.artifacts("index") / (current_version(published) or "")
    add_views(before)
    parts = (world / "model", world / "features", world / "catalog")
    for name, config in (("shared", IndexConfig()), ("renewed", IndexConfig(max_segments=1))):
        target = tmp_path / name
        target.mkdir()
        counts = build_index(*parts, target, config, before)
        assert (counts["embedded"], counts["taken_over"]) == (0, 24)
        described = json.loads((target / "index.json").read_text())
        assert (described["views"], described["routes"]) == (["full"], {})
        ours, theirs = open_parts(target), open_parts(before)
        np.testing.assert_array_equal(
            ours.space.take(ours.living_rows()), theirs.space.take(theirs.living_rows())
        )
    assert not list((tmp_path / "renewed").rglob("image.*"))
