"""Which artifact depends on what: the table that decides what runs again."""

import pytest

from mmpipeline.config import PipelineConfig
from tasks import keys


def chain(config: PipelineConfig, snapshot: str = "s", dump: str = "d") -> dict[str, str]:
    scraped = keys.scraped_recipes_key(snapshot, config.parse)
    dumped = keys.recipe1m_key(dump, config.recipe1m)
    sources = {"tenthousand_recipe": scraped.id, "recipe1m": dumped.id}
    catalog = keys.catalog_key(sources, config.catalog)
    features = keys.features_key(catalog.id, config.features)
    pairs = keys.pairs_key(catalog.id, config.pairs)
    model = keys.model_key(features.id, pairs.id, config.train)
    evaluation = keys.evaluation_key(model.id, features.id, catalog.id, config.evaluate)
    index = keys.index_key(model.id, features.id, catalog.id, config.index)
    found = (scraped, dumped, catalog, features, pairs, model, evaluation, index)
    return {key.kind: key.id for key in found}


DOWN_FROM_CATALOG = {"catalog", "features", "pairs", "model", "evaluation", "index"}


@pytest.mark.parametrize(
    ("section", "setting", "renewed"),
    [
        ("scrape", {"pace_s": 9.0}, set()),
        ("sample", {"recipes": 9}, set()),
        ("parse", {"required_field_bound": 0.1}, {"tenthousand_recipe"} | DOWN_FROM_CATALOG),
        ("recipe1m", {"check_images": False}, {"recipe1m"} | DOWN_FROM_CATALOG),
        ("catalog", {"seed": 9}, DOWN_FROM_CATALOG),
        ("features", {"text_dim": 99}, {"features", "model", "evaluation", "index"}),
        ("pairs", {"positives": 9}, {"pairs", "model", "evaluation", "index"}),
        ("train", {"epochs": 9}, {"model", "evaluation", "index"}),
        ("evaluate", {"seed": 9}, {"evaluation"}),
        ("index", {"min_recall_at_10": 0.5}, {"index"}),
    ],
)
def test_a_changed_section_renews_exactly_what_depends_on_it(
    section: str, setting: dict[str, object], renewed: set[str]
) -> None:
    before = PipelineConfig()
    changed = getattr(before, section).model_copy(update=setting)
    after = chain(before.model_copy(update={section: changed}))
    assert {kind for kind, id in chain(before).items() if after[kind] != id} == renewed


def test_new_pages_and_a_new_dump_renew_everything_after_their_door() -> None:
    config = PipelineConfig()
    before = chain(config)
    pages, dump = chain(config, snapshot="other"), chain(config, dump="other")
    assert {k for k in before if pages[k] != before[k]} == {
        "tenthousand_recipe"
    } | DOWN_FROM_CATALOG
    assert {k for k in before if dump[k] != before[k]} == {"recipe1m"} | DOWN_FROM_CATALOG
