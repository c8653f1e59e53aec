"""List pages: which recipes they show, with what the card says of each.

Cards are found by their link, never by position: adverts stand between them as list items
without one. A page without a card is past the end.
"""

import re
from dataclasses import dataclass

from bs4 import Tag

from mmpipeline.sources.tenthousand.page.page_index import Page
from mmpipeline.sources.tenthousand.page.tree import (
    attribute,
    first_number,
    read_page_tree,
    read_text,
)
from mmpipeline.sources.tenthousand.page.urls import find_recipe_number

CARD_SELECTOR = "a.common_sp_link[href]"
_VIEWS = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(만|억)?")
_SCALES = {"만": 10_000, "억": 100_000_000, None: 1}


@dataclass(frozen=True, slots=True)
class ListCard:
    """One recipe on a list page.

    Attributes
    ----------
    number
        The recipe's number.
    views
        As the card says it, so rounded above ten thousand ("13.4만" is 134000).
    """

    number: int
    title: str | None = None
    views: int | None = None
    reviews: int | None = None
    has_video: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """What a list page shows.

    Attributes
    ----------
    cards
        In page order, each recipe once.
    total
        How many recipes the list has in all, as the page says it.
    is_past_end
        Whether the page says that there is nothing (more) to show.
    """

    cards: tuple[ListCard, ...]
    total: int | None = None
    is_past_end: bool = False


def parse_list_page(html: str) -> ListPage:
    """Read a list page.

    Parameters
    ----------
    html
        The page.

    Returns
    -------
    ListPage
        Without cards when it is past the end.
    """
    page = read_page_tree(html)
    cards: dict[int, ListCard] = {}
    for link in page.find_all(CARD_SELECTOR):
        number = find_recipe_number(attribute(link, "href") or "")
        if number is not None and int(number) not in cards:
            cards[int(number)] = _read_card(page, int(number), link)
    return ListPage(
        tuple(cards.values()),
        first_number(read_text(page.find(".m_list_tit b"))),
        is_past_end=not cards and page.find(".result_none") is not None,
    )


def _read_card(page: Page, number: int, link: Tag) -> ListCard:
    item = link.find_parent("li")
    if item is None:
        return ListCard(number)
    return ListCard(
        number=number,
        title=read_text(page.find(".common_sp_caption_tit", item)),
        views=parse_views(read_text(page.find(".common_sp_caption_buyer", item)) or ""),
        reviews=first_number(read_text(page.find(".common_sp_caption_rv_ea", item))),
        has_video=page.find(".common_vod_label", link) is not None,
    )


def parse_views(text: str) -> int | None:
    """Return the number in "조회수 746", "조회수 2,212" or "조회수 13.4만"."""
    found = _VIEWS.search(text)
    if found is None or len(found[1]) > 15:
        return None
    return round(float(found[1].replace(",", "")) * _SCALES[found[2]])
