"""The evaluation stage, whose figures are logged to the training run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from prefect import task

from mmpipeline.config.evaluate import EvaluateConfig
from mmpipeline.planning.keys import evaluation_key
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from tasks.runtime.device import chosen_device
from tasks.runtime.stage import produce, publish_page, report
from tasks.tracking.run_figures import log_to_training, measured_in_evaluation

QUERIES = {"image": "by photo", "title": "by title", "full": "by everything"}
DIRECTIONS = {"image_to_text": "photo to text", "text_to_image": "text to photo"}


@task
def evaluate(
    model: Path, features: Path, catalog: Path, config: EvaluateConfig, data_root: Path
) -> Path:
    """Evaluate a model; return the artifact's folder."""
    trained = open_artifact(model, kind="model")
    key = evaluation_key(
        trained.id,
        open_artifact(features, kind="features").id,
        open_artifact(catalog, kind="catalog").id,
        config,
    )

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.evaluation.suite.evaluate import evaluate_model

        with chosen_device():
            counts = evaluate_model(
                model, features, catalog, draft.folder, config, photos=data_root
            )
        draft.notes["metrics"] = json.loads((draft.folder / "metrics.json").read_bytes())
        page = (draft.folder / "report.md").read_text(encoding="utf-8")
        publish_page("evaluation-report", page, "How well the model finds, beside no learning")
        return counts

    folder = produce(data_root, key, make, ("queries",))
    evaluation = open_artifact(folder)
    measured = measured_in_evaluation(evaluation, catalog)
    if not log_to_training(DataLayout.at(data_root), trained, measured):
        report("evaluation", "the training run is gone from MLflow; figures are kept here")
    if config.split != "val":
        for line in summarise(evaluation.manifest.notes["metrics"]):
            report("", line)
    return folder


def summarise(metrics: Mapping[str, float]) -> Iterator[str]:
    """Yield the headline figures, a line each, learned beside what is reached without learning."""
    for query, word in QUERIES.items():
        name = f"dish_{query}_recall_at_1"
        if name in metrics:
            yield (
                f"right dish first, {word}: {metrics[name]:.3f} (raw features "
                f"{metrics[name + '_raw']:.3f}, chance {metrics[name + '_chance']:.3f})"
            )
    for direction, words in DIRECTIONS.items():
        name = f"recipe_{direction}_recall_at_10"
        if name in metrics:
            yield (
                f"own recipe among ten, {words}: {metrics[name]:.3f} "
                f"(chance {metrics[name + '_chance']:.3f})"
            )
