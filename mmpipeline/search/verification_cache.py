"""Verified once, opened quickly: what a version looked like when every byte of it was hashed.

A stamp holds size, modification time and inode of each file of a version that was verified in
full. While all are as they were, opening trusts the files; otherwise every byte is hashed again.
Stamps lie outside of the version, which never changes; without the right to write one, opening
just takes longer. Promotion, the first opening and `verify` always hash.
"""

import json
from contextlib import suppress
from pathlib import Path

from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import MANIFEST_NAME, SEAL_NAME, Artifact, digest_file


def verify_once(layout: DataLayout, artifact: Artifact, *, always: bool = False) -> bool:
    """Make sure that a version is what its manifest says.

    Parameters
    ----------
    layout
        The data folder.
    artifact
        The version.
    always
        Hash every byte, stamp or not.

    Returns
    -------
    bool
        Whether the bytes were hashed.

    Raises
    ------
    ArtifactError
        Naming the first file that is missing, cut or changed.
    """
    path = layout.state / "verified" / f"{artifact.id}.json"
    seen = _look(artifact)
    if not always:
        with suppress(OSError, ValueError):
            if json.loads(path.read_bytes()) == seen:
                return False
    artifact.verify()
    with suppress(OSError):
        write_json_atomic(path, seen)
    return True


def _look(artifact: Artifact) -> dict[str, list[int] | str]:
    """Return size, mtime in ns and inode of every file, and the manifest's digest."""
    seen: dict[str, list[int] | str] = {"": digest_file(artifact.folder / MANIFEST_NAME)}
    for name in (SEAL_NAME, *artifact.manifest.files):
        with suppress(OSError):  # verify says which file is missing
            status = Path(artifact.folder / name).stat()
            seen[name] = [status.st_size, status.st_mtime_ns, status.st_ino]
    return seen
