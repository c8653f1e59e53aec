"""The walk over lists of recipes, newest first.

A walk for news goes from the top until a page shows only recipes below which everything is known.
The first walk of a list goes to its end, over several runs if need be. Recipes found by a walk
for news that was cut short do not count as known ground, so no gap is ever left behind.
"""

from mmpipeline.errors import FetchError, LayoutChangedError
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun, now
from mmpipeline.sources.tenthousand.page.list_page import (
    CARD_SELECTOR,
    ListPage,
    parse_list_page,
)
from mmpipeline.sources.tenthousand.page.lists import (
    RecipeList,
    everything,
    named_recipes,
    wanted_lists,
)
from mmpipeline.sources.tenthousand.page.page_index import DeepPageError
from mmpipeline.sources.tenthousand.page.tree import OversizedPageError
from mmpipeline.web.decoding import decode_text
from mmpipeline.web.failures import RequestFailedError

_DONE = "done"
SITE_TOTAL = "site_total"
"""Key that the crawl state keeps the number of recipes on the site under, as the site says it."""


def add_named_recipes(run: CrawlRun) -> None:
    """Note the recipes that the config names by number or address."""
    with run.state as state:
        for number in named_recipes(run.config):
            state.lists.add_listed(number, joined=False, seen_at=now())


def walk_whole_site(run: CrawlRun) -> None:
    """Find recipes on the list of everything: first news, then where the first walk was left."""
    found_on = everything(run.config.order)
    if run.state.get(_progress_key(found_on)) is None:
        with run.state as state:
            state.set(_progress_key(found_on), "1")
    elif not _walk_news(run, found_on):
        return
    _walk_backfill(run, found_on)


def walk_wanted_lists(run: CrawlRun) -> None:
    """Find recipes on rankings, searches and categories; one that fails costs only itself."""
    for found_on in wanted_lists(run.config):
        if not run.has_time:
            return
        try:
            if run.state.get(_progress_key(found_on)) == _DONE:
                _walk_news(run, found_on)
            else:
                _walk_backfill(run, found_on)
        except RequestFailedError as failure:
            run.failed[f"list_{failure.reason}"] += 1
        except FetchError:
            run.failed["list_unreadable"] += 1


def _progress_key(found_on: RecipeList) -> str:
    return "backfill_page" if found_on.name == "all" else f"backfill_page {found_on.name}"


def _walk_news(run: CrawlRun, found_on: RecipeList) -> bool:
    """Walk from the top until known ground; return whether it was reached."""
    fresh: list[int] = []
    page = 1
    while run.has_time:
        found = _fetch_list(run, found_on, page)
        if found is None:
            return False
        numbers = [card.number for card in found.cards]
        is_known = _is_known_ground(run, found_on, numbers)
        fresh += numbers
        with run.state as state:
            _add_cards(run, found_on, found, joined=False)
            if is_known or not numbers or not found_on.is_paged:
                # Only now: a walk that is cut short must not make its finds known ground.
                if found_on.name == "all":
                    state.lists.join_all()
                else:
                    state.lists.add(found_on.name, fresh)
                return True
        page += 1
    return False


def _is_known_ground(run: CrawlRun, found_on: RecipeList, numbers: list[int]) -> bool:
    if found_on.name == "all":
        is_newest_first = run.config.order == "date"
        return is_newest_first and run.state.lists.count_joined(numbers) == len(numbers)
    return run.state.lists.count_known(found_on.name, numbers) == len(numbers)


def _walk_backfill(run: CrawlRun, found_on: RecipeList) -> None:
    """Go on with the first walk, one page back: recipes may have moved up since."""
    key = _progress_key(found_on)
    remembered = run.state.get(key)
    if remembered == _DONE:
        return
    page = max(1, int(remembered or 1) - 1)
    while _may_list_more(run, found_on):
        found = _fetch_list(run, found_on, page)
        if found is None:
            return
        is_last = not found.cards or not found_on.is_paged
        with run.state as state:
            _add_cards(run, found_on, found, joined=found_on.name == "all")
            if found_on.name != "all":
                state.lists.add(found_on.name, [card.number for card in found.cards])
            state.set(key, _DONE if is_last else str(page + 1))
        if is_last:
            return
        page += 1


def _fetch_list(run: CrawlRun, found_on: RecipeList, page: int) -> ListPage | None:
    url = found_on.url(run.config.base_url, page)
    if not run.robots.allows(url):
        run.counts["skipped_robots"] += 1
        return None
    response = run.fetcher.fetch(url, max_bytes=run.config.max_page_bytes)
    run.counts["list_pages"] += 1
    run.keep("list", response)
    if response.status != 200:
        raise FetchError(f"list page {url} answered status {response.status}; try again later")
    text = decode_text(response.body, response.header("Content-Type"))
    if text is None:
        raise FetchError(f"list page {url} is in no character set that fits its bytes")
    try:
        found = parse_list_page(text)
    except (OversizedPageError, DeepPageError) as error:
        raise FetchError(f"list page {url} cannot be read: {error}") from error
    if page == 1 and not found.cards and not (found.is_past_end and found_on.name != "all"):
        raise LayoutChangedError(
            f"the first list page {url} shows no recipe: selector '{CARD_SELECTOR}' matched "
            "nothing; the site's layout has changed"
        )
    return found


def _add_cards(run: CrawlRun, found_on: RecipeList, found: ListPage, *, joined: bool) -> None:
    """Note what a list page shows; the caller holds a transaction."""
    seen_at = now()
    for card in found.cards:
        run.state.lists.add_listed(card.number, joined=joined, seen_at=seen_at)
        if run.recheck_cutoff is not None:
            run.state.mark_relisted(card.number, run.recheck_cutoff)
        run.state.lists.set_card_facts(card.number, card.views, card.reviews)
    run.counts["listed"] += len(found.cards)
    if found.total is not None and found_on.name == "all":
        run.state.set(SITE_TOTAL, str(found.total))


def _may_list_more(run: CrawlRun, found_on: RecipeList) -> bool:
    limit = run.config.max_pages
    if limit is None or not run.has_time:
        return run.has_time
    if found_on.name == "all":
        return run.state.count_pages("todo") < limit
    return run.counts["list_pages"] < limit
