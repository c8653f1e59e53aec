"""CURRENT: the one small file that says which index version answers.

It is swapped in one step and only after the whole version has been hashed, so readers see the old
version or the new one, and never a damaged one.
"""

import re
from collections.abc import Callable

from mmpipeline.errors import ArtifactError
from mmpipeline.search.verification_cache import verify_once
from mmpipeline.storage.atomic import write_text_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, check_seal, open_artifact

_VERSION = re.compile(r"[0-9a-f]{16}")


def promote(
    layout: DataLayout, version: str, accept: Callable[[Artifact], object] = lambda _: None
) -> None:
    """Point CURRENT at a version, after hashing every file of it.

    Parameters
    ----------
    layout
        The data folder.
    version
        Id of an index artifact.
    accept
        Asked between the two; what it raises leaves CURRENT as it was. `release` and `roll_back`
        give `trial.try_version`, which this module, being read by what it opens, cannot know.

    Raises
    ------
    ArtifactError
        If there is no such version or it is damaged; CURRENT is then left as it was.
    """
    artifact = open_version(layout, version)
    verify_once(layout, artifact, always=True)
    accept(artifact)
    write_text_atomic(layout.current_index, f"{version}\n")


def current_version(layout: DataLayout) -> str | None:
    """Return the published index version.

    Parameters
    ----------
    layout
        The data folder.

    Returns
    -------
    str or None
        Its id; None when nothing has been published yet.

    Raises
    ------
    ArtifactError
        If CURRENT does not hold an id.
    """
    try:
        content = layout.current_index.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArtifactError(f"{layout.current_index} cannot be read: {error.strerror}") from error
    version = content[:64].decode("ascii", "replace").strip()
    if not _VERSION.fullmatch(version):
        raise ArtifactError(
            f"{layout.current_index} is damaged: expected 16 hex digits, found {version!r}; "
            "publish again"
        )
    return version


def sound_version(layout: DataLayout) -> str | None:
    """Return the published index version; None also when CURRENT is damaged.

    For whoever is about to put another version there, which mends it.
    """
    try:
        return current_version(layout)
    except ArtifactError:
        return None


def open_version(layout: DataLayout, version: str) -> Artifact:
    """Open an index version by its id; its files are checked for presence and size, not hashed.

    Parameters
    ----------
    layout
        The data folder.
    version
        From outside, perhaps.

    Returns
    -------
    Artifact
        The version.

    Raises
    ------
    ArtifactError
        If there is no such version, or its manifest or the size of a file is not as written.
    """
    check_version(version)
    folder = layout.artifacts("index") / version
    check_seal(folder)
    return open_artifact(folder, kind="index")


def check_version(version: str) -> None:
    """Refuse what cannot be a version, before it becomes part of a path.

    Parameters
    ----------
    version
        From outside.

    Raises
    ------
    ArtifactError
        If it is not 16 hex digits.
    """
    if not _VERSION.fullmatch(version):
        raise ArtifactError(f"{version!r} is no index version; expected 16 hex digits")
