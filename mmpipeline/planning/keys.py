"""Keys of artifacts: the ids of a whole refresh, known before any work is done.

The keys are the dependency table of the pipeline. A stage's id covers its inputs' ids, its
config section and the code that is reached from the entries named here, so changing one section or
a function that a stage calls renews exactly that stage and those downstream of it.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mmpipeline.config.base import Section
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.evaluate import ComparisonConfig, EvaluateConfig, FrozenSetConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.pairs import PairConfig
from mmpipeline.config.publish import IndexConfig
from mmpipeline.config.sample import SampleConfig
from mmpipeline.config.talk import SyntheticConfig, TalkExperimentConfig, TalkMethodConfig
from mmpipeline.config.train import TrainConfig
from mmpipeline.provenance.code import covered_code, digest_code, prepare
from mmpipeline.sources import find_source, find_sources
from mmpipeline.storage.provenance import ArtifactKey

_LAYOUT = "mmpipeline.storage.layout:DataLayout"  # where it is an argument: paths in tables
ENTRIES: dict[str, tuple[str, ...]] = {
    "sample_world": (
        "mmpipeline.sample.dump:write_recipe1m_dump",
        "mmpipeline.sample.bayes:oracle_bound",
        "mmpipeline.config.sample:SampleConfig",
    ),
    **{kind: source.entries for kind, source in find_sources().items()},
    "catalog": (
        "mmpipeline.catalog.build:build_catalog",
        "mmpipeline.config.catalog:CatalogConfig",
    ),
    "features": (
        "mmpipeline.features.extract:extract_features",
        _LAYOUT,
        "mmpipeline.config.features:FeatureConfig",
    ),
    "pairs": (
        "mmpipeline.pairs.build:build_pairs",
        "mmpipeline.pairs.page:write_page",
        "mmpipeline.pairs.report:read_report",
        "mmpipeline.config.pairs:PairConfig",
    ),
    "model": (
        "mmpipeline.training.choice:choose_training",
        "mmpipeline.training.engine.checkpoints:Checkpoints",
        "mmpipeline.config.train:TrainConfig",
    ),
    "evaluation": (
        "mmpipeline.evaluation.suite.evaluate:evaluate_model",
        "mmpipeline.config.evaluate:EvaluateConfig",
    ),
    "frozen_set": (
        "mmpipeline.evaluation.suite.frozen_set:write_frozen_set",
        "mmpipeline.evaluation.suite.frozen_set:digest_frozen_set",
        _LAYOUT,
        "mmpipeline.config.evaluate:FrozenSetConfig",
    ),
    "frozen_scores": (
        "mmpipeline.evaluation.suite.frozen_scores:score_frozen_set",
        "mmpipeline.evaluation.suite.frozen_set:count_trained_on",
        "mmpipeline.config.evaluate:EvaluateConfig",
        "mmpipeline.config.features:FeatureConfig",
    ),
    "comparison": (
        "mmpipeline.training.grid:GridCell",
        "mmpipeline.training.grid_results:read_result",
        "mmpipeline.training.pairs.validation:measure_baselines",
        "mmpipeline.evaluation.reports.leaderboard:tabulate_results",
        "mmpipeline.evaluation.reports.leaderboard:write_leaderboard",
        "mmpipeline.config.evaluate:ComparisonConfig",
    ),
    "index": (
        "mmpipeline.search.publish.version:build_index",
        "mmpipeline.config.publish:IndexConfig",
    ),
    "seed_method": (
        "mmpipeline.talk.measure.suite:SyntheticSuite",
        "mmpipeline.talk.data.generator:generate",
        "mmpipeline.talk.methods.train:train_talk_method",
        "mmpipeline.talk.methods.files:save_method",
        "mmpipeline.talk.report.tables:LABELS",
        "mmpipeline.training.engine.checkpoints:Checkpoints",
        "mmpipeline.config.talk:SyntheticConfig",
        "mmpipeline.config.talk:TalkMethodConfig",
    ),
    "seed_draw": (
        "mmpipeline.talk.experiment:evaluate_draw",
        "mmpipeline.config.talk:SyntheticConfig",
        "mmpipeline.config.talk:TalkExperimentConfig",
    ),
    "seed_report": (
        "mmpipeline.talk.report.tables:gather_tables",
        "mmpipeline.talk.report.page:write_talk_report",
        "mmpipeline.config.talk:TalkExperimentConfig",
    ),
}
"""What each kind of artifact is made by: what its task calls, and the section it is given.

