"""Which artifact depends on what: the table that decides what runs again."""

import pytest

from mmpipeline.config import (
    PipelineConfig,
    SyntheticConfig,
    TalkExperimentConfig,
    TalkMethodConfig,
)
from mmpipeline.planning import keys
from mmpipeline.sources import find_sources
from mmpipeline.storage import ArtifactKey
from mmpipeline.storage.layout import ARTIFACT_FOLDERS


def chain(config: PipelineConfig, snapshot: str = "s", dump: str = "d") -> dict[str, str]:
    scraped = keys.recipes_key("tenthousand_recipe", snapshot, config.parse)
    dumped = keys.recipes_key("recipe1m", dump, config.recipe1m)
    sources = {"tenthousand_recipe": scraped.id, "recipe1m": dumped.id}
    catalog = keys.catalog_key(sources, config.catalog)
    features = keys.features_key(catalog.id, config.features)
    pairs = keys.pairs_key(catalog.id, config.pairs)
    model = keys.model_key(features.id, pairs.id, config.train)
    evaluation = keys.evaluation_key(model.id, features.id, catalog.id, config.evaluate)
    frozen = keys.frozen_set_key("the first catalogue", config.frozen)
    scores = keys.frozen_scores_key(model.id, frozen.id, config.evaluate)
    comparison = keys.comparison_key([evaluation.id, scores.id], config.comparison)
    index = keys.index_key(model.id, features.id, catalog.id, config.index)
    found = (
        *(keys.sample_world_key(config.sample), scraped, dumped, catalog, features, pairs, model),
        *(evaluation, frozen, scores, comparison, index, *experiment(config.experiment)),
    )
    return {key.kind: key.id for key in found}


def experiment(config: TalkExperimentConfig) -> list[ArtifactKey]:
    """Return the keys of the seed experiment with one method on one draw."""
    method = keys.talk_method_key(config.data, TalkMethodConfig())
    draw = keys.talk_draw_key(config.data, [method.id], config)
    return [method, draw, keys.talk_report_key([draw.id], config)]


DOWN_FROM_MODEL = {"model", "evaluation", "frozen_scores", "comparison", "index"}
DOWN_FROM_CATALOG = {"catalog", "features", "pairs"} | DOWN_FROM_MODEL
EXPERIMENT = {"seed_method", "seed_draw", "seed_report"}
CHANGES: dict[str, tuple[dict[str, object], set[str]]] = {
    "sample": ({"recipes": 9}, {"sample_world"}),
    "scrape": ({"pace_s": 9.0}, set()),
    "parse": ({"required_field_bound": 0.1}, {"tenthousand_recipe"} | DOWN_FROM_CATALOG),
    "recipe1m": ({"check_images": False}, {"recipe1m"} | DOWN_FROM_CATALOG),
    "sources": ({"some": {}}, set()),
    "catalog": ({"seed": 9}, DOWN_FROM_CATALOG),
    "features": ({"text_dim": 99}, {"features"} | DOWN_FROM_MODEL),
    "pairs": ({"positives": 9}, {"pairs"} | DOWN_FROM_MODEL),
    "train": ({"epochs": 9}, DOWN_FROM_MODEL),
    "evaluate": ({"seed": 9}, {"evaluation", "frozen_scores", "comparison"}),
    "frozen": ({"version": 9}, {"frozen_set", "frozen_scores", "comparison"}),
    "comparison": ({"seeds": (1, 2)}, {"comparison"}),
    "index": ({"min_recall_at_10": 0.5}, {"index"}),
    "promotion": ({"tolerance": 0.5}, set()),
    "retention": ({"keep_days": 9}, set()),
    "synthetic": ({"seed": 9}, set()),
    "serve": ({"max_k": 9}, set()),
    "experiment": ({"data": SyntheticConfig(seed=9)}, EXPERIMENT),
}
"""A setting of each section, and the kinds of artifacts that depend on it."""


@pytest.mark.parametrize("section", PipelineConfig.model_fields)
def test_a_changed_section_renews_exactly_what_depends_on_it(section: str) -> None:
    setting, renewed = CHANGES[section]
    before = PipelineConfig()
    value = getattr(before, section)
    is_table = isinstance(value, dict)
    changed = value | setting if is_table else value.model_copy(update=setting)
    assert changed != value
    after = chain(before.model_copy(update={section: changed}))
    assert {kind for kind, id in chain(before).items() if after[kind] != id} == renewed


def test_the_table_knows_every_kind_of_artifact() -> None:
    kinds = {*ARTIFACT_FOLDERS, *find_sources()}
    assert set(chain(PipelineConfig())) == kinds == set(keys.ENTRIES)


def test_new_pages_and_a_new_dump_renew_everything_after_their_door() -> None:
    config = PipelineConfig()
    before = chain(config)
    pages, dump = chain(config, snapshot="other"), chain(config, dump="other")
    assert {k for k in before if pages[k] != before[k]} == {
        "tenthousand_recipe"
    } | DOWN_FROM_CATALOG
    assert {k for k in before if dump[k] != before[k]} == {"recipe1m"} | DOWN_FROM_CATALOG
