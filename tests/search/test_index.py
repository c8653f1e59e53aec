import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mmpipeline.errors import ArtifactError, ImageError, NotFoundError, QueryError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Filters, Query
from mmpipeline.storage import DataLayout, digest_file, read_parquet
from tests.search.conftest import ids_of


@pytest.fixture(scope="session")
def photos(first_world: Path) -> list[Path]:
    return sorted((first_world / "data" / "raw").glob("*.png"))


@pytest.fixture
def version_folder(published: DataLayout, index: SearchIndex) -> Path:
    return published.artifacts("index") / index.version


def test_a_recipe_finds_itself_first(index: SearchIndex, first_world: Path) -> None:
    recipes = read_parquet(first_world / "catalog" / "recipes.parquet").to_pylist()
    for recipe in recipes[1:]:
        query = Query(
            title=recipe["title"],
            ingredients=tuple(item["text"] for item in recipe["ingredients"]),
            instructions=tuple(recipe["instructions"]),
            image=first_world / "data" / recipe["images"][0]["path"],
        )
        result = index.search(query, 3)
        assert result.items[0].recipe_id == recipe["recipe_id"]
        assert result.items[0].score == pytest.approx(1, abs=1e-5)
        assert result.asked_with == ("image", "title", "ingredients", "instructions")


@pytest.mark.parametrize(
    ("query", "part"),
    [
        (Query(title="김치찌게"), "title"),
        (Query(ingredients=("김치", "두부 반모", "돼지고기")), "ingredients"),
        (Query(instructions=("김치을 볶는다.", "담는다.")), "instructions"),
    ],
)
def test_any_single_part_is_answered(index: SearchIndex, query: Query, part: str) -> None:
    result = index.search(query, 5)
    assert result.asked_with == (part,)
    assert [hit.rank for hit in result.items] == [1, 2, 3, 4, 5]
    scores = [hit.score for hit in result.items]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 - 1e-6 <= score <= 1 + 1e-6 for score in scores)
    assert [hit.rank for hit in result.dishes] == [1, 2, 3]


def test_hits_carry_what_is_shown(index: SearchIndex, first_world: Path) -> None:
    hit = index.search(Query(ingredients=("두부",)), 1, dish="kimchi-jjigae").items[0]
    assert hit.dish == "kimchi-jjigae"
    assert hit.shared_ingredients == ("두부",)
    assert hit.url is not None
    assert hit.url.startswith("https://")
    assert hit.author == "Kim"
    assert (hit.language, hit.source) == ("ko", "r1m")
    assert hit.image_path is not None
    assert (first_world / "data" / hit.image_path).is_file()
    assert hit.title is not None
    assert hit.title.startswith("김치찌개")


def test_dishes_say_whether_they_were_trained_on(index: SearchIndex) -> None:
    dishes = {hit.dish: hit for hit in index.search(Query(title="냉면"), 9).dishes}
    assert {name: hit.is_known for name, hit in dishes.items()} == {
        "bibimbap": True,
        "kimchi-jjigae": True,
        "naengmyeon": False,
    }
    assert dishes["naengmyeon"].name == dishes["naengmyeon"].name_ko == "냉면"
    assert dishes["naengmyeon"].recipes == 8


def test_example_title_is_of_a_labelled_recipe(index: SearchIndex) -> None:
    result = index.search(Query(title=index.example_title()), len(index))
    assert any(hit.title == index.example_title() and hit.dish for hit in result.items)


def test_photo_as_bytes_and_as_path(index: SearchIndex, photos: list[Path]) -> None:
    by_path = index.search(Query(image=photos[0]), 5)
    assert by_path.items == index.search(Query(image=photos[0].read_bytes()), 5).items
    assert by_path.items[0].score > by_path.items[-1].score


@pytest.mark.parametrize("k", [24, 25, 10**9])
def test_k_beyond_the_index_gives_all(index: SearchIndex, k: int) -> None:
    result = index.search(Query(title="국"), k)
    assert len(result.items) == len(index) == 24
    assert len({hit.recipe_id for hit in result.items}) == 24
    assert len(result.dishes) == 3


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(index: SearchIndex, k: int) -> None:
    with pytest.raises(QueryError, match="expected a number from 1 to 24"):
        index.search(Query(title="국"), k)


