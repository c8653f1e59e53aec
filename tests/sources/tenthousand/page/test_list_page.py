from pathlib import Path

import pytest

from mmpipeline.sources.tenthousand.page.list_page import (
    ListCard,
    parse_list_page,
    parse_views,
)

GOLDEN = Path(__file__).parents[3] / "golden" / "tenthousand_recipe"


def test_cards_are_found_and_adverts_are_not() -> None:
    page = parse_list_page((GOLDEN / "list_2025.html").read_text())
    assert page.total == 1234
    assert page.cards == (
        ListCard(7000044, "자취생 한 그릇", views=134_000, reviews=61, has_video=True),
        ListCard(7000033, "겉바속촉 감자전", views=2212),
        ListCard(7000022, "매콤한 두부 조림", views=746),
    )


def test_past_the_end_there_is_no_card() -> None:
    assert parse_list_page((GOLDEN / "list_end.html").read_text()).cards == ()
    assert parse_list_page("").cards == ()


@pytest.mark.parametrize(
    ("text", "views"),
    [("조회수 746", 746), ("조회수 2,212", 2212), ("조회수 13.4만", 134_000), ("조회수", None),
     ("조회수 1.2억", 120_000_000), ("9" * 400, None)],
)  # fmt: skip
def test_views_are_numbers(text: str, views: int | None) -> None:
    assert parse_views(text) == views
