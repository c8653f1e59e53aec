"""A matrix a modality for a catalogue."""

from pathlib import Path

from prefect import task

from mmpipeline.config import FeatureConfig
from mmpipeline.features.extract import extract_features
from mmpipeline.storage import DataLayout, Draft, open_artifact
from tasks.keys import features_key
from tasks.stage import produce


@task
def extract(catalog: Path, config: FeatureConfig, data_root: Path) -> Path:
    """Extract a catalogue's features; return the artifact's folder."""

    def make(draft: Draft) -> dict[str, float]:
        return extract_features(catalog, draft.folder, DataLayout.at(data_root), config)

    key = features_key(open_artifact(catalog, kind="catalog").id, config)
    shown = ("recipes", "image", "title", "ingredients", "instructions", "quarantined")
    return produce(data_root, key, make, shown)
