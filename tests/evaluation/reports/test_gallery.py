from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mmpipeline.config import EvaluateConfig
from mmpipeline.evaluation.metrics.text_baseline import RecipeTexts
from mmpipeline.evaluation.reports.gallery import Failure, write_gallery
from mmpipeline.evaluation.suite.held_out import load_held_out
from mmpipeline.evaluation.suite.suite import EvaluationSuite
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import load_model


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    Image.new("RGB", (400, 300), (200, 30, 30)).save(tmp_path / "photo.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    table = pa.table({
        "recipe_id": ["a", "b", "c"],
        "title": ["<b>Kimchi</b> 찌개", None, "Soup"],
        "dish": ["kimchi-jjigae", "soup", "kimchi-jjigae"],
        "images": [[{"path": "photo.jpg"}], [{"path": "broken.jpg"}], [{"path": None}]],
    })
    pq.write_table(table, folder / "recipes.parquet")
    return folder


def test_shows_what_was_asked_found_and_right(catalog: Path, tmp_path: Path) -> None:
    write_gallery([Failure("a", "b", "c", 7)], catalog, tmp_path, tmp_path)
    page = (tmp_path / "failures.html").read_text()
    assert "&lt;b&gt;Kimchi&lt;/b&gt; 찌개" in page  # what others wrote is text, not markup
    assert page.count("data:image/jpeg;base64,") == 1
    assert page.count("<div class=none>") == 2
    assert "rank 7" in page
    table = pd.read_csv(tmp_path / "failures.csv")
    assert table.loc[0, ["rank", "query_recipe_id", "found_dish", "right_title"]].tolist() == [
        7, "a", "soup", "Soup",
    ]  # fmt: skip


def test_without_the_data_folder_there_are_no_photos(catalog: Path, tmp_path: Path) -> None:
    write_gallery([Failure("a", "b", "c", 7)], catalog, None, tmp_path)
    assert "data:image" not in (tmp_path / "failures.html").read_text()


def test_nothing_failed(catalog: Path, tmp_path: Path) -> None:
    write_gallery([], catalog, tmp_path, tmp_path)
    assert "The 0 worst queries" in (tmp_path / "failures.html").read_text()


def test_the_worst_come_first_and_are_wrong(world: SimpleNamespace) -> None:
    features = FeatureSet.open(world.features)
    held_out = load_held_out(world.catalog, features)
    texts = RecipeTexts.read(world.catalog, features.recipe_ids)
    model = load_model(world.model)
    for weights in model.parameters():
        weights.data.zero_()  # it tells nothing apart
    suite = EvaluationSuite(model, features, held_out, texts, EvaluateConfig())
    failures = suite.find_failures(5)
    ranks = [failure.rank for failure in failures]
    assert 0 < len(ranks) <= 5
    assert ranks == sorted(ranks, reverse=True)
    assert min(ranks) > 1
    dish = dict(zip(features.recipe_ids, held_out.dish, strict=True))
    for failure in failures:
        assert dish[failure.query] == dish[failure.right] != dish[failure.found]
        assert failure.query not in {failure.found, failure.right}
