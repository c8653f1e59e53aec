"""The English door: a folder in Recipe1M's layout becomes recipes."""

from pathlib import Path

from prefect import task

from mmpipeline.config import Recipe1MConfig
from mmpipeline.recipe1m import digest_dump, normalize_dump
from mmpipeline.storage import DataLayout, Draft
from tasks.keys import recipe1m_key
from tasks.stage import produce


@task
def normalize(dump: Path, config: Recipe1MConfig, data_root: Path) -> Path:
    """Normalise a dump; return the artifact's folder."""
    layout = DataLayout.at(data_root)

    def make(draft: Draft) -> dict[str, float]:
        return normalize_dump(dump, draft.folder, layout, config)

    # Photo paths are stored as they lie: a dump that moved has to be normalised anew.
    key = recipe1m_key(f"{digest_dump(dump)} at {layout.relative(dump)}", config)
    return produce(data_root, key, make, ("recipes", "photos", "photos_missing", "quarantined"))
