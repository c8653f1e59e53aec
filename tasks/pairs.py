"""Contrastive pair tables of a catalogue."""

from pathlib import Path

from prefect import task

from mmpipeline.config import PairConfig, load_settings
from mmpipeline.pairs.build import build_pairs
from mmpipeline.storage import DataLayout, Draft, open_artifact
from tasks.keys import pairs_key
from tasks.stage import produce


@task
def build(catalog: Path, config: PairConfig, data_root: Path) -> Path:
    """Build a catalogue's pair table; return the artifact's folder."""
    layout, settings = DataLayout.at(data_root), load_settings()

    def make(draft: Draft) -> dict[str, float]:
        return build_pairs(
            catalog,
            draft.folder,
            config,
            temporary=layout.temporary,
            memory_limit=settings.duckdb_memory,
            threads=settings.threads,
        )

    key = pairs_key(open_artifact(catalog, kind="catalog").id, config)
    return produce(
        data_root, key, make, ("pairs", "anchors", "pairs_train", "pairs_val", "pairs_test")
    )