What these reach counts (`mmpipeline.provenance`); ``python -m mmpipeline.planning.keys KIND`` lists
it. Of the encoders, those count that a config names (`entries_of`), and with features alone:
whoever is given features is given their id.
"""
_EXPERIMENT = frozenset({"seed_method", "seed_draw", "seed_report"})


def entries_of(kind: str, config: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the entries of an artifact.

    Parameters
    ----------
    kind
        Its kind.
    config
        Its config section as plain values; None takes the default.

    Returns
    -------
    tuple of str
        Those of the kind; of features also what builds the encoders that the config names.
    """
    if kind != "features":
        return ENTRIES[kind]
    from mmpipeline.features.encoders.registry import builders_of

    return (*ENTRIES[kind], *builders_of(FeatureConfig.model_validate(config or {})))


def _key(kind: str, inputs: Mapping[str, str], config: Section) -> ArtifactKey:
    values = config.model_dump(mode="json")
    return ArtifactKey(
        kind=kind, inputs=dict(inputs), config=values, source_digest=_digest_of(kind, values)
    )


def _digest_of(kind: str, config: Mapping[str, Any]) -> str:
    """Return the digest of an artifact's code; what one refresh asks for is read together."""
    is_experiment = kind in _EXPERIMENT
    prepare(entries_of(other) for other in ENTRIES if (other in _EXPERIMENT) == is_experiment)
    return digest_code(*entries_of(kind, config))


def sample_world_key(config: SampleConfig) -> ArtifactKey:
    """Return the key of the sample world's Recipe1M dump."""
    return _key("sample_world", {}, config)


def recipes_key(kind: str, state: str, config: Section) -> ArtifactKey:
    """Return the key of a source's recipes from one state of its input."""
    return _key(kind, {find_source(kind).state: state}, config)


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


def talk_method_key(data: SyntheticConfig, config: TalkMethodConfig) -> ArtifactKey:
    """Return the key of a method, trained on one draw of the synthetic data."""
    return _key("seed_method", {"data": digest_config(data)}, config)


def talk_draw_key(
    data: SyntheticConfig, methods: Sequence[str], config: TalkExperimentConfig
) -> ArtifactKey:
    """Return the key of what trained methods were measured at on one draw of the data."""
    inputs = {f"method_{number}": name for number, name in enumerate(methods)}
    return _key("seed_draw", {"data": digest_config(data), **inputs}, config)


def talk_report_key(draws: Sequence[str], config: TalkExperimentConfig) -> ArtifactKey:
    """Return the key of the report over draws of the data."""
    return _key("seed_report", {f"draw_{n}": draw for n, draw in enumerate(draws)}, config)


def digest_config(config: Section) -> str:
    """Return 16 hex digits that stand for a config section where an input's id is asked for."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def main(arguments: Sequence[str]) -> int:
    """List the code that keys cover: of one kind a line a definition, of all a line a kind.

    Parameters
    ----------
    arguments
        Kinds of artifacts; none means all.

    Returns
    -------
    int
        Exit status.
    """
    unknown = sorted(set(arguments) - set(ENTRIES))
    if unknown:
        sys.stderr.write(f"no kind {', '.join(unknown)}; expected of {', '.join(ENTRIES)}\n")
        return 2
    for kind in arguments or ENTRIES:
        covered = covered_code(*entries_of(kind))
        parts = f"{len(covered.definitions)} definitions, {len(covered.data)} data files"
        sys.stdout.write(f"{kind:18} {covered.digest}  {parts}\n")
        for name in sorted({*covered.definitions, *covered.data}) if arguments else ():
            sys.stdout.write(f"    {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
