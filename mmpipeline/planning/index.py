"""The index version that a refresh would publish, and the version that it is built on."""

from pathlib import Path

from mmpipeline.config.publish import IndexConfig
from mmpipeline.errors import ArtifactError
from mmpipeline.planning.keys import index_key
from mmpipeline.search.current import sound_version
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from mmpipeline.storage.provenance import ArtifactKey


def plan_index(
    data_root: Path, model: str, features: str, catalog: str, config: IndexConfig
) -> tuple[ArtifactKey, Path | None]:
    """Return the key of the index to make, and the version that it is built on.

    A version over the same inputs is taken as it is, whatever it was built on. Else the published
    version is the base when it is of the same model: the vectors of unchanged recipes hold.

    Parameters
    ----------
    data_root
        The data folder.
    model, features, catalog
        Ids of its inputs.
    config
        What it holds.

    Returns
    -------
    key : ArtifactKey
        With the base among its inputs, as ``previous``.
    base : Path or None
        Folder of that version.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    plain = index_key(model, features, catalog, config)
    versions = store.folder(plain).parent
    for folder in sorted(versions.glob("*/")):
        before = _inputs_of(folder).get("previous")
        key = index_key(model, features, catalog, config, before)
        if folder.name == key.id and store.find(key) is not None:
            return key, versions / before if before else None
    now = sound_version(store.layout)
    if now is None or _inputs_of(versions / now).get("model") != model:
        return plain, None
    return index_key(model, features, catalog, config, now), versions / now


def _inputs_of(folder: Path) -> dict[str, str]:
    try:
        return open_artifact(folder, "index").manifest.inputs
    except ArtifactError:
        return {}
