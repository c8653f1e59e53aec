"""The fake 만개의레시피 as a function from request to response, without any socket.

Nothing is stored: lists are computed from the config, pages and photos are made when asked for.
Recipes can be deleted and the world can grow while the site runs, as the real one does.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.photos.files import photo_at, shrink_photo
from mmpipeline.sample.site.faults import GONE_PAGE, Fault, FaultBook, SiteResponse
from mmpipeline.sample.site.list_pages import (
    CARDS_PER_PAGE,
    RANKED,
    ListQuery,
    list_page,
    ranking_page,
    read_list_query,
)
from mmpipeline.sample.site.mobile_pages import mobile_list_page, mobile_recipe_page
from mmpipeline.sample.site.other_pages import ajax_fragment, print_page
from mmpipeline.sample.site.page_frame import photo_path
from mmpipeline.sample.site.rare_forms import rare_recipe_page
from mmpipeline.sample.site.recipe_pages import recipe_page
from mmpipeline.sample.world.densities import world_of
from mmpipeline.sample.world.draws import dish_row, draw_recipe, origin_of
from mmpipeline.sample.world.recipes import (
    SampleRecipe,
    position_of_site_id,
    published_at,
    recipe_at,
    site_id_at,
)

ROBOTS = """User-Agent: *
Disallow: /admin/
Disallow: /app/
Disallow: /static/

