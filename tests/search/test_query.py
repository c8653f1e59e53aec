import pytest

from mmpipeline.errors import QueryError
from mmpipeline.search.query import Filters, Query, check_k, shared_ingredients


@pytest.mark.parametrize(("k", "expected"), [(1, 1), (5, 5), (10, 7), (10**9, 7)])
def test_k_is_cut_to_what_there_is(k: int, expected: int) -> None:
    assert check_k(k, 7) == expected


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_names_the_range(k: int) -> None:
    with pytest.raises(QueryError, match=f"k = {k}: expected a number from 1 to 7"):
        check_k(k, 7)


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
    [
        (["두부"], ["김치", "두부"], ("두부",)),
        (["두부 1모"], ["두부"], ("두부",)),
        (["돼지고기"], ["돼지고기 앞다리살", "돼지"], ("돼지고기 앞다리살",)),
        (["Brown Onions"], ["onions", "ONIONS", "onion rings"], ("onions", "ONIONS")),
        (["!"], ["?", "두부"], ()),
        ([], ["두부"], ()),
        (["두부"], ["두부", "두부"], ("두부",)),
    ],
)
def test_shared_ingredients(asked: list[str], found: list[str], expected: tuple[str, ...]) -> None:
    assert shared_ingredients(asked, found) == expected


def test_an_empty_filter_is_false() -> None:
    assert not Filters()
    assert Filters(tags=("hot",))


def test_a_query_names_the_recipes_in_any_of_its_parts() -> None:
    query = Query(
        like=("a", "b"),
        examples=(Query(like=("c",)), Query(title="국")),
        minus=Query(like=("b", "d")),
    )
    assert query.named == ("a", "b", "c", "d")
