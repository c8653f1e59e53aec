"""One draw of the synthetic data with all methods measured on it, which the experiment repeats.

Each method, learned or not, sees the same references of the same draws.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmpipeline.config.talk import SyntheticConfig, TalkExperimentConfig
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.talk.data.generator import generate
from mmpipeline.talk.data.parameter_file import save_parameters
from mmpipeline.talk.data.subsets import subset_name
from mmpipeline.talk.measure.query_maps import map_queries
from mmpipeline.talk.measure.raw_gaussian import BestRawGaussian, RawGaussian
from mmpipeline.talk.measure.rules import MeanRule
from mmpipeline.talk.measure.suite import (
    EmbeddingMethod,
    Method,
    SyntheticSuite,
    concatenate,
)
from mmpipeline.talk.measure.table import evaluate_methods, measure_open_set
from mmpipeline.talk.methods.files import load_method

UNMAPPED = "EUC"


def evaluate_draw(
    data: SyntheticConfig, methods: Sequence[Path], target: Path, config: TalkExperimentConfig
) -> dict[str, float]:
    """Measure trained methods and baselines on one draw of the data.

    Writes ``cells.csv``, ``open_set.csv``, ``maps.csv`` and the drawn classes into `target`.

    Parameters
    ----------
    data
        The draw.
    methods
        Folders of trained methods.
    target
        Folder to write into.
    config
        What is measured.

    Returns
    -------
    dict
        ``cells`` (rows of the table) and ``top1_METHOD``: all modalities, all classes, by the
        method's best rule.

    Raises
    ------
    ArtifactError
        If a method is damaged.
    """
    suite = SyntheticSuite(generate(data))
    save_parameters(suite.data.parameters, data, target)
    trained = [load_method(folder) for folder in methods]
    learned = [method for each in trained for method in each.methods(suite)]
    baselines: list[Method] = [
        EmbeddingMethod("raw", suite, concatenate, [MeanRule("euclid")], across=False),
        RawGaussian(suite, config.evaluation.seed),
    ]
    best = [BestRawGaussian(suite)]
    sameness = config.evaluation.model_copy(update={"matrix": False})
    cells = pd.concat([
        evaluate_methods(suite, [*learned, *baselines], config.evaluation),
        _without_bound(evaluate_methods(suite, best, sameness)),
    ])
    open_set = measure_open_set(suite, [*learned, *baselines], config.evaluation)
    embeds = {each.name: each.embed for each in trained if each.name != UNMAPPED}
    maps = pd.concat([
        map_queries(suite, name, embed, config.map_queries, data.scopes[1:])
        for name, embed in {**embeds, "raw": concatenate}.items()
    ])
    for name, table in (("cells", cells), ("open_set", open_set), ("maps", maps)):
        table.insert(0, "data_seed", data.seed)
        table.to_csv(target / f"{name}.csv", index=False)
    full = subset_name(suite.full_subset)
    counts = {"cells": float(len(cells))} | headline(cells, full, data.scopes[-1])
    write_json_atomic(target / "metrics.json", counts)
    return counts


def headline(cells: pd.DataFrame, full: str, scope: int) -> dict[str, float]:
    """Return each method's top-1 with all modalities by its best rule.

    Parameters
    ----------
    cells
        From `evaluate_methods`.
    full
        Name of the full subset.
    scope
        Number of classes.

    Returns
    -------
    dict
        ``top1_METHOD``, at the K that all subsets were measured at.
    """
    same = cells[cells["query"] == cells["reference"]]
    table = same[(same["scope"] == scope) & (same["query"] == full)]
    tabled = same.loc[same["query"] != full, "k"].unique()
    best = table[table["k"].isin(tabled)].groupby("method", sort=False)["top1"].max()
    return {"top1_" + re.sub(r"\W+", "_", str(name)): float(top1) for name, top1 in best.items()}


def _without_bound(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[cells["k"] > 0]
