"""Contrastive pair tables of a catalogue."""

from pathlib import Path

from prefect import task

from mmpipeline.config.environment import load_settings
from mmpipeline.config.pairs import PairConfig
from mmpipeline.errors import TooFewRecipesError
from mmpipeline.planning.keys import pairs_key
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from tasks.runtime.stage import produce, publish_page, report


@task
def build(
    catalog: Path,
    config: PairConfig,
    data_root: Path,
    embedding: Path | None = None,
    *,
    required: bool = True,
) -> Path | None:
    """Build a catalogue's pair table; return the artifact's folder.

    Unless it is required, a catalogue of too few recipes gets none, and a line says why.

    Raises
    ------
    TooFewRecipesError
        If one is required, and recipes do not suffice.
    """
    layout, settings = DataLayout.at(data_root), load_settings()

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.pairs.build import build_pairs
        from mmpipeline.pairs.page import write_page
        from mmpipeline.pairs.report import read_report

        counts = build_pairs(
            catalog,
            draft.folder,
            config,
            temporary=layout.temporary,
            memory_limit=settings.duckdb_memory,
            threads=settings.threads,
            embedding=embedding,
        )
        page = write_page(read_report(draft.folder), draft.folder)
        publish_page("pairs-report", page, "How many pairs there are, of which sort and dish")
        return counts

    index = open_artifact(embedding, kind="index").id if embedding else None
    key = pairs_key(open_artifact(catalog, kind="catalog").id, config, index)
    shown = ("pairs", "anchors", "pairs_train", "pairs_val", "pairs_test")
    try:
        return produce(data_root, key, make, shown)
    except TooFewRecipesError as error:
        if required:
            raise
        report("pairs", f"none, and the model is kept: {error}")
        return None
