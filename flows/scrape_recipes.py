"""Scrape 만개의레시피 and parse what came home."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.sources import ParseConfig, ScrapeConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import scraping


@flow(name="scrape_recipes", **HOOKS)
def scrape_recipes(
    scrape: ScrapeConfig = ScrapeConfig(),
    parse: ParseConfig = ParseConfig(),
    site: str = "tenthousand_recipe",
    data_root: Path | None = None,
) -> Path:
    """Ask the site what may be new, then parse the archive into recipes.

    Parameters
    ----------
    scrape
        How the site is asked.
    parse
        What parsing may decide.
    site
        Name of the scrape store below `data/raw`.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the recipe artifact.
    """
    root = data_root or default_root()
    scraping.crawl(scrape, site, root)
    return scraping.parse(site, parse, root)
