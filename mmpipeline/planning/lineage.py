"""The method of an artifact: how it was made, apart from what it was made from.

The method of an artifact is its config and code and, through its inputs, those of every stage
before it. Two artifacts of one method differ in their data alone. So a refresh that only brings
more recipes is told from one that changes how things are done: the former may keep the model.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mmpipeline.errors import ArtifactError
from mmpipeline.planning.keys import ENTRIES
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.provenance import ArtifactKey

HISTORY_ROLES = frozenset({"previous", "drawn_from"})


def method_of(store: ArtifactStore, artifact: Artifact) -> str | None:
    """Return how an artifact was made.

    Parameters
    ----------
    store
        Where its inputs lie.
    artifact
        Any artifact.

    Returns
    -------
    str or None
        16 hex digits; None when an input is gone, so that nobody can tell.
    """
    manifest = artifact.manifest
    methods: dict[str, str] = {}
    for role, source in manifest.inputs.items():
        if role in HISTORY_ROLES:
            continue
        methods[role] = ""
        if role in ENTRIES:
            try:
                found = open_artifact(store.layout.artifacts(role) / source, kind=role)
            except ArtifactError:
                return None
            method = method_of(store, found)
            if method is None:
                return None
            methods[role] = method
    return _digest(manifest.kind, manifest.config, manifest.source_digest, methods)


def method_of_key(key: ArtifactKey, inputs: Mapping[str, str]) -> str:
    """Return how an artifact will be made.

    Parameters
    ----------
    key
        What it is made from.
    inputs
        The methods of its inputs, by role; a role that is missing counts as data.

    Returns
    -------
    str
        As of `method_of`.
    """
    roles = [role for role in key.inputs if role not in HISTORY_ROLES]
    methods = {role: inputs.get(role, "") for role in roles}
    return _digest(key.kind, key.config, key.source_digest, methods)


def _digest(
    kind: str, config: Mapping[str, Any], source_digest: str, methods: Mapping[str, str]
) -> str:
    content = json.dumps([kind, config, source_digest, methods], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
