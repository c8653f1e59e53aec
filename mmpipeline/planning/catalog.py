"""The catalogue that a refresh would make: its recipe artifacts, its key, the one before it."""

from collections.abc import Sequence
from pathlib import Path

from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.former import use_present_names
from mmpipeline.errors import ArtifactError, OutdatedArtifactError
from mmpipeline.planning.keys import catalog_key
from mmpipeline.sources import find_sources
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.provenance import ArtifactKey


def open_sources(sources: Sequence[Path]) -> dict[str, Artifact]:
    """Open recipe artifacts, one a source.

    Parameters
    ----------
    sources
        Their folders.

    Returns
    -------
    dict of str to Artifact
        By kind.

    Raises
    ------
    ArtifactError
        If one holds no recipes, or two are of one source.
    """
    opened: dict[str, Artifact] = {}
    for folder in sources:
        artifact = open_artifact(folder)
        kind = artifact.manifest.kind
        if kind not in find_sources() or kind in opened:
            expected = " or ".join(find_sources())
            raise ArtifactError(f"{folder} is a {kind} artifact; expected one {expected} at most")
        opened[kind] = artifact
    return opened


def plan_catalog(
    data_root: Path, sources: Sequence[Artifact], config: CatalogConfig
) -> tuple[ArtifactKey, Path | None]:
    """Return the key of the catalogue to make, and the one before it.

    A catalogue over the same sources is taken as it is, whatever came before it. Else the newest
    one is the one before, unless other shares or another seed were asked for, which means that
    sides are to be drawn anew.

    Raises
    ------
    OutdatedArtifactError
        If the newest one is of an older schema: taken for none, recipes would lose their sides.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    ids = {artifact.manifest.kind: artifact.id for artifact in sources}
    plain = catalog_key(ids, config)
    versions = store.folder(plain).parent
    for folder in sorted(versions.glob("*/")):
        before = _previous_of(folder)
        key = catalog_key(ids, config, before)
        if folder.name == key.id and store.find(key) is not None:
            return key, versions / before if before else None
    try:
        newest = store.latest("catalog")
    except OutdatedArtifactError:
        raise
    except ArtifactError:
        return plain, None
    drawn_by = ("seed", "val_fraction", "test_fraction")
    drawn = use_present_names(newest.manifest.config, plain.config)
    if any(drawn.get(name) != plain.config[name] for name in drawn_by):
        return plain, None
    return catalog_key(ids, config, newest.id), newest.folder


def _previous_of(folder: Path) -> str | None:
    try:
        return open_artifact(folder, "catalog").manifest.inputs.get("previous")
    except ArtifactError:
        return None


def newest_recipes(data_root: Path) -> list[Path]:
    """Return the folders of the recipe artifacts made last, one a source.

    Raises
    ------
    ArtifactError
        If no source has one yet.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    found = []
    for kind in find_sources():
        try:
            found.append(store.latest(kind).folder)
        except ArtifactError:
            continue
    if not found:
        flows = " or ".join(dict.fromkeys(source.flow for source in find_sources().values()))
        raise ArtifactError(f"no recipes below {data_root} yet; run {flows} first")
    return found


def add_newest(recipes: Sequence[Path], data_root: Path) -> list[Path]:
    """Return recipe artifacts, and the newest one of each source that has none among them.

    Parameters
    ----------
    recipes
        Folders of recipe artifacts.
    data_root
        The data folder.

    Returns
    -------
    list of Path
        At least one.
    """
    kinds = {open_artifact(folder).manifest.kind for folder in recipes}
    others = [] if len(kinds) == len(find_sources()) else newest_recipes(data_root)
    others = [folder for folder in others if open_artifact(folder).manifest.kind not in kinds]
    return [*recipes, *others]
