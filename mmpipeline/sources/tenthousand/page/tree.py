"""Readers of a BeautifulSoup tree that all page parts share."""

import re
from collections.abc import Iterable
from typing import cast

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString

from mmpipeline.sources.tenthousand.page.cutting import cut_page
from mmpipeline.sources.tenthousand.page.page_index import PageIndex
from mmpipeline.text.normalize import clean_text

_LINE = "\x1e"  # stands for a line break while a text is put together; no page can hold it cleaned
_MAX_TAGS = 20_000
_BLOCKS = frozenset({"p", "div", "td", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br"})


class OversizedPageError(ValueError):
    """A page with more elements than one made for readers has."""


def read_page_tree(html: str, *, cut: bool = True) -> PageIndex:
    """Parse a page.

    Parameters
    ----------
    html
        The page.
    cut
        Whether parts without any field are dropped before; the result must be the same.

    Returns
    -------
    PageIndex
        The tree, ready to be asked.

    Raises
    ------
    OversizedPageError
        If the page has more than 20,000 tags; a real one has a tenth of that, and a tree of five
        megabytes of tags takes half a minute.
    DeepPageError
        If its elements nest too deep.
    """
    html = cut_page(html) if cut else html
    if html.count("<") > _MAX_TAGS:
        raise OversizedPageError(f"more than {_MAX_TAGS:,} tags")
    if (
        "<" not in html
    ):  # Beautiful Soup warns of a page that looks like an address, as "http:" does
        html += "<!---->"
    return PageIndex(BeautifulSoup(html, "lxml"))


def read_text(tag: Tag | None, skip: Iterable[str] = ()) -> str | None:
    """Return an element's text on one line.

    Parameters
    ----------
    tag
        The element; None gives None.
    skip
        Classes and tag names whose elements are left out.
    """
    if tag is None:
        return None
    return clean_text("".join(_pieces(tag, frozenset(skip))).replace(_LINE, " "))


def read_lines(tag: Tag | None, skip: Iterable[str] = ()) -> list[str]:
    """Return an element's text, one entry a line as a reader sees it, without empty ones."""
    if tag is None:
        return []
    text = "".join(_pieces(tag, frozenset(skip)))
    lines = (clean_text(line) for line in text.split(_LINE))
    return [line for line in lines if line]


def _pieces(tag: Tag, skip: frozenset[str]) -> list[str]:
    """Walk without recursion, pages may nest as deep as they like; mark where lines break.

    In HTML a line break of the source is a space: only block elements break lines.
    """
    pieces: list[str] = []
    after = _next_outside(tag)
    element: PageElement | None = tag.next_element
    while element is not None and element is not after:
        following = element.next_element
        if isinstance(element, Tag):
            if _is_skipped(element, skip):
                following = _next_outside(element)
            if element.name in _BLOCKS:
                pieces.append(_LINE)
        elif isinstance(element, NavigableString) and not isinstance(element, PreformattedString):
            pieces.append(str(element).replace(_LINE, " "))
        if following is not None and following.parent is not element:
            pieces += [_LINE] * _leaves_block(element, following)
        element = following
    return pieces


def _leaves_block(element: PageElement, following: PageElement) -> bool:
    """Tell whether a block ends between two neighbours of the walk."""
    node: PageElement | None = element
    while node is not None and node.parent is not following.parent:
        node = node.parent
        if isinstance(node, Tag) and node.name in _BLOCKS:
            return True
    return isinstance(element, Tag) and element.name in _BLOCKS


def _next_outside(tag: Tag) -> PageElement | None:
    node: Tag | None = tag
    while node is not None:
        if node.next_sibling is not None:
            return node.next_sibling
        node = node.parent
    return None


def _is_skipped(tag: Tag, skip: frozenset[str]) -> bool:
    if tag.name in {"script", "style"} or tag.name in skip:
        return True
    return bool(skip) and not skip.isdisjoint(tag.get_attribute_list("class"))


def attribute(tag: Tag | None, name: str) -> str | None:
    """Return a non-empty attribute of an element."""
    value = cast("str | None", tag.get(name)) if tag is not None else None
    return value.strip() or None if isinstance(value, str) else None


def first_number(text: str | None) -> int | None:
    """Return the first whole number in a text, with thousands commas ("12,345")."""
    found = re.search(r"\d{1,3}(?:,\d{3})+|\d{1,9}", text or "")
    return int(found[0].replace(",", "")) if found else None
