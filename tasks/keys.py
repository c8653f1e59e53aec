"""What each artifact is made from: the ids of a whole refresh, known before any work is done.

The keys are the dependency table of the pipeline. A stage's id covers its inputs' ids, its
config section and the source files named here, so changing one section or one stage's code
renews exactly the stages downstream of it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from mmpipeline.config import (
    CatalogConfig,
    ComparisonConfig,
    EvaluateConfig,
    FeatureConfig,
    FrozenSetConfig,
    IndexConfig,
    PairConfig,
    ParseConfig,
    Recipe1MConfig,
    SampleConfig,
    Section,
    SeedExperimentConfig,
    SeedMethodConfig,
    SyntheticConfig,
    TrainConfig,
)
from mmpipeline.storage import ArtifactKey, digest_sources

SOURCES: Mapping[str, tuple[str, ...]] = {
    "sample_world": ("mmpipeline.sample",),
    "tenthousand_recipe": (
        "mmpipeline.scraping.sites",
        "mmpipeline.scraping.parse",
        "mmpipeline.scraping.page_reading",
        "mmpipeline.scraping.details",
        "mmpipeline.scraping.decoding",
        "mmpipeline.scraping.photos",
        "mmpipeline.text",
        "mmpipeline.schemas",
    ),
    "recipe1m": ("mmpipeline.recipe1m", "mmpipeline.text", "mmpipeline.schemas"),
    "catalog": ("mmpipeline.catalog", "mmpipeline.text", "mmpipeline.schemas"),
    "features": ("mmpipeline.features", "mmpipeline.text"),
    "pairs": ("mmpipeline.pairs",),
    "model": (
        "mmpipeline.training",
        "mmpipeline.evaluation.embedding",
        "mmpipeline.evaluation.retrieval",
        "mmpipeline.models",
        "mmpipeline.losses",
    ),
    "evaluation": ("mmpipeline.evaluation",),
    "frozen_set": ("mmpipeline.evaluation.frozen_set",),
    "frozen_scores": ("mmpipeline.evaluation", "mmpipeline.features", "mmpipeline.text"),
    "comparison": ("mmpipeline.evaluation.leaderboard",),
    "seed_method": (
        "mmpipeline.training.batch_source",
        "mmpipeline.training.class_episodes",
        "mmpipeline.training.fit",
        "mmpipeline.training.gradients",
        "mmpipeline.training.optimizer",
        "mmpipeline.training.schedule",
        "mmpipeline.training.seed_method_files",
        "mmpipeline.training.seed_methods",
        "mmpipeline.training.seed_objectives",
        "mmpipeline.training.virtual_classes",
        "mmpipeline.evaluation.synthetic_bench",
        "mmpipeline.synthetic",
        "mmpipeline.models",
        "mmpipeline.losses",
    ),
    "seed_draw": (
        "mmpipeline.training.seed_experiment",
        "mmpipeline.training.seed_methods",
        "mmpipeline.evaluation.moment_method",
        "mmpipeline.evaluation.open_set",
        "mmpipeline.evaluation.prototype_rules",
        "mmpipeline.evaluation.prototypes",
        "mmpipeline.evaluation.query_maps",
        "mmpipeline.evaluation.raw_gaussian",
        "mmpipeline.evaluation.synthetic_bench",
        "mmpipeline.evaluation.synthetic_table",
        "mmpipeline.synthetic",
        "mmpipeline.models",
    ),
    "seed_report": (
        "mmpipeline.evaluation.seed_report",
        "mmpipeline.evaluation.seed_demands",
        "mmpipeline.evaluation.seed_figures",
        "mmpipeline.evaluation.talk_table",
    ),
    "index": ("mmpipeline.search", "mmpipeline.evaluation.embedding"),
}
"""The modules whose source decides a stage's result, by kind of artifact."""


def _key(kind: str, inputs: Mapping[str, str], config: Section) -> ArtifactKey:
    return ArtifactKey(
        kind=kind,
        inputs=dict(inputs),
        config=config.model_dump(mode="json"),
        source_digest=digest_sources(*SOURCES[kind]),
    )


