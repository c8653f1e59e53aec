"""The key of an artifact: its inputs, config and code, and the id that follows.

Ids follow from inputs, not from content: they are known before the work is done, which is what
lets a stage be skipped. The price is that a stage must be deterministic to deserve its id.
"""

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmpipeline.schemas import schema_version
from mmpipeline.storage.manifest import digest_file


@dataclass(frozen=True, slots=True)
class ArtifactKey:
    """What an artifact is made from, and the id that follows.

    Attributes
    ----------
    kind
        One of `layout.ARTIFACT_FOLDERS`, or a source's.
    inputs
        Ids of the artifacts (or digests of the files) it is made from, by role.
    config
        The config section that decides its content, as plain JSON values.
    source_digest
        Digest of the code that the stage reaches; see `mmpipeline.provenance`.
    """

    kind: str
    inputs: Mapping[str, str]
    config: Mapping[str, Any]
    source_digest: str

    @property
    def id(self) -> str:
        """16 hex digits."""
        content = json.dumps(
            [schema_version(self.kind), asdict(self)], sort_keys=True, ensure_ascii=False
        ).encode()
        return hashlib.sha256(content).hexdigest()[:16]


def digest_sources(*modules: str) -> str:
    """Digest the source files of modules and packages as they are, without importing them.

    It tells two installations apart; keys are made from `mmpipeline.provenance.digest_code`.

    Parameters
    ----------
    *modules
        Dotted names; of a package, all Python, SQL and TOML files below it count.

    Returns
    -------
    str
        16 hex digits that change when any of the files changes.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.
    """
    digest = hashlib.sha256()
    for module in sorted(modules):
        for name, path in _source_files(module):
            digest.update(f"{module}/{name}\0{digest_file(path)}\n".encode())
    return digest.hexdigest()[:16]


def _source_files(module: str) -> Sequence[tuple[str, Path]]:
    top, *parts = module.split(".")
    spec = importlib.util.find_spec(top)  # of a dotted name it would import the packages above
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    origin = Path(spec.origin)
    if parts:
        place = origin.parent.joinpath(*parts)
        origin = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not origin.is_file():
        raise ModuleNotFoundError(f"no module {module}")
    if origin.name != "__init__.py":
        return [(origin.name, origin)]
    return sorted(
        (path.relative_to(origin.parent).as_posix(), path)
        for path in origin.parent.rglob("*")
        if path.suffix in {".py", ".sql", ".toml"}
    )