@pytest.mark.parametrize(
    "query", [Query(), Query(title="  "), Query(title="?!", ingredients=("",), instructions=("",))]
)
def test_empty_query_is_told_what_to_give(index: SearchIndex, query: Query) -> None:
    with pytest.raises(
        QueryError, match="give a title, ingredients, steps, a photo or a recipe to like"
    ):
        index.search(query, 5)


def test_photo_that_is_none_is_told(index: SearchIndex, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="HEIC"):
        index.search(Query(image=b"\x00\x00\x00\x18ftypheic" + bytes(40)), 5)
    with pytest.raises(ImageError, match="does not exist"):
        index.search(Query(title="국", image=tmp_path / "none.jpg"), 5)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(15, dtype=np.float32), r"expected \(16,\)"),
        (np.ones((1, 16), dtype=np.float32), r"expected \(16,\)"),
        (np.full(16, np.nan, dtype=np.float32), "NaN"),
        (np.full(16, np.inf, dtype=np.float32), "NaN or infinity"),
    ],
)
def test_unusable_vector_is_refused(index: SearchIndex, vector: np.ndarray, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        index.find_rows(vector, 3)


def test_search_within_a_dish_stays_there(index: SearchIndex) -> None:
    result = index.search(Query(title="김치찌개"), 50, dish="bibimbap")
    assert [hit.dish for hit in result.items] == ["bibimbap"] * 8
    with pytest.raises(QueryError, match="no recipe of the dish 'pizza'"):
        index.search(Query(title="김치찌개"), dish="pizza")


def test_ten_thousand_characters_are_answered(index: SearchIndex) -> None:
    assert len(index.search(Query(title="김치 " * 5000, ingredients=("x" * 10_000,)), 3).items) == 3


def test_no_index_yet(layout: DataLayout) -> None:
    with pytest.raises(QueryError, match=r"no index published yet .*run `make run` first"):
        SearchIndex.open(layout)


def test_current_names_a_version_that_is_gone(layout: DataLayout) -> None:
    layout.current_index.parent.mkdir(parents=True)
    layout.current_index.write_text("0123456789abcdef\n")
    with pytest.raises(ArtifactError, match="no artifact at"):
        SearchIndex.open(layout)


@pytest.mark.parametrize("version", ["../../x", "/etc", "a/b", "0123456789abcdef"])
def test_version_that_does_not_exist(layout: DataLayout, version: str) -> None:
    with pytest.raises(ArtifactError):
        SearchIndex.open(layout, version)


def damages(content: bytes) -> Iterator[bytes]:
    """Cut at 0, 1, the middle and the end; flip one bit in header, middle and end."""
    for length in {0, 1, len(content) // 2, len(content) - 1}:
        if length < len(content):
            yield content[:length]
    for place in {0, len(content) // 2, len(content) - 1}:
        changed = bytearray(content)
        changed[place] ^= 4
        yield bytes(changed)


def test_every_damaged_file_is_named(published: DataLayout, version_folder: Path) -> None:
    SearchIndex.open(published)
    files = [path for path in version_folder.rglob("*") if path.is_file()]
    assert len(files) == 14
    for path in files:
        whole = path.read_bytes()
        for content in damages(whole):
            path.write_bytes(content)
            with pytest.raises(ArtifactError, match=re.escape(path.name)):
                SearchIndex.open(published)
        path.write_bytes(whole)
    extra = version_folder / "segments" / "000000" / "full.lists.json"
    extra.write_text("{}")
    with pytest.raises(ArtifactError, match=r"full\.lists\.json is not in the manifest"):
        SearchIndex.open(published)
    extra.unlink()
    assert len(SearchIndex.open(published)) == 24


def test_the_second_opening_trusts_what_was_verified(
    published: DataLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []

    def count(path: Path) -> str:
        hashed.append(path.name)
        return digest_file(path)

    monkeypatch.setattr("mmpipeline.storage.manifest.digest_file", count)
    SearchIndex.open(published)
    assert "full.vectors.npy" in hashed
    hashed.clear()
    SearchIndex.open(published)
    assert "full.vectors.npy" not in hashed


@pytest.mark.parametrize(
    ("field", "value"),
    [("items", 23), ("embedding_dim", 8), ("model_sha256", "0" * 64)],
)
def test_files_that_do_not_belong_together_are_refused(
    published: DataLayout, version_folder: Path, field: str, value: object
) -> None:
    path = version_folder / "index.json"
    described = json.loads(path.read_text())
    described[field] = value
    path.write_text(json.dumps(described))
    manifest = json.loads((version_folder / "manifest.json").read_text())
    size = path.stat().st_size
    manifest["files"]["index.json"] = {"sha256": digest_file(path), "bytes": size}
    (version_folder / "manifest.json").write_text(json.dumps(manifest))
    (version_folder / "manifest.sha256").unlink()
    with pytest.raises(ArtifactError, match="does not fit together"):
        SearchIndex.open(published)


def test_old_version_stays_open_to_questions(
    published: DataLayout, index: SearchIndex, publish_another: Callable[[], str]
) -> None:
    newer = publish_another()
    assert SearchIndex.open(published).version == newer
    assert SearchIndex.open(published, index.version).version == index.version


def test_filters_keep_k_results(index: SearchIndex) -> None:
    query = Query(title="비빔밥")
    assert len(index.search(query, 8, Filters(dish=("naengmyeon",))).items) == 8
    both = index.search(query, 16, Filters(language=("ko",), dish=("naengmyeon", "bibimbap")))
    assert {hit.dish for hit in both.items} == {"naengmyeon", "bibimbap"}
    assert len(both.items) == 16
    everything = [hit.recipe_id for hit in index.search(query, 24).items]
    kept = [hit.recipe_id for hit in both.items]
    assert kept == [recipe_id for recipe_id in everything if recipe_id in kept]
    assert index.search(query, 5, Filters(language=("en",))).items == []


def test_best_score_is_of_the_whole_index(index: SearchIndex) -> None:
    query = Query(title="비빔밥")
    whole = index.search(query, 1)
    within = index.search(query, 3, dish="naengmyeon")
    assert within.verdict.best_score == whole.items[0].score
    assert {hit.dish for hit in within.items} == {"naengmyeon"}


def test_subsets_are_ranked(index: SearchIndex) -> None:
    ranking = index.rank_subsets(Query(title="김치찌개"), 3)
    assert [hit.rank for hit in ranking.subsets] == [1, 2, 3]
    assert {hit.subset for hit in ranking.subsets} == set(index.dishes)
    assert all(hit.items == 8 and hit.kind == "dish" for hit in ranking.subsets)


def test_an_item_is_shown_with_credit_and_link(index: SearchIndex) -> None:
    item = index.item(ids_of(index, "kimchi-jjigae")[0])
    assert (item.author, item.ingredients) == ("Kim", ("김치", "두부", "돼지고기"))
    assert item.url == f"https://example.org/{item.recipe_id.removeprefix('r1m:')}"
    for wrong in ("r1m:nowhere", "../../etc/passwd", ""):
        with pytest.raises(NotFoundError):
            index.item(wrong)


def test_facets_count_what_can_be_filtered_by(index: SearchIndex) -> None:
    facets = index.facets()
    assert facets["dish"] == {"bibimbap": 8, "kimchi-jjigae": 8, "naengmyeon": 8}
    assert facets["language"] == {"ko": 24}
    assert facets["tags"] == {}


def test_a_vector_asks_like_the_query_it_came_from(index: SearchIndex) -> None:
    query = Query(title="냉면")
    vector = index._composer.compose(query).vector
    by_vector = index.search_vector(2 * vector, 4)
    assert [hit.recipe_id for hit in by_vector.items] == [
        hit.recipe_id for hit in index.search(query, 4).items
    ]
    assert by_vector.asked_with == ("vector",)
    with pytest.raises(QueryError, match="is zero"):
        index.search_vector(0 * vector)


def test_a_class_is_enrolled_from_examples_without_training(index: SearchIndex) -> None:
    names = index.columns_at(index.rows[:3], ("recipe_id",))["recipe_id"]
    richer = index.enrol("mine", [Query(like=(name,)) for name in names])
    best = richer.rank_subsets(Query(like=tuple(names)), 1).subsets[0]
    assert (best.subset, best.kind, best.items) == ("mine", "enrolled", 3)
    assert "mine" not in {hit.subset for hit in index.rank_subsets(Query(like=(names[0],))).subsets}
    assert len(richer) == len(index)
    with pytest.raises(QueryError, match="has no example"):
        index.enrol("none", [])
