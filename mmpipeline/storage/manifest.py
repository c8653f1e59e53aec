"""The manifest of an artifact, and opening artifacts by it.

Opening compares presence and sizes, which is cheap and finds what is missing or cut; `verify`
hashes every file, which also finds a flipped bit.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmpipeline.errors import ArtifactError, OutdatedArtifactError
from mmpipeline.schemas import schema_version

MANIFEST_NAME = "manifest.json"
SEAL_NAME = "manifest.sha256"
"""Holds the manifest's own digest, which the manifest cannot."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says of an artifact.

    Attributes
    ----------
    files
        sha256 (hex) and size in bytes of every file, by path below the folder.
    counts
        Row counts and other figures worth comparing between versions.
    notes
        Anything else a later stage or a person wants to know.
    """

    kind: str
    id: str
    schema_version: int
    inputs: dict[str, str]
    config: dict[str, Any]
    source_digest: str
    code_version: str
    created_at: str
    files: dict[str, dict[str, Any]]
    counts: dict[str, float]
    notes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished artifact on the disk."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The id that other manifests name it by."""
        return self.manifest.id

    @property
    def counts(self) -> dict[str, float]:
        """The manifest's figures."""
        return self.manifest.counts

    def file(self, name: str) -> Path:
        """Return the path of one of its files.

        Raises
        ------
        ArtifactError
            If the manifest names no such file.
        """
        if name not in self.manifest.files:
            raise ArtifactError(f"{self.folder} holds no {name}; it is damaged or of another kind")
        return self.folder / name

    def verify(self) -> None:
        """Hash every file and compare with the manifest.

        Raises
        ------
        ArtifactError
            Naming the first file that is missing, cut or changed; the manifest is one of them.
        """
        check_seal(self.folder)
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise ArtifactError(f"{path} is missing; delete its folder and run again")
            if path.stat().st_size != entry["bytes"] or digest_file(path) != entry["sha256"]:
                raise ArtifactError(
                    f"{path} does not match its manifest (damaged); delete its folder and run again"
                )


def check_seal(folder: Path) -> None:
    """Compare a manifest with its seal, if it has one: early ones have none.

    Parameters
    ----------
    folder
        Of an artifact.

    Raises
    ------
    ArtifactError
        If they differ: one of the two is damaged.
    """
    seal, manifest = folder / SEAL_NAME, folder / MANIFEST_NAME
    if not seal.is_file() or not manifest.is_file():
        return
    if seal.read_bytes() != f"{digest_file(manifest)}\n".encode():
        raise ArtifactError(
            f"{manifest} does not match {SEAL_NAME} (damaged); delete its folder and run again"
        )


def open_artifact(folder: Path, kind: str | None = None) -> Artifact:
    """Open a finished artifact; files are checked for presence and size, not hashed.

    Parameters
    ----------
    folder
        The artifact's folder.
    kind
        The kind it must be of; None accepts any.

    Returns
    -------
    Artifact
        The folder and its manifest.

    Raises
    ------
    ArtifactError
        If there is no such artifact, it is damaged, of another kind or another schema version;
        `OutdatedArtifactError` where a command migrates it.
    """
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST_NAME).read_bytes()))
    except OSError as error:
        raise ArtifactError(f"no artifact at {folder}; run the stage that makes it") from error
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"{folder / MANIFEST_NAME} cannot be read: {error}") from error
    if kind is not None and manifest.kind != kind:
        raise ArtifactError(f"{folder} is a {manifest.kind} artifact; expected {kind}")
    _check_version(folder, manifest)
    for name, entry in manifest.files.items():
        path = folder / name
        if _size_of(path) != entry["bytes"]:
            raise ArtifactError(f"{path} is missing or cut; delete {folder} and run again")
    return Artifact(folder, manifest)


def _size_of(path: Path) -> int | None:
    """Return a file's bytes; None when it is none, or is being removed."""
    with suppress(FileNotFoundError):
        return path.stat().st_size if path.is_file() else None
    return None


def _check_version(folder: Path, manifest: Manifest) -> None:
    known = schema_version(manifest.kind)
    if manifest.schema_version == known:
        return
    found = f"{folder} has schema version {manifest.schema_version}, this version reads {known}"
    if manifest.kind == "catalog" and manifest.schema_version < known:
        raise OutdatedArtifactError(
            f"{found}; `mmpipeline catalog migrate {folder.name}` brings it up to date"
        )
    raise ArtifactError(f"{found}; `make run` makes it anew from what it was made from")


def digest_file(path: Path) -> str:
    """Return the sha256 of a file's content, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
