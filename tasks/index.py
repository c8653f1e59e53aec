"""Publish the embedding index, and ask it one question."""

from pathlib import Path

from prefect import task

from mmpipeline.cli import example_answer
from mmpipeline.config import IndexConfig
from mmpipeline.search.publish import build_index, promote
from mmpipeline.storage import DataLayout, Draft, open_artifact
from tasks.keys import index_key
from tasks.stage import log, produce


@task
def publish(
    model: Path, features: Path, catalog: Path, config: IndexConfig, data_root: Path
) -> Path:
    """Build an index version and make it the current one; return its folder."""

    def make(draft: Draft) -> dict[str, float]:
        return build_index(model, features, catalog, draft.folder, config)

    key = index_key(
        open_artifact(model, kind="model").id,
        open_artifact(features, kind="features").id,
        open_artifact(catalog, kind="catalog").id,
        config,
    )
    folder = produce(data_root, key, make, ("items", "dishes", "recall_at_10"))
    promote(DataLayout.at(data_root), key.id)
    return folder


@task
def ask_example(data_root: Path) -> None:
    """Answer one question from the published index and print it."""
    for line in example_answer(DataLayout.at(data_root)):
        log.info("%s", line)
