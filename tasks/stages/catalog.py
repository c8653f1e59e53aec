"""The catalogue stage, over the recipes of all sources."""

from collections.abc import Sequence
from pathlib import Path

from prefect import task

from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.environment import load_settings
from mmpipeline.planning.catalog import open_sources, plan_catalog
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.stage import produce, publish_page


@task
def merge(sources: Sequence[Path], config: CatalogConfig, data_root: Path) -> Path:
    """Merge recipe artifacts into one catalogue; return the artifact's folder."""
    layout, settings = DataLayout.at(data_root), load_settings()
    opened = open_sources(sources)

    key, previous = plan_catalog(data_root, list(opened.values()), config)

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.catalog.build import build_catalog

        draft.notes["previous"] = previous.name if previous else None
        counts = build_catalog(
            {kind: artifact.folder for kind, artifact in opened.items()},
            draft.folder,
            config,
            temporary=layout.temporary,
            memory_limit=settings.duckdb_memory,
            threads=settings.threads,
            previous=previous,
        )
        page = (draft.folder / "quality.md").read_text(encoding="utf-8")
        publish_page("catalog-quality", page, "How good the catalogue is, beside its bounds")
        return counts

    return produce(data_root, key, make, ("recipes", "labelled", "dishes", "duplicates"))
