import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmpipeline.config import EvaluateConfig
from mmpipeline.errors import StageError
from mmpipeline.evaluation import evaluate_model

CONFIG = EvaluateConfig(prototype_references=3, prototype_draws=2)


@pytest.fixture(scope="module")
def evaluation(world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    target = tmp_path_factory.mktemp("evaluation")
    headlines = evaluate_model(world.model, world.features, world.catalog, target, CONFIG)
    metrics = json.loads((target / "metrics.json").read_text())
    return SimpleNamespace(target=target, headlines=headlines, metrics=metrics)


def test_writes_its_files(evaluation: SimpleNamespace) -> None:
    assert sorted(path.name for path in evaluation.target.iterdir()) == [
        "failures.csv", "failures.html", "figures.csv", "matrix.csv", "matrix.png",
        "metrics.json", "report.md", "retrieval.png", "subsets.csv",
    ]  # fmt: skip


def test_words_and_a_single_part_answer_what_they_can(evaluation: SimpleNamespace) -> None:
    metrics = evaluation.metrics
    assert metrics["dish_full_recall_at_1_tfidf"] == 1.0  # the texts name the dish
    assert metrics["dish_title_recall_at_1_single"] > metrics["dish_title_recall_at_1_chance"]
    assert "dish_image_recall_at_1_tfidf" not in metrics
    assert "dish_full_recall_at_1_single" not in metrics
    assert "recipe_image_to_text_recall_at_1_single" in metrics


def test_queries_beyond_the_cap_do_not_ask(world: SimpleNamespace, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"max_queries": 10})
    evaluate_model(world.model, world.features, world.catalog, tmp_path, config)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["dish_full_queries"] == metrics["prototype_full_queries"] == 10


def test_counts_the_subsets_that_do_worse_than_a_part(evaluation: SimpleNamespace) -> None:
    assert evaluation.metrics["subsets_judged"] == 11
    assert 0 <= evaluation.metrics["subsets_worse_than_a_part"] <= 11


def test_every_subset_stands_beside_its_baselines(evaluation: SimpleNamespace) -> None:
    metrics = evaluation.metrics
    for subset in ("image", "title", "ingredients", "instructions", "text", "full"):
        for figure in ("recall_at_1", "recall_at_10", "median_rank", "mrr"):
            for suffix in ("", "_raw", "_chance", "_low", "_high"):
                assert f"dish_{subset}_{figure}{suffix}" in metrics
        for figure in ("top1", "known_top1", "unknown_top1", "harmonic_mean"):
            assert f"prototype_{subset}_{figure}" in metrics
            assert f"prototype_{subset}_{figure}_raw" in metrics
    assert all(isinstance(value, float) and "@" not in name for name, value in metrics.items())


def test_raw_features_solve_a_world_that_shows_its_dishes(evaluation: SimpleNamespace) -> None:
    assert evaluation.metrics["dish_full_recall_at_1_raw"] > 0.9
    assert evaluation.metrics["prototype_full_top1_raw"] > 0.9


def test_chance_of_the_recipe_search_is_one_in_the_bag(evaluation: SimpleNamespace) -> None:
    metrics = evaluation.metrics
    bag = metrics["recipe_image_to_text_queries"]
    assert bag == 32  # 38 test recipes, 6 of them without a photo
    assert metrics["recipe_image_to_text_recall_at_1_chance"] == pytest.approx(1 / bag)
    assert "recipe_image_to_text_recall_at_1_raw" not in metrics
    assert metrics["recipe_text_to_image_median_rank_chance"] == bag / 2


def test_languages_are_searched_both_ways(evaluation: SimpleNamespace) -> None:
    metrics = evaluation.metrics
    for pair in ("ko_to_en", "en_to_ko"):
        queries = metrics[f"language_{pair}_queries"]
        parts = [metrics[f"language_{pair}_{scope}_queries"] for scope in ("known", "unknown")]
        assert queries == sum(parts) > 0


def test_headlines_are_among_the_metrics(evaluation: SimpleNamespace) -> None:
    assert len(evaluation.headlines) == 10
    assert evaluation.headlines.items() <= evaluation.metrics.items()


def test_the_same_inputs_give_the_same_bytes(
    world: SimpleNamespace, evaluation: SimpleNamespace, tmp_path: Path
) -> None:
    evaluate_model(world.model, world.features, world.catalog, tmp_path, CONFIG)
    for path in evaluation.target.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_what_the_data_do_not_hold_is_left_out(world: SimpleNamespace, tmp_path: Path) -> None:
    nobody = pa.nulls(world.table.num_rows, pa.string())
    place = world.table.schema.get_field_index("dish")
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    pq.write_table(world.table.set_column(place, "dish", nobody), catalog / "recipes.parquet")
    headlines = evaluate_model(world.model, world.features, catalog, tmp_path, CONFIG)
    assert sorted(headlines) == [
        "queries",
        "recipe_image_to_text_median_rank",
        "recipe_image_to_text_recall_at_10",
    ]
    assert "These recipes hold no such query." in (tmp_path / "report.md").read_text()


def test_nothing_to_measure_is_an_error(world: SimpleNamespace, tmp_path: Path) -> None:
    table = world.table.set_column(
        world.table.schema.get_field_index("dish"),
        "dish",
        pa.nulls(world.table.num_rows, pa.string()),
    )
    split = ["test" if i == 1 else "train" for i in range(table.num_rows)]
    same = ["g"] * table.num_rows
    for name, values in (("split", split), ("group_id", same)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, tmp_path / "recipes.parquet")
    with pytest.raises(StageError, match="nothing can be measured"):
        evaluate_model(world.model, world.features, tmp_path, tmp_path, CONFIG)
