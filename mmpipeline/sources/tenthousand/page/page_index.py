"""The page index: CSS selectors answered by one walk over a page instead of one a field.

Some thirty selectors are asked of each page, and each would walk the whole tree. Here the tree is
walked once, every element noted under its id, classes and name with its place in the page, and a
selector looks at its few candidates only. The price is that a small part of CSS is understood:
names, ids, classes, attributes (present, equal, begins, contains), descendants and commas. On that
part the answers are those of BeautifulSoup's own ``select``.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from bs4 import BeautifulSoup, Tag

MAX_DEPTH = 250
"""Real pages stay below 60 levels. Texts of nested elements are read one by one, so reading takes
the square of the depth, and a hostile page could hold the parser for minutes."""

_PART = re.compile(
    r"(?P<name>^[a-z][a-z0-9]*)|#(?P<id>[\w-]+)|\.(?P<css>[\w-]+)"
    r"|\[(?P<key>[\w-]+)(?:(?P<test>[\^*]?=)\"?(?P<value>[^\"\]]*)\"?)?\]"
)


class DeepPageError(ValueError):
    """A page whose elements nest deeper than in any page made for readers."""


class Page(Protocol):
    """A page that answers selectors."""

    @property
    def soup(self) -> BeautifulSoup:
        """The tree."""

    def find(self, selector: str, within: Tag | None = None) -> Tag | None:
        """Return the first element that a selector matches, below an element."""

    def find_all(self, selector: str, within: Tag | None = None) -> list[Tag]:
        """Return all elements that a selector matches, below an element, in page order."""


@dataclass(frozen=True, slots=True)
class _Compound:
    """One element's conditions, such as ``a.user_info2_pic[href*="uid="]``."""

    name: str | None
    element_id: str | None
    classes: tuple[str, ...]
    attributes: tuple[tuple[str, str, str], ...]  # key, test, value

    @property
    def index_key(self) -> str:
        """The rarest thing that the element is noted under."""
        if self.element_id:
            return f"#{self.element_id}"
        return f".{self.classes[0]}" if self.classes else self.name or "*"

    def matches(self, tag: Tag) -> bool:
        return (
            (self.name is None or tag.name == self.name)
            and (self.element_id is None or tag.get("id") == self.element_id)
            and all(css in _classes(tag) for css in self.classes)
            and all(_has_attribute(tag, *wanted) for wanted in self.attributes)
        )


class PageIndex:
    """A BeautifulSoup tree with every element noted under its id, classes and name.

    Parameters
    ----------
    soup
        The tree; it must not change any more.

    Raises
    ------
    DeepPageError
        If elements nest deeper than `MAX_DEPTH`.
    """

    def __init__(self, soup: BeautifulSoup) -> None:
        self._soup = soup
        self._noted: dict[str, list[Tag]] = defaultdict(list)
        self._places: dict[str, list[int]] = defaultdict(list)
        self._start: dict[int, int] = {}
        self._end: dict[int, int] = {}
        self._walk(soup)

    @property
    def soup(self) -> BeautifulSoup:
        """The tree."""
        return self._soup

    def _walk(self, soup: BeautifulSoup) -> None:
        """Note all elements, with the range of places that each one's descendants have.

        Raises
        ------
        DeepPageError
            If elements nest too deep.
        """
        open_tags: list[Tag] = [soup]
        place = 0
        self._start[id(soup)] = 0
        for element in soup.descendants:
            if not isinstance(element, Tag):
                continue
            place += 1
            parent = element.parent
            while open_tags[-1] is not parent:
                self._end[id(open_tags.pop())] = place
            self._start[id(element)] = place
            open_tags.append(element)
            if len(open_tags) > MAX_DEPTH:
                raise DeepPageError(f"elements nest deeper than {MAX_DEPTH} levels")
            self._note(element, place)
        for tag in open_tags:
            self._end[id(tag)] = place + 1

    def _note(self, tag: Tag, offset: int) -> None:
        keys = [tag.name, "*"]
        attributes = tag.attrs
        if attributes:
            keys += [f".{css}" for css in dict.fromkeys(_classes(tag))]
            if element_id := attributes.get("id"):
                keys.append(f"#{element_id}")
        for key in keys:
            self._noted[key].append(tag)
            self._places[key].append(offset)

    def find(self, selector: str, within: Tag | None = None) -> Tag | None:
        """Return the first element that a selector matches; see `find_all`."""
        found = self.find_all(selector, within)
        return found[0] if found else None

    def find_all(self, selector: str, within: Tag | None = None) -> list[Tag]:
        """Return all elements that a selector matches, in page order.

        Parameters
        ----------
        selector
            CSS, of the kinds named above.
        within
            Look only below this element, which like all its ancestors may match all but the last
            part of a selector; None looks at the whole page.

        Returns
        -------
        list of Tag
            Each element once.
        """
        paths = _compile(selector)
        found = [tag for path in paths for tag in self._follow(path, within)]
        if len(paths) > 1:
            unique = {self._start[id(tag)]: tag for tag in found}
            found = [unique[position] for position in sorted(unique)]
        return found

    def _follow(self, path: tuple[_Compound, ...], within: Tag | None) -> list[Tag]:
        *outer, last = path
        key = last.index_key
        tags = self._noted.get(key)
        if tags is None:
            return []
        if within is not None:
            places = self._places[key]
            start = bisect_left(places, self._start[id(within)] + 1)
            tags = tags[start : bisect_left(places, self._end[id(within)])]
        return [tag for tag in tags if last.matches(tag) and _stands_inside(tag, outer)]


def _stands_inside(tag: Tag, outer: list[_Compound]) -> bool:
    """Tell whether ancestors match, the innermost condition nearest."""
    wanted = list(outer)
    ancestor = tag.parent
    while wanted and ancestor is not None:
        if wanted[-1].matches(ancestor):
            wanted.pop()
        ancestor = ancestor.parent
    return not wanted


def _classes(tag: Tag) -> list[str]:
    found = tag.attrs.get("class")
    return found if isinstance(found, list) else str(found).split() if found else []


def _has_attribute(tag: Tag, key: str, test: str, value: str) -> bool:
    found = tag.attrs.get(key)
    if found is None:
        return False
    text = " ".join(found) if isinstance(found, list) else str(found)
    if test == "^=":
        return text.startswith(value)
    if test == "*=":
        return value in text
    return test == "" or text == value


@lru_cache(maxsize=256)
def _compile(selector: str) -> tuple[tuple[_Compound, ...], ...]:
    return tuple(
        tuple(_compile_compound(part) for part in path.split()) for path in selector.split(",")
    )


def _compile_compound(text: str) -> _Compound:
    parts = list(_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        raise ValueError(f"selector {text!r} is of a kind that the index does not know")
    return _Compound(
        name=next((part["name"] for part in parts if part["name"]), None),
        element_id=next((part["id"] for part in parts if part["id"]), None),
        classes=tuple(part["css"] for part in parts if part["css"]),
        attributes=tuple(
            (part["key"], part["test"] or "", part["value"] or "") for part in parts if part["key"]
        ),
    )
