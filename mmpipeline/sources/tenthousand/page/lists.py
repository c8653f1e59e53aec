"""The lists that recipes are found on: everything, a category, a search, a ranking.

Each list has a name that the crawl state keeps its progress under, and an address a page.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from mmpipeline.config.sources import ScrapeConfig
from mmpipeline.errors import ConfigError
from mmpipeline.sources.tenthousand.page.categories import expand_categories
from mmpipeline.sources.tenthousand.page.urls import find_recipe_number


@dataclass(frozen=True, slots=True)
class RecipeList:
    """One list of recipes.

    Attributes
    ----------
    name
        ``all``, ``cat4=55``, ``q=...`` or ``ranking=d``.
    path
        Of its pages, without the query.
    fields
        The query's fields, the page number left out.
    is_paged
        Whether there is more than one page.
    """

    name: str
    path: str = "/recipe/list.html"
    fields: tuple[tuple[str, str], ...] = ()
    is_paged: bool = True

    def url(self, base_url: str, page: int) -> str:
        """Return the address of one of its pages, counted from 1.

        The pager's "next" link jumps ten pages; counting does not.
        """
        fields = [*self.fields, ("page", str(page))] if self.is_paged else self.fields
        return f"{base_url.rstrip('/')}{self.path}?{urlencode(fields)}"


def everything(order: str) -> RecipeList:
    """Return the list of all recipes, newest (``date``) or most recommended (``reco``) first."""
    return RecipeList("all", fields=(("order", order),))


def wanted_lists(config: ScrapeConfig) -> list[RecipeList]:
    """Return the further lists that a config asks for: rankings, searches, categories.

    Raises
    ------
    ConfigError
        If a category does not exist.
    """
    rankings = [
        RecipeList(
            f"ranking={kind}",
            "/ranking/home_new.html",
            (("dtype", kind), ("rtype", "r")),
            is_paged=False,
        )
        for kind in config.rankings
    ]
    searches = [
        RecipeList(f"q={query}", fields=(("q", query), ("order", "date")))
        for query in config.queries
    ]
    categories = [
        RecipeList(f"{axis}={code}", fields=((axis, str(code)), ("order", "date")))
        for axis, code in expand_categories(config.categories)
    ]
    return [*rankings, *searches, *categories]


def named_recipes(config: ScrapeConfig) -> list[int]:
    """Return the numbers of the recipes that a config names by number or address.

    Raises
    ------
    ConfigError
        If one is neither.
    """
    numbers = []
    for text in config.recipes:
        number = text.strip().removeprefix("10k:")
        found = number if number.isascii() and number.isdecimal() else find_recipe_number(text)
        if found is None or int(found) >= 10**12:
            raise ConfigError(
                f"scrape.recipes names {text!r}; expected a recipe number or the address of a "
                "recipe page"
            )
        numbers.append(int(found))
    return numbers
