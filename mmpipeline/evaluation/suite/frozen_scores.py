"""A model's figures on a frozen set, beside its baselines.

Each recipe of the set asks and all others answer, whether or not they are still in the catalogue.
The set is encoded by the encoders of the model's features; the cache makes that a look-up from the
second model on. Raw features, TF-IDF and chance are measured over the same queries and candidates;
a closed-form model of one part has no place here, since the set holds nothing to fit it on.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from mmpipeline.config.evaluate import EvaluateConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts
from mmpipeline.evaluation.suite.held_out import HeldOut
from mmpipeline.evaluation.suite.suite import EvaluationSuite
from mmpipeline.features.extract import extract_features
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.device import compute_device
from mmpipeline.models.embed import QUERY_SUBSETS, check_fit
from mmpipeline.models.weights import load_model
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.segments import read_recipes

PREFIX = "frozen_"
HEADLINES = ("frozen_recipes", "frozen_dish_full_recall_at_1", "frozen_dish_title_recall_at_1")
"""The figures that go to the manifest and the screen."""


def score_frozen_set(
    model: Path,
    frozen: Path,
    target: Path,
    features: FeatureConfig,
    config: EvaluateConfig,
    cache: Path | None = None,
) -> dict[str, float]:
    """Measure a model on a frozen set.

    Writes ``metrics.json`` into `target`; names are those of the evaluation with ``frozen_`` before
    them (``frozen_dish_full_recall_at_1``, also with ``_raw``, ``_tfidf``, ``_chance``, ``_low``
    and ``_high``).

    Parameters
    ----------
    model
        Folder of a model artifact.
    frozen
        Folder of a frozen set.
    target
        Folder to write into.
    features
        How the model's features were made.
    config
        Caps and seed.
    cache
        Folder of what was encoded before; None encodes anew.

    Returns
    -------
    dict
        The headline figures.

    Raises
    ------
    ArtifactError
        If an artifact is damaged, or the model was trained on other features.
    """
    with TemporaryDirectory(prefix="frozen-") as place:
        folder, layout = Path(place), DataLayout.at(frozen)
        extract_features(frozen, folder, layout, features, cache=cache, processes=1)
        feature_set = FeatureSet.open(folder)
        fusion_model = load_model(model).to(compute_device())
        check_fit(fusion_model, feature_set)
        held_out = everyone_asks(frozen, feature_set)
        texts = RecipeTexts.read(frozen, feature_set.recipe_ids)
        suite = EvaluationSuite(fusion_model, feature_set, held_out, texts, config)
        metrics = {"recipes": float(len(feature_set))}
        for subset, modalities in QUERY_SUBSETS.items():
            metrics |= suite.measure_dishes(f"dish_{subset}", modalities)
        metrics |= suite.measure_recipes()
        for source, other in (("ko", "en"), ("en", "ko")):
            metrics |= suite.measure_languages(source, other)
    metrics = _keep_meant(metrics)
    write_json_atomic(target / "metrics.json", metrics)
    return {name: metrics[name] for name in HEADLINES if name in metrics}


def everyone_asks(frozen: Path, features: FeatureSet) -> HeldOut:
    """Let every recipe of a set ask and every other one answer.

    Parameters
    ----------
    frozen
        Folder of the set.
    features
        Its features.

    Returns
    -------
    HeldOut
        In the order of the feature set; nothing is training's.
    """
    columns = ["recipe_id", "language", "dish", "dish_set", "group_id"]
    rows = read_recipes(frozen, columns).to_pandas().set_index("recipe_id")
    rows = rows.loc[features.recipe_ids]
    presence = np.asarray(features.presence, dtype=np.bool_)
    has_any = np.asarray(presence.any(axis=1), dtype=np.bool_)
    return HeldOut(
        dish=pd.factorize(rows["dish"], sort=True)[0].astype(np.int64),
        group=pd.factorize(rows["group_id"], sort=True)[0].astype(np.int64),
        language=rows["language"].reset_index(drop=True),
        is_known=(rows["dish_set"] == "known").to_numpy(),
        presence=presence,
        is_query=has_any,
        is_item=has_any,
        is_bag=has_any,
        is_train=np.zeros(len(rows), dtype=np.bool_),
        split="frozen",
    )


def _keep_meant(metrics: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{PREFIX}{name}": value
        for name, value in metrics.items()
        if np.isfinite(value) and not name.endswith("_single")
    }
