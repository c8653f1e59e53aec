import numpy as np
import pytest

from mmpipeline.errors import NotFoundError, QueryError
from mmpipeline.search.ask.compose import QueryComposer
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from tests.search.conftest import ids_of

TITLE = Query(title="김치찌개")
BOTH = Query(title="김치찌개", ingredients=("메밀면", "오이"))


@pytest.fixture
def composer(index: SearchIndex) -> QueryComposer:
    return index._composer


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.astype(float) @ b.astype(float))


def test_equal_weights_are_the_embedding_of_all_parts(composer: QueryComposer) -> None:
    plain = composer.compose(BOTH).vector
    weighted = Query(
        title=BOTH.title, ingredients=BOTH.ingredients, weights={"title": 3, "ingredients": 3}
    )
    np.testing.assert_allclose(composer.compose(weighted).vector, plain, atol=1e-6)
    embedded, _ = composer._encoder.encode(BOTH.title, BOTH.ingredients)
    assert np.linalg.norm(plain) == pytest.approx(1, abs=1e-6)
    assert set(embedded) == {"image", "title", "ingredients", "instructions"}


def test_a_part_of_no_weight_is_not_there(composer: QueryComposer) -> None:
    without = Query(title=BOTH.title, ingredients=BOTH.ingredients, weights={"ingredients": 0})
    np.testing.assert_allclose(
        composer.compose(without).vector, composer.compose(TITLE).vector, atol=1e-6
    )
    assert composer.compose(without).parts == ("title",)


def test_weights_lead_from_one_part_to_the_other_without_a_jump(composer: QueryComposer) -> None:
    title = composer.compose(TITLE).vector
    towards = []
    for weight in np.linspace(0, 1, 21):
        weights = {"ingredients": float(weight)}
        query = Query(title=BOTH.title, ingredients=BOTH.ingredients, weights=weights)
        towards.append(cosine(composer.compose(query).vector, title))
    assert towards == sorted(towards, reverse=True)
    assert max(-np.diff(towards)) < 0.1
    assert towards[-1] == pytest.approx(cosine(composer.compose(BOTH).vector, title), abs=1e-6)


def test_contributions_add_up_to_the_score(index: SearchIndex, composer: QueryComposer) -> None:
    other = ids_of(index, "naengmyeon")[0]
    query = Query(
        title="비빔밥",
        ingredients=("고추장", "당근"),
        instructions=("볶는다.",),
        like=(other,),
        examples=(Query(title="냉면"),),
        weights={"title": 2, "like": 0.5, "minus": 0.7},
        minus=Query(title="김치찌개"),
    )
    asked = composer.compose(query)
    parts = ("title", "ingredients", "instructions", "like", "examples", "minus")
    assert asked.parts == parts
    for hit in index.search(query, 5).items:
        assert set(hit.contributions) == set(parts)
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
        assert hit.carried_by in parts


def test_a_part_alone_carries_the_whole_score(index: SearchIndex) -> None:
    for hit in index.search(TITLE, 4).items:
        assert hit.contributions == {"title": pytest.approx(hit.score, abs=1e-5)}


def test_parts_that_a_model_cannot_tell_apart_share_alike(composer: QueryComposer) -> None:
    same = np.zeros((4, 3))
    same[1:] = [1, 2, 3]  # the same embedding, whatever is shown
    from mmpipeline.search.ask.compose import _share

    np.testing.assert_allclose(_share(same, 2), [[0.5, 1, 1.5]] * 2)


def test_like_is_the_item_itself(index: SearchIndex, composer: QueryComposer) -> None:
    recipe_id = ids_of(index, "bibimbap")[0]
    query = Query(like=(recipe_id,))
    nearest = index.search_vector(composer.compose(query).vector, 1).items[0]
    assert nearest.recipe_id == recipe_id
    assert nearest.score == pytest.approx(1, abs=1e-6)
    assert index.search(query, 3).asked_with == ("like",)
    with pytest.raises(NotFoundError, match="no recipe 'r1m:nowhere'"):
        index.search(Query(like=("r1m:nowhere",)))


def test_several_examples_meet_in_the_middle(composer: QueryComposer) -> None:
    names = ("비빔밥", "냉면")
    one, two = (composer.compose(Query(title=name)).vector for name in names)
    both = composer.compose(Query(examples=tuple(Query(title=name) for name in names))).vector
    assert cosine(both, one) == pytest.approx(cosine(both, two), abs=1e-6)
    assert cosine(both, one) > cosine(one, two)


def test_minus_takes_the_unwanted_direction_away(composer: QueryComposer) -> None:
    unwanted = composer.compose(Query(title="냉면")).vector
    plain = composer.compose(BOTH)
    assert cosine(plain.vector, unwanted) > 0.05
    without = composer.compose(
        Query(title=BOTH.title, ingredients=BOTH.ingredients, minus=Query(title="냉면"))
    )
    assert cosine(without.vector, unwanted) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (Query(), "the query is empty"),
        (Query(title="!?"), "the query is empty"),
        (Query(title="국", weights={"title": 0}), "the query is empty"),
        (Query(title="국", minus=Query(title="국")), "nothing is left"),
        (Query(title="국", minus=Query(examples=(TITLE,))), "cannot hold examples"),
        (Query(examples=(Query(title="a", minus=TITLE),)), "cannot hold examples"),
        (Query(title="국", weights={"taste": 1}), "expected one of image, title"),
        (Query(title="국", weights={"title": -1}), "expected a number of 0 or more"),
        (Query(title="국", weights={"title": float("nan")}), "expected a number of 0 or more"),
        (Query(like=("x",) * 33), "at most 32"),
    ],
)
def test_what_points_nowhere_is_told(index: SearchIndex, query: Query, problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        index.search(query)
