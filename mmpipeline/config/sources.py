"""Settings of the sources: how a site is asked, how pages and dumps are read."""

from typing import Any, Literal

from pydantic import Field

from mmpipeline.config.base import MAX_PIXELS, Section


class ScrapeConfig(Section):
    """How the site is asked, and for what.

    The list of everything is walked newest first. `categories`, `queries` and `rankings` name
    further lists; a recipe's own page does not say its categories, so they are known only when
    the categories' lists are walked (once round all of them is some 27,000 list pages).
    """

    base_url: str = "https://www.10000recipe.com"
    order: Literal["date", "reco"] = "date"
    pace_s: float = Field(1.5, ge=0, description="least time between two requests to one host")
    timeout_s: float = Field(30, gt=0, description="whole request, not a single read")
    retries: int = Field(3, ge=0, le=10)
    whole_site: bool = Field(True, description="walk the list of everything")
    categories: tuple[str, ...] = Field((), description="'all', 'cat4' or 'cat4=55'")
    queries: tuple[str, ...] = Field((), description="words to search for")
    rankings: tuple[Literal["d", "w", "m"], ...] = Field((), description="of a day, week, month")
    recipes: tuple[str, ...] = Field((), description="numbers or addresses of single recipes")
    new_pages: bool = Field(True, description="fetch pages that were never fetched")
    recheck_after_days: float | None = Field(30, ge=0, description="known pages; none: never")
    max_rechecks: int = Field(2000, ge=0, description="known pages asked for again in one run")
    required_field_bound: float = Field(0.2, ge=0, le=1, description="pages that may lack one")
    max_pages: int | None = Field(None, ge=1, description="recipe pages asked for in one run")
    max_minutes: float | None = Field(None, gt=0, description="time that one run may take")
    images: bool = True
    image_hosts: tuple[str, ...] = ("recipe1.ezmember.co.kr",)
    max_page_bytes: int = Field(5_000_000, ge=1)
    max_image_bytes: int = Field(25_000_000, ge=1)
    allow_loopback: bool = Field(False, description="let requests reach 127.0.0.1: the fake site")


class ParseConfig(Section):
    """What parsing of scraped pages may decide."""

    required_field_bound: float = Field(0.2, ge=0, le=1, description="pages that may lack one")


class Recipe1MConfig(Section):
    """How a Recipe1M folder is read."""

    max_record_bytes: int = Field(134_217_728, ge=1024)
    check_images: bool = Field(True, description="decode each photo once and count the failures")
    max_image_bytes: int = Field(25_000_000, ge=1, description="a larger photo is not decoded")
    max_pixels: int = Field(MAX_PIXELS, ge=1, description="a larger photo is not decoded")
    max_quarantined_fraction: float = Field(
        0.5, ge=0, le=1, description="records withheld, at most"
    )
    standard_filter: bool = Field(
        False, description="drop remove1M.txt, no photo, 20 or more ingredients or steps"
    )
    sparse_filter: bool = Field(
        False, description="drop under 2 ingredients, 2 steps or 20 letters of steps"
    )


class SourceTables(Section):
    """Settings of a source that has no section here; it says which there are, and checks them."""

    fetch: dict[str, Any] = Field({}, description="how its input is fetched, if it is")
    normalise: dict[str, Any] = Field({}, description="how its input is read")