def sample_world_key(config: SampleConfig) -> ArtifactKey:
    """Return the key of the sample world's Recipe1M dump."""
    return _key("sample_world", {}, config)


def scraped_recipes_key(snapshot: str, config: ParseConfig) -> ArtifactKey:
    """Return the key of the recipes parsed from one state of the scrape store."""
    return _key("tenthousand_recipe", {"snapshot": snapshot}, config)


def recipe1m_key(dump: str, config: Recipe1MConfig) -> ArtifactKey:
    """Return the key of the recipes normalised from a dump with this digest."""
    return _key("recipe1m", {"dump": dump}, config)


def catalog_key(
    sources: Mapping[str, str], config: CatalogConfig, previous: str | None = None
) -> ArtifactKey:
    """Return the key of the catalogue over recipe artifacts, by source name.

    `previous` is the catalogue whose recipes keep their sides.
    """
    return _key("catalog", {**sources, **({"previous": previous} if previous else {})}, config)


def features_key(catalog: str, config: FeatureConfig) -> ArtifactKey:
    """Return the key of a catalogue's features."""
    return _key("features", {"catalog": catalog}, config)


def pairs_key(catalog: str, config: PairConfig, embedding: str | None = None) -> ArtifactKey:
    """Return the key of a catalogue's pair table, with look-alikes from an index or without."""
    inputs = {"catalog": catalog} | ({"embedding": embedding} if embedding else {})
    return _key("pairs", inputs, config)


def model_key(features: str, pairs: str, config: TrainConfig) -> ArtifactKey:
    """Return the key of the model trained from features and pairs."""
    return _key("model", {"features": features, "pairs": pairs}, config)


def evaluation_key(model: str, features: str, catalog: str, config: EvaluateConfig) -> ArtifactKey:
    """Return the key of a model's evaluation."""
    inputs = {"model": model, "features": features, "catalog": catalog}
    return _key("evaluation", inputs, config)


def frozen_set_key(catalog: str, config: FrozenSetConfig) -> ArtifactKey:
    """Return the key of the frozen set that would be drawn from a catalogue.

    The catalogue is where it was drawn from, and not needed once it is drawn.
    """
    return _key("frozen_set", {"drawn_from": catalog}, config)


def frozen_scores_key(model: str, frozen: str, config: EvaluateConfig) -> ArtifactKey:
    """Return the key of a model's figures on a frozen set."""
    return _key("frozen_scores", {"model": model, "frozen_set": frozen}, config)


def comparison_key(scores: Sequence[str], config: ComparisonConfig) -> ArtifactKey:
    """Return the key of the leaderboard over the evaluations of a grid's cells."""
    return _key("comparison", {f"scores_{n}": name for n, name in enumerate(scores)}, config)


def index_key(
    model: str, features: str, catalog: str, config: IndexConfig, previous: str | None = None
) -> ArtifactKey:
    """Return the key of the index of a catalogue under a model.

    `previous` is the version whose unchanged vectors it shares.
    """
    inputs = {"model": model, "features": features, "catalog": catalog}
    return _key("index", inputs | ({"previous": previous} if previous else {}), config)


def seed_method_key(data: SyntheticConfig, config: SeedMethodConfig) -> ArtifactKey:
    """Return the key of a method, trained on one draw of the synthetic data."""
    return _key("seed_method", {"data": digest_config(data)}, config)


def seed_draw_key(
    data: SyntheticConfig, methods: Sequence[str], config: SeedExperimentConfig
) -> ArtifactKey:
    """Return the key of what trained methods were measured at on one draw of the data."""
    inputs = {f"method_{number}": name for number, name in enumerate(methods)}
    return _key("seed_draw", {"data": digest_config(data), **inputs}, config)


def seed_report_key(draws: Sequence[str], config: SeedExperimentConfig) -> ArtifactKey:
    """Return the key of the report over draws of the data."""
    return _key("seed_report", {f"draw_{n}": draw for n, draw in enumerate(draws)}, config)


def digest_config(config: Section) -> str:
    """Return 16 hex digits that stand for a config section where an input's id is asked for."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]
