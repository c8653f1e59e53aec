from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.sources.tenthousand.page.page_index import (
    MAX_DEPTH,
    DeepPageError,
    PageIndex,
)

GOLDEN = Path(__file__).parents[3] / "golden" / "tenthousand_recipe"
SELECTORS = [
    "li",
    ".view2_summary h3",
    "#divConfirmedMaterialArea li",
    "ul, b.ready_ingre3_tt, li",
    'script[type="application/ld+json"]',
    'a.user_info2_pic[href*="uid="]',
    "[id^=stepimg] img",
    ".view_movie iframe[org_src]",
    "div div .media-body",
    ".ready_ingre3 .ready_ingre3 li",
    'link[rel="canonical"]',
    "#completeimgs .carousel-inner img, .completeimgs_item img",
]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.html")), ids=lambda path: path.stem)
@pytest.mark.parametrize("selector", SELECTORS)
def test_answers_are_those_of_css(path: Path, selector: str) -> None:
    soup = BeautifulSoup(path.read_text(), "lxml")
    page = PageIndex(soup)
    expected = soup.select(selector)
    assert list(map(id, page.find_all(selector))) == list(map(id, expected))
    assert page.find(selector) is (expected[0] if expected else None)
    for box in soup.select("ul, .view_step, .media"):
        inside = box.select(selector)
        assert list(map(id, page.find_all(selector, box))) == list(map(id, inside))


_PIECES = st.sampled_from([
    '<div class="a b">', '<div id="x">', "</div>", '<b class="b">', "</b>", "<li>", "</li>",
    '<a href="q?uid=1" class="a">', "</a>", "<ul>", "</ul>", "text", '<p id="x2" class="a a">',
])  # fmt: skip


@given(pieces=st.lists(_PIECES, max_size=30))
@settings(max_examples=60, deadline=None)
def test_answers_are_those_of_css_on_any_markup(pieces: list[str]) -> None:
    soup = BeautifulSoup("".join(pieces), "lxml")
    page = PageIndex(soup)
    for selector in (".a .b", "div.a b, li", "#x li", "ul li a", "[id^=x] .a", "a[href*='uid=']"):
        asked = selector.replace("'", '"')
        assert list(map(id, page.find_all(asked))) == list(map(id, soup.select(asked)))


def test_a_page_that_nests_too_deep_is_refused() -> None:
    soup = BeautifulSoup("<div>" * (MAX_DEPTH + 5), "lxml")
    with pytest.raises(DeepPageError, match="deeper"):
        PageIndex(soup)


def test_a_selector_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know"):
        PageIndex(BeautifulSoup("<p>", "lxml")).find("li:first-child")
