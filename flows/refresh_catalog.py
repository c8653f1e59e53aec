"""The parent flow: from the two doors to a published index."""

from functools import partial
from pathlib import Path

from prefect import flow

from flows.build_catalog import build_catalog
from flows.build_pairs import build_pairs
from flows.evaluate_model import evaluate_model
from flows.extract_features import extract_features
from flows.normalize_recipe1m import normalize_recipe1m
from flows.publish_index import publish_index
from flows.scrape_recipes import scrape_recipes
from flows.train_fusion import train_fusion
from mmpipeline.config import PipelineConfig
from tasks.index import ask_example
from tasks.newest import default_root
from tasks.planning import is_published, plan_refresh, say_up_to_date
from tasks.sample import open_doors
from tasks.stage import side_by_side


@flow(name="refresh_catalog")
def refresh_catalog(
    config: PipelineConfig = PipelineConfig(),
    data_root: Path | None = None,
    dump: Path | None = None,
    scrape: bool = True,
    sample: bool = False,
) -> Path:
    """Bring recipes in, and run every stage whose inputs changed.

    Parameters
    ----------
    config
        The whole experiment.
    data_root
        The data folder; None takes the environment's.
    dump
        A folder in Recipe1M's layout; None leaves that door shut.
    scrape
        Whether the site is asked.
    sample
        Take the sample world's site and dump instead of the live site.

    Returns
    -------
    Path
        Folder of the published index version.
    """
    root = data_root or default_root()
    with open_doors(config, root, dump=dump, scrape=scrape, sample=sample) as doors:
        calls = []
        if doors.scrape:
            calls.append(partial(scrape_recipes, doors.scrape, config.parse, doors.site, root))
        if doors.dump:
            calls.append(partial(normalize_recipe1m, doors.dump, config.recipe1m, root))
        recipes = side_by_side(*calls)
    plan = plan_refresh(root, recipes, config)
    if is_published(root, plan):
        return say_up_to_date(root, plan)
    catalog = build_catalog(recipes, config.catalog, root)
    features = extract_features(catalog, config.features, root)
    pairs = build_pairs(catalog, config.pairs, root)
    model = train_fusion(features, pairs, config.train, root)
    evaluate_model(model, features, catalog, config.evaluate, root)
    index = publish_index(model, features, catalog, config.index, root)
    ask_example(root)
    return index
