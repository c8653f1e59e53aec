"""An answer as lines for a terminal, at most 100 columns wide."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from mmpipeline.storage.layout import DataLayout

if TYPE_CHECKING:
    from mmpipeline.search.results import Hit, SearchResult

WIDTH = 100

_PART_NAMES = {"image": "photo", "instructions": "steps"}


def render_result(result: "SearchResult") -> Iterator[str]:
    """Yield a search result: dishes first, then items, and under each what brought it here.

    Parameters
    ----------
    result
        What the index answered.

    Yields
    ------
    str
        One line of text.
    """
    if result.verdict.text:
        yield f"  {result.verdict.text}; the nearest all the same:"
    yield "  dishes"
    for dish in result.dishes:
        yield fit_line(f"  {dish.rank:3}  {dish.score:6.3f}  {dish.dish}  {dish.name or ''}")
    yield "  items"
    for hit in result.items:
        named = f"[{hit.dish}]" if hit.dish else "[not labelled]"
        yield fit_line(f"  {hit.rank:3}  {hit.score:6.3f}  {hit.title or hit.recipe_id}  {named}")
        yield fit_line(f"{'':15}{_describe(hit)}")
    if not result.items:
        yield "  no recipe passes the filters"


def example_answer(layout: DataLayout, k: int = 3) -> Iterator[str]:
    """Ask the published index for a recipe it holds, by title alone, and yield the answer.

    Parameters
    ----------
    layout
        The data folder.
    k
        How many items and dishes.

    Yields
    ------
    str
        One line of text.
    """
    from mmpipeline.search.index import SearchIndex
    from mmpipeline.search.query import Query

    index = SearchIndex.open(layout)
    title = index.example_title()
    yield f'mmpipeline search --title "{title}" -k {k}'
    yield from render_result(index.search(Query(title=title), k))


def _describe(hit: "Hit") -> str:
    """Say whose it is, what carried it and what it shares with the query."""
    credit = f"{hit.recipe_id} by {hit.author}" if hit.author else hit.recipe_id
    shared = f"; shares {', '.join(hit.shared_ingredients)}" if hit.shared_ingredients else ""
    return f"{credit}; {describe_contributions(hit.contributions)}{shared}"


def describe_contributions(contributions: Mapping[str, float]) -> str:
    """Return what brought how much to a score, the most first.

    Parameters
    ----------
    contributions
        By part of the query.

    Returns
    -------
    str
        Such as ``title 0.74 + ingredients 0.19 - minus 0.02``.
    """
    parts = sorted(contributions.items(), key=lambda entry: -entry[1])
    words = [
        f"{'-' if value < 0 else '+'} {_PART_NAMES.get(part, part)} {abs(value):.2f}"
        for part, value in parts
    ]
    return " ".join(words).removeprefix("+ ")


def fit_line(line: str) -> str:
    """Cut a line to the screen; a Hangul syllable takes two columns."""
    width = 0
    for position, character in enumerate(line):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > WIDTH:
            return line[: position - 1] + "…"
    return line
