"""The model card of an index version in the registry, made from how its model was measured.

Every figure stands beside what is reached without learning and by chance. The page can be made
again at any time from the artifacts, so it follows an evaluation that came later.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mmpipeline.errors import ArtifactError
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact

QUESTIONS = {
    "dish_image_recall_at_1": "right dish first, by photo",
    "dish_title_recall_at_1": "right dish first, by title",
    "dish_full_recall_at_1": "right dish first, by everything",
    "dish_full_unknown_recall_at_1": "the same, dishes that training never saw",
    "recipe_image_to_text_recall_at_10": "own recipe among ten, photo to text",
    "recipe_text_to_image_recall_at_10": "own recipe among ten, text to photo",
    "language_ko_to_en_recall_at_5": "right dish among five, Korean title to English",
    "language_en_to_ko_recall_at_5": "right dish among five, English title to Korean",
}
"""The figures of an evaluation that the page shows, in words."""
FROZEN_FIGURE = "frozen_dish_full_recall_at_1"


def describe_index(layout: DataLayout, index: Artifact) -> str:
    """Return what the registry's page says of an index version.

    Parameters
    ----------
    layout
        The data folder.
    index
        The version.

    Returns
    -------
    str
        Markdown, well below the 5,000 characters that the registry takes.
    """
    inputs, counts = index.manifest.inputs, index.counts
    parts = [
        f"Index version `{index.id}`: {counts.get('items', 0):,.0f} recipes, "
        f"{counts.get('dishes', 0):,.0f} dishes, recall at 10 {counts.get('recall_at_10', 0):.3f} "
        f"against exact search. Model `{inputs.get('model')}`, catalogue `{inputs.get('catalog')}`."
    ]
    evaluation = find_measurement(layout, "evaluation", index)
    if evaluation is None:
        parts.append("The model has not been evaluated: `python -m flows evaluate_model` does it.")
    else:
        parts += [*_describe_evaluation(evaluation)]
    frozen = find_measurement(layout, "frozen_scores", index)
    if frozen is not None and FROZEN_FIGURE in frozen.counts:
        parts.append(
            f"On the frozen set `{frozen.manifest.inputs['frozen_set']}`, right dish first by "
            f"everything: {frozen.counts[FROZEN_FIGURE]:.3f}."
        )
    return "\n\n".join(parts)


def find_measurement(layout: DataLayout, kind: str, index: Artifact) -> Artifact | None:
    """Return what was measured of an index's model on recipes that chose nothing.

    Parameters
    ----------
    layout
        The data folder.
    kind
        ``evaluation`` or ``frozen_scores``.
    index
        The version.

    Returns
    -------
    Artifact or None
        On the version's own catalogue if there is one, else the newest; None when there is none.
    """
    found = [
        artifact
        for artifact in _open_all(layout, kind)
        if artifact.manifest.inputs.get("model") == index.manifest.inputs.get("model")
        and artifact.manifest.config.get("split") != "val"
    ]

    def fitness(artifact: Artifact) -> tuple[bool, str]:
        catalog = artifact.manifest.inputs.get("catalog")
        return catalog == index.manifest.inputs.get("catalog"), artifact.manifest.created_at

    return max(found, key=fitness, default=None)


def _open_all(layout: DataLayout, kind: str) -> Iterator[Artifact]:
    for folder in sorted(layout.artifacts(kind).glob("*/")):
        try:
            yield open_artifact(folder, kind)
        except ArtifactError:
            continue  # the doctor names what is damaged


def _describe_evaluation(evaluation: Artifact) -> Iterator[str]:
    metrics: Mapping[str, Any] = evaluation.manifest.notes.get("metrics", {})
    yield (
        f"Evaluation `{evaluation.id}` on catalogue `{evaluation.manifest.inputs.get('catalog')}`: "
        f"{metrics.get('queries', 0):,.0f} held-out recipes ask."
    )
    rows = [
        f"| {words} | {_cell(metrics, name)}{_interval(metrics, name)} "
        f"| {_cell(metrics, f'{name}_raw')} | {_cell(metrics, f'{name}_chance')} |"
        for name, words in QUESTIONS.items()
        if name in metrics
    ]
    if rows:
        head = ["| question | learned (95 %) | raw features | chance |", "|---|---|---|---|"]
        yield "\n".join([*head, *rows])


def _cell(metrics: Mapping[str, Any], name: str) -> str:
    return f"{metrics[name]:.3f}" if name in metrics else "-"


def _interval(metrics: Mapping[str, Any], name: str) -> str:
    low, high = f"{name}_low", f"{name}_high"
    return f" ({metrics[low]:.3f}-{metrics[high]:.3f})" if {low, high} <= metrics.keys() else ""
