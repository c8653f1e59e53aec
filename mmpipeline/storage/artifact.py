"""Immutable artifact folders, named by what they were made from.

An artifact is a folder of files and a `manifest.json`. Its id is a hash of its inputs' ids, its
config section and the code that its stage reaches: the same inputs give the same id, so a stage
whose artifact exists is done. The folder is filled under a temporary name and renamed when it is
complete, so a reader sees a whole artifact or none.

Ids follow from inputs, not from content: they are known before the work is done, which is what
lets a stage be skipped. The price is that a stage must be deterministic to deserve its id.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmpipeline import __version__
from mmpipeline.errors import ArtifactError
from mmpipeline.schemas import schema_version
from mmpipeline.storage.atomic import (
    fsync_file,
    fsync_folder,
    remove_unfinished,
    write_json_atomic,
    write_text_atomic,
)
from mmpipeline.storage.held import hold_folder, hold_name, remove_abandoned
from mmpipeline.storage.layout import ARTIFACT_ID, DataLayout
from mmpipeline.storage.manifest import (
    MANIFEST_NAME,
    SEAL_NAME,
    Artifact,
    Manifest,
    digest_file,
    open_artifact,
)
from mmpipeline.storage.provenance import ArtifactKey

LATEST_NAME = "LATEST"
FORMER_NAME = "CURRENT"  # of the same pointer; the next release will not read it
RESUME_PREFIX = "resume-"
_PATIENCE_S = 1.0  # whoever clears up holds a name for an instant
RESUMABLE_S = 30 * 86_400  # nobody comes back to an attempt this old


@dataclass(slots=True)
class Draft:
    """An artifact being made: fill `folder`, set `counts` and `notes`.

    What is put into `resume` outlives a crash, for the next attempt at the same artifact to go on
    from; it goes when the artifact is finished. Whoever uses it makes the folder.
    """

    folder: Path
    resume: Path
    counts: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


class ArtifactStore:
    """Finds and makes artifacts below one data folder.

    Parameters
    ----------
    layout
        The data folder.
    """

    def __init__(self, layout: DataLayout) -> None:
        self.layout = layout

    def folder(self, key: ArtifactKey) -> Path:
        """Return where the artifact of this key lies or will lie."""
        return self.layout.artifacts(key.kind) / key.id

    def find(self, key: ArtifactKey) -> Artifact | None:
        """Return the finished artifact of this key, or None when there is none to use.

        Sizes are compared with the manifest, contents are not: that is `Artifact.verify`. A
        folder that fails the comparison counts as absent and will be made anew.
        """
        try:
            return open_artifact(self.folder(key), kind=key.kind)
        except ArtifactError:
            return None

    def mark_latest(self, artifact: Artifact) -> None:
        """Make `artifact` the one that later stages take when nobody names one."""
        write_text_atomic(artifact.folder.parent / LATEST_NAME, artifact.id + "\n")
        (artifact.folder.parent / FORMER_NAME).unlink(missing_ok=True)

    def latest_id(self, kind: str) -> str | None:
        """Return the id of the artifact of a kind that was marked last; None when none was."""
        for name in (LATEST_NAME, FORMER_NAME):
            try:
                return (self.layout.artifacts(kind) / name).read_text(encoding="utf-8").strip()
            except OSError:
                continue
        return None

    def latest(self, kind: str) -> Artifact:
        """Return the artifact of a kind that was marked last.

        Raises
        ------
        ArtifactError
            If there is none yet; the message says which stage makes it.
        """
        folder = self.layout.artifacts(kind)
        name = self.latest_id(kind)
        if name is None:
            raise ArtifactError(
                f"no {kind} artifact in {folder} yet; run the stage that makes it, or `make run`"
            )
        return open_artifact(folder / name, kind=kind)

    def request_renewal(self, key: ArtifactKey) -> None:
        """Ask that the artifact of a key be made once more, though it exists.

        It stays in use until then. The request is a file, so it outlives a killed run.
        """
        self._renewal(key).parent.mkdir(parents=True, exist_ok=True)
        self._renewal(key).touch()

    def renewal_requested(self, key: ArtifactKey) -> bool:
        """Return whether the artifact of a key is to be made once more."""
        return self._renewal(key).exists()

    def resume_folder(self, key: ArtifactKey) -> Path:
        """Return what attempts at the artifact of this key go on from; see `Draft`."""
        return self._resume(key.kind, key.id)

    def _resume(self, kind: str, name: str) -> Path:
        return self.layout.temporary / f"{RESUME_PREFIX}{kind}-{name}"

    def _may_be_resumed(self, folder: Path) -> bool:
        kind, _, name = folder.name.removeprefix(RESUME_PREFIX).partition("-")
        if folder.name != self._resume(kind, name).name or not ARTIFACT_ID.fullmatch(name):
            return False
        is_done = (self.layout.artifacts(kind) / name).exists()
        is_asked_for = (self.layout.state / "renew" / f"{kind}-{name}").exists()
        try:
            is_fresh = time.time() - folder.stat().st_mtime < RESUMABLE_S
        except FileNotFoundError:  # its attempt ended just now; should it be there again, it is new
            return True
        return is_fresh and (is_asked_for or not is_done)

    def _renewal(self, key: ArtifactKey) -> Path:
        return self.layout.state / "renew" / f"{key.kind}-{key.id}"

    @contextmanager
    def create(self, key: ArtifactKey) -> Iterator[Draft]:
        """Make an artifact: fill the yielded draft; on leaving the block it becomes visible whole.

        If the block raises, nothing becomes visible. If another process finished the same
        artifact meanwhile, theirs stays and ours is dropped: the same key means the same content.
        After `request_renewal`, ours takes its place if a byte of it differs.

        Parameters
        ----------
        key
            What it is made from.

        Yields
        ------
        Draft
            With an empty folder to fill.
        """
        with self._temporary(key) as temporary, self._attempt(key) as resume:
            draft = Draft(temporary, resume)
            yield draft
            write_manifest(draft, key)
            self._publish(temporary, key)
            self._renewal(key).unlink(missing_ok=True)
            shutil.rmtree(draft.resume, ignore_errors=True)

    @contextmanager
    def receive(self, key: ArtifactKey) -> Iterator[Path]:
        """Take over an artifact that was made elsewhere, with the manifest it has there.

        Parameters
        ----------
        key
            What it is made from.

        Yields
        ------
        Path
            An empty folder, to be filled with all its files, `manifest.json` and its seal. On
            leaving the block it becomes visible whole, unless the block raises.

        Raises
        ------
        ArtifactError
            If what was filled in is another artifact, or damaged.
        """
        with self._temporary(key) as temporary:
            yield temporary
            found = open_artifact(temporary, key.kind)
            if found.id != key.id:
                raise ArtifactError(f"{key.kind} {key.id} was asked for, {found.id} was received")
            found.verify()
            for path in temporary.rglob("*"):
                fsync_file(path)
            self._publish(temporary, key)

    @contextmanager
    def _temporary(self, key: ArtifactKey) -> Iterator[Path]:
        self.remove_orphans()
        with hold_folder(self.layout.temporary, f"{key.kind}-{key.id}") as temporary:
            yield temporary

    @contextmanager
    def _attempt(self, key: ArtifactKey) -> Iterator[Path]:
        """Hold what attempts go on from; who makes the same at the same time begins on his own."""
        resume = self.resume_folder(key)
        with hold_name(resume, _PATIENCE_S) as is_held:
            if is_held:
                yield resume
                return
            with hold_folder(self.layout.temporary, "attempt") as alone:
                yield alone / RESUME_PREFIX

    def _publish(self, temporary: Path, key: ArtifactKey) -> None:
        final = self.folder(key)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.rename(final)
        except OSError:
            if not final.exists():
                raise
            if not self._may_stay(key, open_artifact(temporary, key.kind)):
                # Out of the way in one step, then ours takes the name.
                with hold_folder(self.layout.temporary, "replaced") as trash:
                    final.rename(trash)
                    temporary.rename(final)
        fsync_folder(final.parent)

    def _may_stay(self, key: ArtifactKey, ours: Artifact) -> bool:
        """Return whether the artifact that is there already is as good as ours."""
        try:
            theirs = open_artifact(self.folder(key), kind=key.kind)
            if self.renewal_requested(key):
                theirs.verify()
        except ArtifactError:
            return False
        return not self.renewal_requested(key) or theirs.manifest.files == ours.manifest.files

    def remove_orphans(self) -> None:
        """Delete the folders, and files beside pointers, that nobody holds any more; see `held`.

        What an attempt left to be resumed from stays until its artifact is finished, or for a
        month.
        """
        pointers = [self.layout.artifacts(kind) for kind in self.layout.kinds()]
        for place in (*pointers, self.layout.current_index.parent, self.layout.state):
            remove_unfinished(place)
        remove_abandoned(self.layout.temporary, self._may_be_resumed)


def write_manifest(draft: Draft, key: ArtifactKey) -> None:
    """Describe the draft's files in its `manifest.json` and flush everything to the disk."""
    files = sorted(path for path in draft.folder.rglob("*") if path.is_file())
    manifest = Manifest(
        kind=key.kind,
        id=key.id,
        schema_version=schema_version(key.kind),
        inputs=dict(key.inputs),
        config=dict(key.config),
        source_digest=key.source_digest,
        code_version=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        files={
            path.relative_to(draft.folder).as_posix(): {
                "sha256": digest_file(path),
                "bytes": path.stat().st_size,
            }
            for path in files
        },
        counts=draft.counts,
        notes=draft.notes,
    )
    for path in files:
        fsync_file(path)
    for folder in (draft.folder, *filter(Path.is_dir, draft.folder.rglob("*"))):
        fsync_folder(folder)
    write_json_atomic(draft.folder / MANIFEST_NAME, asdict(manifest))
    write_text_atomic(draft.folder / SEAL_NAME, f"{digest_file(draft.folder / MANIFEST_NAME)}\n")
