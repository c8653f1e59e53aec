"""One catalogue over the recipes of both doors."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task

from mmpipeline.catalog.build import build_catalog
from mmpipeline.config import CatalogConfig, load_settings
from mmpipeline.errors import ArtifactError
from mmpipeline.storage import Artifact, ArtifactStore, DataLayout, Draft, open_artifact
from tasks.keys import catalog_key
from tasks.stage import produce

SOURCE_KINDS = ("tenthousand_recipe", "recipe1m")


@task
def merge(sources: Sequence[Path], config: CatalogConfig, data_root: Path) -> Path:
    """Merge recipe artifacts into one catalogue; return the artifact's folder."""
    layout, settings = DataLayout.at(data_root), load_settings()
    opened = open_sources(sources)

    def make(draft: Draft) -> dict[str, float]:
        return build_catalog(
            {kind: artifact.folder for kind, artifact in opened.items()},
            draft.folder,
            config,
            temporary=layout.temporary,
            memory_limit=settings.duckdb_memory,
            threads=settings.threads,
        )

    key = catalog_key({kind: artifact.id for kind, artifact in opened.items()}, config)
    return produce(data_root, key, make, ("recipes", "labelled", "dishes", "duplicates"))


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
        if kind not in SOURCE_KINDS or kind in opened:
            expected = " or ".join(SOURCE_KINDS)
            raise ArtifactError(f"{folder} is a {kind} artifact; expected one {expected} at most")
        opened[kind] = artifact
    return opened


def newest_recipes(data_root: Path) -> list[Path]:
    """Return the folders of the recipe artifacts made last, one a source.

    Raises
    ------
    ArtifactError
        If no source has one yet.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    found = []
    for kind in SOURCE_KINDS:
        try:
            found.append(store.current(kind).folder)
        except ArtifactError:
            continue
    if not found:
        raise ArtifactError(
            f"no recipes below {data_root} yet; run scrape_recipes or normalize_recipe1m first"
        )
    return found
