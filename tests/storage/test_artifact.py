"""Artifacts are whole or absent, found by what they were made from, and refused when damaged."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.storage import (
    Artifact,
    ArtifactKey,
    ArtifactStore,
    DataLayout,
    digest_sources,
    open_artifact,
)

KEY = ArtifactKey("catalog", {"recipe1m": "a"}, {"seed": 1}, "code")
BEGIN_AND_END = """
import os, sys, time
while True:
    os.mkdir(sys.argv[1])
    time.sleep(1e-4)
    os.rmdir(sys.argv[1])
    time.sleep(1e-4)
"""
HIDE_AND_SHOW = """
import os, sys, time
while True:
    os.rename(sys.argv[1], sys.argv[1] + ".hidden")
    time.sleep(1e-4)
    os.rename(sys.argv[1] + ".hidden", sys.argv[1])
    time.sleep(1e-4)
"""


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(DataLayout.at(tmp_path))


def make(store: ArtifactStore, key: ArtifactKey = KEY, text: str = "hello") -> Artifact:
    with store.create(key) as draft:
        (draft.folder / "part").mkdir()
        (draft.folder / "part" / "rows.txt").write_text(text)
        draft.counts["rows"] = 1
    artifact = store.find(key)
    assert artifact is not None
    return artifact


def test_a_finished_artifact_is_found_by_its_key(store: ArtifactStore) -> None:
    artifact = make(store)
    assert artifact.folder == store.layout.root / "processed" / "catalog" / KEY.id
    assert artifact.counts == {"rows": 1}
    assert artifact.file("part/rows.txt").read_text() == "hello"
    artifact.verify()


@pytest.mark.parametrize(
    "other",
    [
        ArtifactKey("catalog", {"recipe1m": "b"}, {"seed": 1}, "code"),
        ArtifactKey("catalog", {"recipe1m": "a"}, {"seed": 2}, "code"),
        ArtifactKey("catalog", {"recipe1m": "a"}, {"seed": 1}, "other code"),
        ArtifactKey("pairs", {"recipe1m": "a"}, {"seed": 1}, "code"),
    ],
)
def test_any_change_of_what_it_is_made_from_is_another_id(
    store: ArtifactStore, other: ArtifactKey
) -> None:
    make(store)
    assert other.id != KEY.id
    assert store.find(other) is None


def test_a_failed_draft_leaves_nothing(store: ArtifactStore) -> None:
    def fail_half_way() -> None:
        with store.create(KEY) as draft:
            (draft.folder / "rows.txt").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert store.find(KEY) is None
    assert list(store.layout.temporary.iterdir()) == []


def test_a_draft_is_invisible_until_it_is_complete(store: ArtifactStore) -> None:
    with store.create(KEY) as draft:
        (draft.folder / "rows.txt").write_text("half")
        assert store.find(KEY) is None
        assert not store.folder(KEY).exists()
    assert store.find(KEY) is not None


def test_what_a_version_without_locks_left_goes_after_a_day_unless_its_process_runs(
    store: ArtifactStore,
) -> None:
    names = {"dead": "catalog-0-4194305-abc", "alive": "catalog-0-1-abc"}
    dead, alive, young = (
        store.layout.temporary / f"{names.get(n, 'pairs-0-4194305-d')}"
        for n in ("dead", "alive", "young")
    )
    for folder in (dead, alive, young):
        folder.mkdir(parents=True)
        (folder / "rows").touch()
        for path in (folder / "rows", folder):
            os.utime(path, (0, time.time() - 2 * 86_400))
    os.utime(young / "rows")  # by a process that is not seen from here, perhaps
    make(store)
    assert not dead.exists()
    assert alive.exists()
    assert young.exists()


def test_who_makes_the_same_at_the_same_time_goes_on_from_nothing_of_the_other(
    store: ArtifactStore,
) -> None:
    with store.create(KEY) as first:
        first.resume.mkdir()
        (first.resume / "half").touch()
        with store.create(KEY) as second:
            second.resume.mkdir()
            (second.folder / "rows.txt").write_text("second")
            assert list(second.resume.iterdir()) == []
        store.remove_orphans()  # the artifact is there, and the first maker works on
        assert (first.resume / "half").exists()
    assert list(store.layout.temporary.iterdir()) == []


def test_what_a_crash_left_to_go_on_from_stays_until_the_artifact_is_finished(
    store: ArtifactStore,
) -> None:
    def crash() -> None:
        with store.create(KEY) as draft:
            draft.resume.mkdir()
            (draft.resume / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    make(store, ArtifactKey("pairs", {}, {}, ""))  # another stage clears up
    with store.create(KEY) as draft:
        assert (draft.resume / "half").read_text() == "x"
        (draft.folder / "rows.txt").write_text("whole")
    assert list(store.layout.temporary.iterdir()) == []
    draft.resume.mkdir()  # as if killed between publishing and clearing up
    make(store, ArtifactKey("pairs", {}, {"seed": 2}, ""))
    assert list(store.layout.temporary.iterdir()) == []


def test_what_nobody_came_back_to_goes_after_a_month(store: ArtifactStore) -> None:
    left = store.layout.temporary / f"resume-catalog-{KEY.id}"
    strange = store.layout.temporary / "resume-unheard-0"
    for folder in (left, strange):
        folder.mkdir(parents=True)
    store.remove_orphans()
    assert left.exists()
    assert not strange.exists()
    os.utime(left, (0, time.time() + 400 * 86_400))  # the clock was put back
    store.remove_orphans()
    assert left.exists()
    os.utime(left, (0, time.time() - 31 * 86_400))
    store.remove_orphans()
    assert not left.exists()


def test_what_ends_while_others_clear_up_is_gone_and_no_fault(store: ArtifactStore) -> None:
    left = store.resume_folder(KEY)
    left.parent.mkdir(parents=True)
    other = subprocess.Popen([sys.executable, "-c", BEGIN_AND_END, str(left)])
    try:
        while not left.exists():
            assert other.poll() is None
        for _ in range(1500):
            store.remove_orphans()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_what_is_removed_while_it_is_looked_for_is_absent(store: ArtifactStore) -> None:
    rows = make(store).file("part/rows.txt")
    other = subprocess.Popen([sys.executable, "-c", HIDE_AND_SHOW, str(rows)])
    try:
        while rows.exists():
            assert other.poll() is None
        found = [store.find(KEY) for _ in range(3000)]
    finally:
        other.kill()
        other.wait()
    assert None in found


def test_the_second_maker_of_the_same_key_is_dropped(store: ArtifactStore) -> None:
    with store.create(KEY) as late:
        (late.folder / "rows.txt").write_text("late")
        first = make(store)
    assert first.file("part/rows.txt").read_text() == "hello"
    assert not (first.folder / "rows.txt").exists()


def test_a_cut_artifact_is_made_anew(store: ArtifactStore) -> None:
    artifact = make(store)
    (artifact.folder / "part" / "rows.txt").write_text("hell")
    assert store.find(KEY) is None
    assert make(store, text="again").file("part/rows.txt").read_text() == "again"


def test_a_flipped_bit_is_found_by_verify(store: ArtifactStore) -> None:
    artifact = make(store)
    (artifact.folder / "part" / "rows.txt").write_text("hellp")
    with pytest.raises(ArtifactError, match=r"rows\.txt does not match its manifest"):
        artifact.verify()


def test_an_artifact_of_another_kind_or_schema_is_refused(store: ArtifactStore) -> None:
    folder = make(store).folder
    with pytest.raises(ArtifactError, match="is a catalog artifact; expected pairs"):
        open_artifact(folder, kind="pairs")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema_version"] = 999
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="schema version 999"):
        open_artifact(folder)


def test_a_file_that_the_manifest_does_not_name_is_refused(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match=r"holds no secret\.txt"):
        make(store).file("secret.txt")


def test_the_current_artifact_is_the_one_marked_last(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError, match="no catalog artifact"):
        store.latest("catalog")
    first = make(store)
    second = make(store, ArtifactKey("catalog", {}, {}, ""))
    store.mark_latest(first)
    store.mark_latest(second)
    store.mark_latest(first)
    assert store.latest("catalog").id == first.id


def test_the_source_digest_follows_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "a_package_of_this_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rule.sql").write_text("SELECT 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = digest_sources("a_package_of_this_test")
    assert digest_sources("a_package_of_this_test") == before
    (package / "rule.sql").write_text("SELECT 2")
    assert digest_sources("a_package_of_this_test") != before
    with pytest.raises(ModuleNotFoundError):
        digest_sources("no_such_package_anywhere")


def test_a_module_is_digested_without_importing_the_packages_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a_package_that_must_rest" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner.parent, inner):
        (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (inner / "part.py").write_text("A = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    of_module, of_package = (
        digest_sources(f"a_package_that_must_rest.inner{part}") for part in (".part", "")
    )
    (inner / "part.py").write_text("A = 2")
    assert digest_sources("a_package_that_must_rest.inner.part") != of_module
    assert digest_sources("a_package_that_must_rest.inner") != of_package
    with pytest.raises(ModuleNotFoundError, match="absent"):
        digest_sources("a_package_that_must_rest.inner.absent")


def test_a_renewal_keeps_equal_bytes_and_is_done_once(store: ArtifactStore) -> None:
    before = make(store)
    made_at = before.folder.stat().st_ino
    store.request_renewal(KEY)
    assert store.renewal_requested(KEY)
    make(store)
    assert before.folder.stat().st_ino == made_at
    assert not store.renewal_requested(KEY)


def test_a_renewal_replaces_other_or_damaged_bytes(store: ArtifactStore) -> None:
    make(store)
    store.request_renewal(KEY)
    make(store, text="other")
    rows = store.folder(KEY) / "part" / "rows.txt"
    assert rows.read_text() == "other"
    rows.write_text("othxr")
    store.request_renewal(KEY)
    make(store, text="other")
    assert rows.read_text() == "other"
    assert list(store.layout.temporary.iterdir()) == []


def test_what_was_made_elsewhere_is_taken_over_with_its_manifest(
    store: ArtifactStore, tmp_path: Path
) -> None:
    made = make(ArtifactStore(DataLayout.at(tmp_path / "elsewhere")))
    with store.receive(KEY) as folder:
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
        assert store.find(KEY) is None
    received = store.find(KEY)
    assert received is not None
    assert received.manifest == made.manifest
    received.verify()


def test_what_is_damaged_or_another_is_not_taken_over(store: ArtifactStore, tmp_path: Path) -> None:
    made = make(ArtifactStore(DataLayout.at(tmp_path / "elsewhere")))
    other = ArtifactKey("catalog", {"recipe1m": "b"}, {"seed": 1}, "code")
    with pytest.raises(ArtifactError, match="was asked for"), store.receive(other) as folder:
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    (made.folder / "part" / "rows.txt").write_text("hallo")
    with pytest.raises(ArtifactError, match="damaged"), store.receive(KEY) as folder:
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    assert store.find(KEY) is None
    assert list(store.layout.temporary.iterdir()) == []


def test_a_pointer_of_a_former_release_is_read_until_it_is_replaced(store: ArtifactStore) -> None:
    first = make(store)
    former = first.folder.parent / "CURRENT"
    former.write_text(first.id)
    assert store.latest("catalog").id == first.id
    second = make(store, ArtifactKey("catalog", {}, {}, ""))
    store.mark_latest(second)
    assert store.latest("catalog").id == second.id
    assert not former.exists()
