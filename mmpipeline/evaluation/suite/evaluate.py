"""The evaluation stage: every figure of a model on held-out recipes, beside its baselines.

Five questions, each also asked of raw features, of words alone (TF-IDF), of a closed-form model of
the one modality (where these can answer) and of chance:

- *dish*: is the nearest labelled recipe of the same dish, for each kind of query;
- *recipe*: does a photo find its own recipe's text, and a text its photo (Recipe1M's protocol);
- *language*: does a Korean title find an English recipe of the same dish, and back;
- *prototype*: is the right dish's prototype the nearest, for dishes known to training and not;
- *matrix*: every subset of modalities as query against every subset as item.
"""

from pathlib import Path

import numpy as np

from mmpipeline.config.evaluate import EvaluateConfig
from mmpipeline.errors import StageError
from mmpipeline.evaluation.metrics.subset_matrix import (
    CHART_NAME,
    draw_matrix,
    judge_subsets,
    tabulate_matrix,
)
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts
from mmpipeline.evaluation.reports.gallery import WORST, write_gallery
from mmpipeline.evaluation.reports.report import write_report
from mmpipeline.evaluation.reports.tables import write_tables
from mmpipeline.evaluation.suite.held_out import load_held_out
from mmpipeline.evaluation.suite.suite import EvaluationSuite
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import compute_device
from mmpipeline.models.embed import QUERY_SUBSETS, check_fit
from mmpipeline.models.weights import load_model
from mmpipeline.storage.atomic import write_json_atomic

HEADLINES = (
    "queries",
    "dish_full_recall_at_1",
    "dish_image_recall_at_1",
    "dish_title_recall_at_1",
    "recipe_image_to_text_median_rank",
    "recipe_image_to_text_recall_at_10",
    "language_ko_to_en_recall_at_5",
    "language_en_to_ko_recall_at_5",
    "prototype_full_top1",
    "prototype_full_harmonic_mean",
)
"""The figures that go to the manifest and the screen."""


def evaluate_model(
    model: Path,
    features: Path,
    catalog: Path,
    target: Path,
    config: EvaluateConfig,
    photos: Path | None = None,
) -> dict[str, float]:
    """Measure a model on held-out recipes.

    Writes into `target`: ``metrics.json`` (name to figure); ``report.md`` with ``retrieval.png``
    and ``matrix.png``; ``figures.csv``, ``matrix.csv`` and ``subsets.csv``; and the worst queries,
    ``failures.html`` and ``failures.csv``.

    Parameters
    ----------
    model, features, catalog
        Folders of finished artifacts; the features are of that catalogue, the model of those
        features.
    target
        Folder to write into.
    config
        Draws and seed.
    photos
        The data folder, which photo paths are stored against; None shows no photos of failures.

    Returns
    -------
    dict
        The headline figures; those that these data allow.

    Raises
    ------
    ArtifactError
        If an artifact is damaged or they do not belong together.
    StageError
        If nothing is held out, or an embedding is not finite.
    """
    feature_set = FeatureSet.open(features)
    fusion_model = load_model(model).to(compute_device())
    check_fit(fusion_model, feature_set)
    held_out = load_held_out(catalog, feature_set, config.split)
    texts = RecipeTexts.read(catalog, feature_set.recipe_ids)
    suite = EvaluationSuite(fusion_model, feature_set, held_out, texts, config)
    metrics = {"queries": float(held_out.is_query.sum()), "items": float(held_out.is_item.sum())}
    metrics["labelled_items"] = float((held_out.is_item & (held_out.dish >= 0)).sum())
    for subset, modalities in QUERY_SUBSETS.items():
        metrics |= suite.measure_dishes(f"dish_{subset}", modalities)
    metrics |= suite.measure_recipes()
    for source, other in (("ko", "en"), ("en", "ko")):
        metrics |= suite.measure_languages(source, other)
    for subset, modalities in QUERY_SUBSETS.items():
        metrics |= suite.measure_prototypes(f"prototype_{subset}", modalities)
    metrics = {name: value for name, value in metrics.items() if np.isfinite(value)}
    if not any(name.endswith(("recall_at_1", "top1")) for name in metrics):
        raise StageError(
            f"none of the {int(held_out.is_query.sum())} held-out recipes has a dish with "
            "siblings, or both photo and text: nothing can be measured; add recipes"
        )
    matrix, judged = (
        tabulate_matrix(ranks := suite.rank_subsets()),
        judge_subsets(ranks, config.seed),
    )
    metrics |= {
        "subsets_judged": float(len(judged)),
        "subsets_worse_than_a_part": float((~judged["holds"]).sum()) if len(judged) else 0.0,
    }
    write_json_atomic(target / "metrics.json", metrics)
    write_tables(metrics, matrix, judged, target)
    draw_matrix(matrix, target / CHART_NAME)
    write_gallery(suite.find_failures(WORST), catalog, photos, target)
    write_report(metrics, target, split=held_out.split, judged=judged)
    return {name: metrics[name] for name in HEADLINES if name in metrics}
