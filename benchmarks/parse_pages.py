"""Reading recipe pages: ours beside plain BeautifulSoup on the same pages, in the same run.

``python -m benchmarks.parse_pages --pages 500 --json``

Pages are those of the fake site in all generations of markup, about 200,000 characters each like
the real ones: scripts, menus, adverts, comments, reviews and modals round a recipe. The plain
reader is ``BeautifulSoup(html, "lxml")`` with ``select`` and ``select_one`` and the very same
selectors and field code; ours cuts away parts without fields first and answers selectors from one
walk over the tree. Both read every field from a BeautifulSoup tree, and must say the same.

The two take turns page by page, so that a noisy machine slows both. What to expect: a minute.
"""

import argparse
import gc
import json
import resource
import sys
import time

from bs4 import BeautifulSoup, Tag

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.site.rare_forms import rare_recipe_page
from mmpipeline.sample.world.recipes import recipe_at
from mmpipeline.sources.tenthousand.page.recipe_page import (
    PageRecord,
    UnreadablePage,
    read_parsed_page,
    read_recipe_page,
)
from mmpipeline.web.decoding import decode_text

HOST = "https://www.10000recipe.com"
CONTENT_TYPE = "text/html; charset=UTF-8"


class PlainPage:
    """A page that answers selectors as BeautifulSoup does."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self._soup = soup

    @property
    def soup(self) -> BeautifulSoup:
        """The tree."""
        return self._soup

    def find(self, selector: str, within: Tag | None = None) -> Tag | None:
        """Return the first element that a selector matches."""
        return (within or self._soup).select_one(selector)

    def find_all(self, selector: str, within: Tag | None = None) -> list[Tag]:
        """Return all elements that a selector matches."""
        return list((within or self._soup).select(selector))


def read_ours(body: bytes, number: int) -> PageRecord | UnreadablePage:
    """Read a page as the scraper does."""
    return read_recipe_page(body, CONTENT_TYPE, f"{HOST}/recipe/{number}", number)


def read_plain(body: bytes, number: int) -> PageRecord | UnreadablePage:
    """Read a page with BeautifulSoup alone."""
    page = PlainPage(BeautifulSoup(decode_text(body, CONTENT_TYPE) or "", "lxml"))
    return read_parsed_page(page, f"{HOST}/recipe/{number}", number)


def measure(pages: int, page_chars: int) -> dict[str, float | bool]:
    """Read pages both ways and compare.

    Parameters
    ----------
    pages
        How many.
    page_chars
        Length of each, about.

    Returns
    -------
    dict
        Pages a CPU second of each, their ratio, whether all records are equal, and the peak
        resident memory of the process in MB.
    """
    config = SampleConfig()
    seconds = {"ours": 0.0, "plain": 0.0}
    same = True
    gc.collect()
    for position in range(pages):
        recipe = recipe_at(config, 2 * position)
        body = rare_recipe_page(config, recipe, HOST, page_chars).encode()
        number = int(recipe.source_id)
        started = time.process_time()
        ours = read_ours(body, number)
        between = time.process_time()
        plain = read_plain(body, number)
        seconds["ours"] += between - started
        seconds["plain"] += time.process_time() - between
        same = same and ours == plain and isinstance(ours, PageRecord)
    return {
        "pages_per_cpu_s": round(pages / seconds["ours"], 1),
        "plain_pages_per_cpu_s": round(pages / seconds["plain"], 1),
        "ratio": round(seconds["plain"] / seconds["ours"], 2),
        "same_output": same,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures.

    Parameters
    ----------
    arguments
        Command line; None takes the process's own.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parse_pages")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--page-chars", type=int, default=200_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    options = parser.parse_args(arguments)
    figures = measure(options.pages, options.page_chars)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name:24} {value}\n" for name, value in figures.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
