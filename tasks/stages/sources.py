"""Any source by its kind: fetch its input where it is fetched, normalise it."""

import time
from pathlib import Path

from prefect import task

from mmpipeline.config.environment import load_settings
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.planning.settings import fetch_settings_of, settings_of
from mmpipeline.progress import watch_progress
from mmpipeline.sources import FetchedSource, find_source
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.progress_artifact import ProgressArtifact
from tasks.runtime.recipes import produce_recipes, tell_fetched


@task
def fetch(kind: str, place: Path, config: PipelineConfig) -> None:
    """Bring a source's input to its place; of a source that is read where it lies, do nothing."""
    source = find_source(kind)
    if not isinstance(source, FetchedSource):
        return
    started = time.perf_counter()
    with watch_progress(ProgressArtifact("fetch")):
        result = source.fetch(place, fetch_settings_of(source, config), load_settings().contact)
    tell_fetched("fetch", result, started)


@task
def normalise(kind: str, place: Path, config: PipelineConfig, data_root: Path) -> Path:
    """Normalise a source's input; return the artifact's folder."""
    settings = settings_of(find_source(kind), config)
    notes = {"place": DataLayout.at(data_root).relative(place)}
    return produce_recipes(kind, place, settings, data_root, notes)
