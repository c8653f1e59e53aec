"""One draw of the synthetic data, all methods measured on it: what the seed experiment repeats.

Each method sees the same references. Rules beyond the first of a method are measured on the talk's
table and the sweep of K; the matrix of subsets takes the first.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch

from mmpipeline.config import SeedExperimentConfig, SyntheticConfig
from mmpipeline.evaluation.prototype_rules import MeanRule, PrototypeRule
from mmpipeline.evaluation.query_maps import map_queries
from mmpipeline.evaluation.raw_gaussian import RawGaussian
from mmpipeline.evaluation.synthetic_bench import (
    Embed,
    EmbeddingMethod,
    Inputs,
    Method,
    SyntheticBench,
    concatenate,
)
from mmpipeline.evaluation.synthetic_models import embed_by
from mmpipeline.evaluation.synthetic_table import evaluate_methods, measure_open_set
from mmpipeline.models import load_model
from mmpipeline.storage import write_json_atomic
from mmpipeline.synthetic import Subset, generate, save_parameters

RULES: Mapping[str, tuple[PrototypeRule, ...]] = {
    "EUC": (MeanRule("euclid"),),
    "COS": (MeanRule("cosine"),),
}
"""Prototype rules of the talk's models: its own. Others take minutes at many references."""


class RememberedEmbedding:
    """An embedding that keeps what it made, so that methods with other rules share it.

    Parameters
    ----------
    embed
        The embedding.
    """

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._made: dict[tuple[int, int, Subset], torch.Tensor] = {}

    def __call__(self, inputs: Inputs, subset: Subset) -> torch.Tensor:
        """Embed items, or return what was made of the same ones before; see `Embed`."""
        key = (inputs[0].data_ptr(), len(inputs[0]), subset)
        if key not in self._made:
            self._made[key] = self._embed(inputs, subset)
        return self._made[key]


def evaluate_draw(
    data: SyntheticConfig, models: Mapping[str, Path], target: Path, config: SeedExperimentConfig
) -> dict[str, float]:
    """Measure models and baselines on one draw of the data.

    Writes ``cells.csv``, ``open_set.csv``, ``maps.csv`` and the drawn classes into `target`.

    Parameters
    ----------
    data
        The draw.
    models
        Folders of trained models, by method.
    target
        Folder to write into.
    config
        What is measured.

    Returns
    -------
    dict
        ``cells`` (rows of the table) and ``top1_METHOD``: all modalities, all classes, by the
        method's first rule.

    Raises
    ------
    ArtifactError
        If a model is damaged.
    """
    bench = SyntheticBench(generate(data))
    save_parameters(bench.data.parameters, data, target)
    embeds = {
        name: RememberedEmbedding(embed_by(load_model(path))) for name, path in models.items()
    }
    plain = config.evaluation.model_copy(update={"matrix": False})
    across = config.evaluation.model_copy(update={"reference_sweep": ()})
    baselines: list[Method] = [
        EmbeddingMethod("raw", bench, concatenate, [MeanRule("euclid")], across=False),
        RawGaussian(bench, config.evaluation.seed),
    ]
    learned = [EmbeddingMethod(name, bench, embed, RULES[name]) for name, embed in embeds.items()]
    mean_only = [
        EmbeddingMethod(name, bench, embed, RULES[name][:1]) for name, embed in embeds.items()
    ]
    methods = [*learned, *baselines]
    cells = pd.concat([
        evaluate_methods(bench, methods, plain),
        evaluate_methods(bench, mean_only, across),
    ]).drop_duplicates(["method", "rule", "k", "query", "reference", "scope"])
    open_set = measure_open_set(bench, methods, config.evaluation)
    shown = {name: embeds[name] for name in embeds if name != "EUC"} | {"raw": concatenate}
    maps = pd.concat([
        map_queries(bench, name, embed, config.map_queries, data.scopes[1:])
        for name, embed in shown.items()
    ])
    for name, table in (("cells", cells), ("open_set", open_set), ("maps", maps)):
        table.insert(0, "data_seed", data.seed)
        table.to_csv(target / f"{name}.csv", index=False)
    counts = {"cells": float(len(cells))} | headline(cells, data.scopes[-1])
    write_json_atomic(target / "metrics.json", counts)
    return counts


def headline(cells: pd.DataFrame, scope: int) -> dict[str, float]:
    """Return top-1 with all modalities of each method by its first rule.

    Parameters
    ----------
    cells
        From `evaluate_methods`.
    scope
        Number of classes.

    Returns
    -------
    dict
        ``top1_METHOD``, at the table's K.
    """
    table = cells[(cells["query"] == "0, 1, 2") & (cells["reference"] == "0, 1, 2")]
    table = table[(table["scope"] == scope)].drop_duplicates("method")
    return {
        f"top1_{str(name).replace(' ', '_')}": float(value)
        for name, value in zip(table["method"], table["top1"], strict=True)
    }
