"""Catalogues of an older schema, brought up to date.

Version 1 held all rows in `recipes.parquet` and nothing for merging. Version 2 may hold rows in
further segments. A catalogue of version 1 keeps its content: its files are shared, not copied, and
get a manifest of version 2, under the id that follows. The next build finds no facts in it, so it
builds anew once; the sides of recipes, the tombstones and the comparison with it stay.
"""

import json

import pyarrow.parquet as pq

from mmpipeline.catalog.merging import share_file
from mmpipeline.errors import ArtifactError
from mmpipeline.schemas import CATALOG_SCHEMA, schema_version
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.manifest import MANIFEST_NAME, Artifact, Manifest
from mmpipeline.storage.provenance import ArtifactKey

KIND, OLDEST = "catalog", 1


def migrate_catalog(store: ArtifactStore, version: str = "") -> Artifact:
    """Make a catalogue of an older schema readable.

    Parameters
    ----------
    store
        Of the data folder.
    version
        Id of the catalogue; empty: the latest one.

    Returns
    -------
    Artifact
        The catalogue in the present schema; the latest when the old one was. One that is in it
        already is returned as it is.

    Raises
    ------
    ArtifactError
        If there is no such catalogue, it is damaged, or of a schema that is not known.
    """
    versions = store.layout.artifacts(KIND)
    current = store.latest_id(KIND) or "LATEST"  # names no folder
    folder = versions / (version or current)
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST_NAME).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(f"no catalogue to migrate at {folder}: {error}") from error
    known = schema_version(KIND)
    if manifest.kind != KIND or not OLDEST <= manifest.schema_version <= known:
        raise ArtifactError(
            f"{folder} is a {manifest.kind} artifact of schema version {manifest.schema_version}; "
            f"expected a {KIND} of version {OLDEST} to {known}"
        )
    old = Artifact(folder, manifest)
    old.verify()
    if manifest.schema_version == known:
        return old
    migrated = _migrate(store, old)
    if folder.name == current:
        store.mark_latest(migrated)
    return migrated


def _migrate(store: ArtifactStore, old: Artifact) -> Artifact:
    columns = pq.read_schema(old.file("recipes.parquet")).names
    if columns != CATALOG_SCHEMA.names:
        raise ArtifactError(f"{old.folder} has other columns than schema version 1: {columns}")
    manifest = old.manifest
    key = ArtifactKey(KIND, manifest.inputs, manifest.config, manifest.source_digest)
    if store.find(key) is None:
        with store.create(key) as draft:
            for name in manifest.files:
                share_file(old.folder / name, draft.folder / name)
            draft.counts = manifest.counts
            draft.notes = {**manifest.notes, "migrated_from": old.id}
    migrated = store.find(key)
    if migrated is None:
        raise ArtifactError(f"{store.folder(key)} is not readable after it was written")
    return migrated
