import numpy as np
import pandas as pd
import pytest

from mmpipeline.config import SyntheticEvaluationConfig
from mmpipeline.talk.data import bayes_bound
from mmpipeline.talk.measure.rules import MeanRule
from mmpipeline.talk.measure.suite import EmbeddingMethod, concatenate
from mmpipeline.talk.measure.table import (
    BAYES,
    CHANCE,
    evaluate_methods,
    measure_open_set,
    plan_cells,
)
from tests.talk.synthetic_worlds import small_suite

CONFIG = SyntheticEvaluationConfig(references=20, reference_sweep=(1, 20, 100), draws=2)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    suite = small_suite()
    raw = EmbeddingMethod("raw", suite, concatenate, [MeanRule("euclid")], across=False)
    zeros = EmbeddingMethod("constant", suite, lambda x, _: 0 * x[0], [MeanRule("euclid")])
    return evaluate_methods(suite, [raw, zeros], CONFIG)


def test_each_cell_is_planned_once() -> None:
    cells = plan_cells((0, 1, 2), CONFIG)
    assert len(cells) == len(set(cells)) == 49 + 2
    assert len(plan_cells((0, 1, 2), CONFIG.model_copy(update={"matrix": False}))) == 7 + 2


def test_one_row_a_method_rule_k_and_cell(table: pd.DataFrame) -> None:
    key = ["method", "rule", "k", "query", "reference", "scope"]
    assert not table.duplicated(key).any()
    rows = table.groupby("method").size()
    assert rows["raw"] == (7 + 2) * 3  # no answer across subsets
    assert rows["constant"] == (49 + 2) * 3
    assert rows[BAYES] == rows[CHANCE] == 7 * 3
    assert table.loc[table["k"] == 100, "replaced"].all()
    assert not table.loc[table["k"] < 100, "replaced"].any()


def test_figures_agree_with_a_loop(table: pd.DataFrame) -> None:
    suite = small_suite()
    hits = []
    for draw in range(2):
        rows = suite.draw(20, seed=CONFIG.seed + draw)[0]
        gathered = np.concatenate([part.numpy() for part in suite.gather(rows)], axis=2)
        means = gathered.mean(axis=1)[:7]
        queries = np.concatenate([part.numpy() for part in suite.test], axis=1)[: 7 * 20]
        nearest = ((queries[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        hits.append(nearest == suite.query_label[: 7 * 20])
    cell = table.query("method == 'raw' and k == 20 and query == '0, 1, 2' and scope == 7").iloc[0]
    known = np.arange(7 * 20) < 4 * 20
    assert cell["top1"] == pytest.approx(np.mean(hits))
    assert cell["spread"] == pytest.approx(np.mean(hits, axis=1).std())
    assert cell["known_top1"] == pytest.approx(np.mean(hits, axis=0)[known].mean())
    blend = (4 * cell["known_top1"] + 3 * cell["unknown_top1"]) / 7
    assert cell["top1"] == pytest.approx(blend)


def test_bound_and_chance_stand_beside(table: pd.DataFrame) -> None:
    bounds = bayes_bound(small_suite().data)
    row = table.query(f"method == '{BAYES}' and query == '0, 2' and scope == 12").iloc[0]
    assert row["top1"] == pytest.approx(bounds[(0, 2), 12].top1)
    assert row["top5"] == pytest.approx(bounds[(0, 2), 12].top5)
    chance = table.query(f"method == '{CHANCE}' and query == '0, 2' and scope == 12").iloc[0]
    assert (chance["top1"], chance["top5"]) == (pytest.approx(1 / 12), pytest.approx(5 / 12))


def test_a_constant_embedding_is_never_right(table: pd.DataFrame) -> None:
    assert (table.loc[table["method"] == "constant", "top1"] == 0).all()


def test_strangers_are_told_from_the_enrolled() -> None:
    suite = small_suite()
    raw = EmbeddingMethod("raw", suite, concatenate, [MeanRule("euclid")], across=False)
    found = measure_open_set(suite, [raw], CONFIG).set_index("enrolled")
    assert found.index.tolist() == [4, 7]
    assert found["strangers"].tolist() == [8, 5]
    assert (found["auroc"] > 0.55).all()
    assert (found["oscr"] < found["auroc"]).all()
