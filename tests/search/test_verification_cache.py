"""What was verified once is trusted while its files look as they did; else it is hashed again."""

import os
from pathlib import Path

import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.verification_cache import verify_once
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout

KEY = ArtifactKey("index", {}, {}, "code")


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    store = ArtifactStore(DataLayout.at(tmp_path))
    with store.create(KEY) as draft:
        (draft.folder / "vectors").write_bytes(b"0123456789")
    found = store.find(KEY)
    assert found is not None
    return found


def test_the_second_look_hashes_nothing(artifact: Artifact, tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    assert verify_once(layout, artifact)
    assert not verify_once(layout, artifact)
    assert verify_once(layout, artifact, always=True)


def test_a_file_that_was_touched_is_hashed_and_a_changed_one_refused(
    artifact: Artifact, tmp_path: Path
) -> None:
    layout, vectors = DataLayout.at(tmp_path), artifact.folder / "vectors"
    verify_once(layout, artifact)
    os.utime(vectors, (1, 1))
    assert verify_once(layout, artifact)
    vectors.write_bytes(b"0123456780")
    with pytest.raises(ArtifactError, match="vectors"):
        verify_once(layout, artifact)


def test_a_replaced_file_of_the_same_size_and_time_is_noticed(
    artifact: Artifact, tmp_path: Path
) -> None:
    layout, vectors = DataLayout.at(tmp_path), artifact.folder / "vectors"
    verify_once(layout, artifact)
    status = vectors.stat()
    other = artifact.folder / "other"
    other.write_bytes(b"x123456789")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(vectors)
    with pytest.raises(ArtifactError, match="vectors"):
        verify_once(layout, artifact)


def test_a_stamp_that_cannot_be_written_costs_only_time(artifact: Artifact, tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    (layout.state / "verified").mkdir(parents=True)
    (layout.state / "verified" / f"{artifact.id}.json").mkdir()
    assert verify_once(layout, artifact)
    assert verify_once(layout, artifact)
