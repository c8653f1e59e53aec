"""The flow that asks again for known pages of 만개의레시피: what changed, what is gone."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.sources import ParseConfig, ScrapeConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import scraping


@flow(name="recheck_recipes", **HOOKS)
def recheck_recipes(
    older_than_days: float = 30,
    at_most: int = 10_000,
    scrape: ScrapeConfig = ScrapeConfig(),
    parse: ParseConfig = ParseConfig(),
    site: str = "tenthousand_recipe",
    data_root: Path | None = None,
) -> Path:
    """Ask for the pages that were not asked for longest, then parse the archive.

    Parameters
    ----------
    older_than_days
        How long ago a page must have been asked for to be due.
    at_most
        Pages asked for in one run; 10,000 take about five hours at the default pace.
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
    scraping.recheck(scrape, older_than_days, at_most, site, root)
    return scraping.parse(site, parse, root)
