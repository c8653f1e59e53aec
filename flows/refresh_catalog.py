"""The parent flow: from the sources to a published index.

As a script it is `python -m flows`: ``python flows/refresh_catalog.py --plan``.
"""

import os
import sys
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
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.refresh import RefreshRequest
from mmpipeline.planning.catalog import add_newest
from mmpipeline.planning.newest import default_root
from mmpipeline.planning.refresh import is_published, plan_refresh, request_renewals
from tasks.runtime.hooks import HOOKS
from tasks.runtime.shared_storage import finish_up_to_date
from tasks.runtime.stage import side_by_side
from tasks.runtime.stale_runs import locked_flow_run
from tasks.stages.index import ask_example
from tasks.stages.sample import ask_sources


@flow(name="refresh_catalog", **HOOKS)
def refresh_catalog(
    config: PipelineConfig = PipelineConfig(),
    request: RefreshRequest = RefreshRequest(),
    data_root: Path | None = None,
) -> Path:
    """Bring recipes in, and run every stage whose inputs changed.

    Parameters
    ----------
    config
        The whole experiment.
    request
        Which sources to ask, and whether to train or run stages anew.
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the published index version.
    """
    root = data_root or default_root()
    with locked_flow_run(root, request.wait_minutes):
        with ask_sources(config, request, root) as sources:
            calls = []
            if sources.scrape:
                calls.append(
                    partial(scrape_recipes, sources.scrape, config.parse, sources.site, root)
                )
            if sources.dump:
                calls.append(partial(normalize_recipe1m, sources.dump, config.recipe1m, root))
            recipes = side_by_side(*calls)
        recipes = add_newest(recipes, root) if request.newest else recipes
        plan = plan_refresh(root, recipes, config, request)
        if is_published(root, plan):
            return finish_up_to_date(root, plan)
        request_renewals(root, plan, request)
        catalog = build_catalog(recipes, config.catalog, root)
        features = extract_features(catalog, config.features, root)
        trains = plan.kept_model is None
        pairs = build_pairs(catalog, config.pairs, root, required=trains)
        model = plan.kept_model or train_fusion(features, pairs, config.train, root)
        if not plan.is_evaluated:
            data = plan.kept_data or (features, catalog)
            evaluate_model(model, *data, config.evaluate, root, config.frozen)
        index = publish_index(model, features, catalog, config.index, config.promotion, root)
        ask_example(root)
    return index


if __name__ == "__main__":  # begun anew: Prefect reads its settings when it is imported
    os.execv(sys.executable, [sys.executable, "-m", "flows", "refresh_catalog", *sys.argv[1:]])
