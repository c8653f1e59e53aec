"""A matrix a modality for a catalogue."""

from pathlib import Path

from prefect import task

from mmpipeline.config.features import FeatureConfig
from mmpipeline.planning.keys import features_key
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from tasks.runtime.cluster import cluster_workers
from tasks.runtime.stage import produce


@task
def extract(catalog: Path, config: FeatureConfig, data_root: Path) -> Path:
    """Extract a catalogue's features; return the artifact's folder."""

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.features.extract import extract_features

        layout = DataLayout.at(data_root)
        cache = layout.feature_cache
        with cluster_workers(layout) as workers:
            return extract_features(
                catalog, draft.folder, layout, config, cache=cache, processes=workers
            )

    key = features_key(open_artifact(catalog, kind="catalog").id, config)
    shown = ("recipes", "image", "title", "ingredients", "instructions", "quarantined", "reused")
    return produce(data_root, key, make, shown)