User-agent: dotbot
Disallow: /
"""

_START_PAGE = "<!DOCTYPE html><title>만개의레시피</title><h1>처음</h1>"
_HTML = "text/html; charset=UTF-8"
_THUMBNAIL_PX = 64
_PHOTO = re.compile(
    r"/cache/recipe/\d{4}/\d\d/\d\d/[0-9a-f]{24}([0-9a-f]{8})1?(|_m|_f)\.(?:jpg|JPG|png|gif)"
)
_RECIPE = re.compile(r"/recipe/(\d{1,9})")
_SEOUL = timezone(timedelta(hours=9))


class SampleSite:
    """The site's content and behaviour.

    Parameters
    ----------
    config
        The world; its recipes with an even index are on the site.
    page_chars
        About how long a recipe page is; the real ones have 200,000 characters.
    every_form
        Serve recipe pages in every form there is, instead of two generations.
    """

    def __init__(
        self, config: SampleConfig, page_chars: int = 40_000, *, every_form: bool = False
    ) -> None:
        self.config = config
        self.page_chars = page_chars
        self.every_form = every_form
        self.deleted: frozenset[int] = frozenset()
        self.revised: frozenset[int] = frozenset()
        self._gone_how: dict[int, str] = {}
        self._faults = FaultBook()

    def grow(self, recipes: int) -> None:
        """Let the world have `recipes` recipes from now on; the earlier ones stay as they are."""
        self.config = self.config.model_copy(update={"recipes": recipes})

    def delete(
        self, site_id: int, how: Literal["alert", "not_found", "redirect"] = "alert"
    ) -> None:
        """Take a recipe off the lists; its page becomes an alert, a 404, or leads to the start."""
        self.deleted |= {site_id}
        self._gone_how[site_id] = how

    def revise(self, site_id: int) -> None:
        """Let the author change a recipe: its page gets one more step and another date."""
        self.revised |= {site_id}

    def break_page(self, path: str, fault: Fault | None) -> None:
        """Set a fault on a path, or clear it with None; see `faults.Fault`."""
        self._faults.set(path, fault)

    def positions(self, query: ListQuery) -> list[int]:
        """Return the positions of all recipes that a list holds, in its order.

        Parameters
        ----------
        query
            Order and filters; its page number does not matter.

        Returns
        -------
        list of int
            Site positions, 0 for the oldest recipe.
        """
        count = (self.config.recipes + 1) // 2
        gone = frozenset(
            position
            for site_id in self.deleted
            if (position := position_of_site_id(site_id)) is not None
        )
        return _listed(self.config, count, gone, query.order, query.q, query.categories)

    def respond(self, target: str, host: str, headers: Mapping[str, str]) -> SiteResponse:
        """Answer a GET request.

        Parameters
        ----------
        target
            Path and query as they stand in the request line.
        host
            Scheme and host for absolute addresses, ``http://127.0.0.1:8000``.
        headers
            The request's headers with lower-case names; ``if-none-match`` is obeyed, and a
            ``host`` that begins with ``m.`` gets the mobile pages.

        Returns
        -------
        SiteResponse
            Status, headers and body.
        """
        path = unquote(urlsplit(target).path)
        return self._faults.apply(path, lambda: self._answer(target, path, host, headers))

    def _answer(
        self, target: str, path: str, host: str, headers: Mapping[str, str]
    ) -> SiteResponse:
        is_mobile = headers.get("host", "").startswith("m.")
        if match := _RECIPE.fullmatch(path):
            return self._recipe(int(match[1]), host, headers, is_mobile=is_mobile)
        if match := _PHOTO.fullmatch(path):
            return self._photo(path, int(match[1], 16), match[2], headers)
        query = urlsplit(target).query
        fields = _parse_fields(query)
        pages: dict[str, Callable[[], SiteResponse]] = {
            "/robots.txt": lambda: SiteResponse(
                200, ROBOTS.encode(), {"Content-Type": "text/plain"}
            ),
            "/": lambda: _page(_START_PAGE, headers),
            "/recipe/list.html": lambda: _page(
                self._list(read_list_query(fields), host, is_mobile=is_mobile), headers
            ),
            "/ranking/home_new.html": lambda: _page(self._ranking(host), headers),
            "/recipe/ajax.html": lambda: SiteResponse(
                200, ajax_fragment(fields).encode(), {"Content-Type": _HTML}
            ),
            "/recipe/print.html": lambda: self._print_view(fields.get("seq", "")),
        }
        missing = SiteResponse(404, b"not found", {"Content-Type": _HTML})
        return pages.get(path, lambda: missing)()

    def _list(self, query: ListQuery, host: str, *, is_mobile: bool) -> str:
        positions = self.positions(query)
        start = (query.page - 1) * CARDS_PER_PAGE
        shown = positions[start : start + CARDS_PER_PAGE]
        if is_mobile:
            return mobile_list_page([recipe_at(self.config, 2 * position) for position in shown])
        return list_page(self.config, query, shown, len(positions), host)

    def _gone(self, site_id: int) -> SiteResponse:
        how = self._gone_how.get(site_id, "alert")
        if how == "redirect":
            return SiteResponse(302, b"", {"Location": "/"})
        if how == "not_found":
            return SiteResponse(404, b"not found", {"Content-Type": _HTML})
        return SiteResponse(200, GONE_PAGE.encode(), {"Content-Type": _HTML})

    def _ranking(self, host: str) -> str:
        positions = self.positions(ListQuery())[:RANKED]
        return ranking_page(self.config, positions, host)

    def _print_view(self, seq: str) -> SiteResponse:
        position = position_of_site_id(int(seq)) if seq.isdecimal() and len(seq) < 10 else None
        if position is None or not self._is_there(2 * position):
            return SiteResponse(200, GONE_PAGE.encode(), {"Content-Type": _HTML})
        text = print_page(recipe_at(self.config, 2 * position))
        return SiteResponse(200, text.encode(), {"Content-Type": _HTML})

    def _recipe(
        self, site_id: int, host: str, headers: Mapping[str, str], *, is_mobile: bool
    ) -> SiteResponse:
        position = position_of_site_id(site_id)
        if position is None or not self._is_there(2 * position):
            return self._gone(site_id)
        recipe = recipe_at(self.config, 2 * position)
        if site_id in self.revised:
            recipe = replace(recipe, steps=(*recipe.steps, "한 번 더 간을 본다."))
        modified = None if site_id in self.revised else _http_date(recipe.index)
        if is_mobile:
            photo = host + photo_path(self.config, recipe) if recipe.has_photo else None
            return _page(mobile_recipe_page(recipe, photo), headers, modified)
        build = rare_recipe_page if self.every_form else recipe_page
        text = build(self.config, recipe, host, self.page_chars)
        return _page(text, headers, modified)

    def _photo(
        self, path: str, number: int, suffix: str, headers: Mapping[str, str]
    ) -> SiteResponse:
        index, shot = divmod(number, 16)
        missing = SiteResponse(404, b"not found", {"Content-Type": _HTML})
        if index % 2 or not self._is_there(index):
            return missing
        recipe = recipe_at(self.config, index)
        if not recipe.has_photo or path not in {
            photo_path(self.config, recipe, shot, suffix, is_rare=is_rare)
            for is_rare in (False, self.every_form)
        }:
            return missing
        known = {
            "Content-Type": "image/jpeg",
            "ETag": f'"{hashlib.sha256(path.encode()).hexdigest()[:16]}"',
            "Last-Modified": _http_date(index),
        }
        if _is_known(headers, known):  # the photo need not be drawn for this answer
            return SiteResponse(304, b"", known)
        return SiteResponse(200, _photo_bytes(self.config, recipe, shot, suffix), known)

    def _is_there(self, index: int) -> bool:
        return 0 <= index < self.config.recipes and site_id_at(index // 2) not in self.deleted


def _photo_bytes(config: SampleConfig, recipe: SampleRecipe, shot: int, suffix: str) -> bytes:
    photo = photo_at(config, recipe.draw, shot)
    return shrink_photo(photo, _THUMBNAIL_PX) if suffix == "_m" else photo


def _page(text: str, headers: Mapping[str, str], modified: str | None = None) -> SiteResponse:
    body = text.encode()
    known = {"Content-Type": _HTML, "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}
    if modified is not None:
        known["Last-Modified"] = modified
    return (
        SiteResponse(304, b"", known)
        if _is_known(headers, known)
        else SiteResponse(200, body, known)
    )


def _is_known(headers: Mapping[str, str], known: Mapping[str, str]) -> bool:
    if "if-none-match" in headers:
        return headers["if-none-match"] == known["ETag"]
    return headers.get("if-modified-since", "") == known.get("Last-Modified", None)


def _http_date(index: int) -> str:
    moment = published_at(index).replace(tzinfo=_SEOUL).astimezone(UTC)
    return format_datetime(moment, usegmt=True)


def _parse_fields(text: str) -> dict[str, str]:
    return {key: value[-1] for key, value in parse_qs(text, encoding="utf-8").items()}


@lru_cache(maxsize=32)
def _listed(
    config: SampleConfig,
    count: int,
    gone: frozenset[int],
    order: str,
    q: str,
    categories: tuple[tuple[str, str], ...],
) -> list[int]:
    dishes = world_of(config).dishes
    found = [position for position in range(count - 1, -1, -1) if position not in gone]
    for key, code in categories:
        rows = {row for row, dish in enumerate(dishes) if dish.categories[key] == code}
        found = [at for at in found if dish_row(config, origin_of(config, 2 * at)) in rows]
    if q:
        found = [at for at in found if _mentions(config, at, q)]
    if order == "reco":
        found.sort(key=lambda at: at * 2_654_435_761 % 2**32)
    return found


def _mentions(config: SampleConfig, position: int, q: str) -> bool:
    """Whether a search for `q` finds the recipe: by its title, or by a name of its dish."""
    names = world_of(config).dishes[draw_recipe(config, 2 * position).dish].names["ko"]
    return q in names or q in recipe_at(config, 2 * position).title
