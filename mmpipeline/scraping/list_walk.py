"""Finds recipes: walks the lists, newest first.

A walk for news goes from the top until a page shows only recipes below which everything is known.
The first walk goes to the end of the site, over several runs if need be. Recipes found by a walk
for news that was cut short do not count as known ground, so no gap is ever left behind.
"""

from mmpipeline.errors import FetchError, LayoutChangedError
from mmpipeline.scraping.crawl_run import CrawlRun, now
from mmpipeline.scraping.decoding import decode_text
from mmpipeline.scraping.sites.tenthousand_recipe.list_page import (
    CARD_SELECTOR,
    ListPage,
    parse_list_page,
)
from mmpipeline.scraping.sites.tenthousand_recipe.tree import OversizedPageError
from mmpipeline.scraping.sites.tenthousand_recipe.urls import list_url
from mmpipeline.scraping.state import CrawlState

_BACKFILL = "backfill_page"
_DONE = "done"


def walk_lists(run: CrawlRun) -> None:
    """Find recipes: first what is new, then where the first walk was left."""
    if run.state.get(_BACKFILL) is None:
        with run.state as state:
            state.set(_BACKFILL, "1")
    elif not _walk_news(run):
        return
    _walk_backfill(run)


def _walk_news(run: CrawlRun) -> bool:
    """Walk from the top until known ground; return whether it was reached."""
    page = 1
    while run.has_time:
        found = _fetch_list(run, page)
        if found is None:
            return False
        numbers = [card.number for card in found.cards]
        is_known = run.config.order == "date" and run.state.count_joined(numbers) == len(numbers)
        with run.state as state:
            _add_cards(run, state, found, joined=False)
            if is_known or not numbers:
                state.join_all()
                return True
        page += 1
    return False


def _walk_backfill(run: CrawlRun) -> None:
    """Go on with the first walk, one page back: recipes may have moved up since."""
    remembered = run.state.get(_BACKFILL)
    if remembered == _DONE:
        return
    page = max(1, int(remembered or 1) - 1)
    while _may_list_more(run):
        found = _fetch_list(run, page)
        if found is None:
            return
        with run.state as state:
            _add_cards(run, state, found, joined=True)
            state.set(_BACKFILL, str(page + 1) if found.cards else _DONE)
        if not found.cards:
            return
        page += 1


def _fetch_list(run: CrawlRun, page: int) -> ListPage | None:
    url = list_url(run.config.base_url, page, run.config.order)
    if not run.robots.allows(url):
        run.counts["skipped_robots"] += 1
        return None
    response = run.fetcher.fetch(url, max_bytes=run.config.max_page_bytes)
    run.keep("list", response)
    if response.status != 200:
        raise FetchError(f"list page {url} answered status {response.status}; try again later")
    text = decode_text(response.body, response.header("Content-Type"))
    if text is None:
        raise FetchError(f"list page {url} is in no character set that fits its bytes")
    try:
        found = parse_list_page(text)
    except OversizedPageError as error:
        raise FetchError(f"list page {url} cannot be read: {error}") from error
    if page == 1 and not found.cards:
        raise LayoutChangedError(
            f"the first list page {url} shows no recipe: selector '{CARD_SELECTOR}' matched "
            "nothing; the site's layout has changed"
        )
    return found


def _add_cards(run: CrawlRun, state: CrawlState, found: ListPage, *, joined: bool) -> None:
    seen_at = now()
    for card in found.cards:
        state.add_listed(card.number, joined=joined, seen_at=seen_at)
        state.set_card_facts(card.number, card.views, card.reviews)
    run.counts["listed"] += len(found.cards)


def _may_list_more(run: CrawlRun) -> bool:
    limit = run.config.max_pages
    return run.has_time and (limit is None or run.state.count_pages("todo") < limit)
