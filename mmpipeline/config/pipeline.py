"""The whole config: a section a stage, read from one TOML file."""

import logging
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mmpipeline.config.base import Section, describe_problems
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.evaluate import ComparisonConfig, EvaluateConfig, FrozenSetConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.former import advise
from mmpipeline.config.pairs import PairConfig
from mmpipeline.config.publish import IndexConfig, PromotionConfig, RetentionConfig
from mmpipeline.config.sample import SampleConfig
from mmpipeline.config.serve import ServeConfig
from mmpipeline.config.sources import ParseConfig, Recipe1MConfig, ScrapeConfig, SourceTables
from mmpipeline.config.talk import SyntheticConfig, TalkExperimentConfig
from mmpipeline.config.train import TrainConfig
from mmpipeline.errors import ConfigError

log = logging.getLogger("mmpipeline.run")


class PipelineConfig(Section):
    """The whole experiment: one section a stage."""

    sample: SampleConfig = SampleConfig()
    scrape: ScrapeConfig = ScrapeConfig()
    parse: ParseConfig = ParseConfig()
    recipe1m: Recipe1MConfig = Recipe1MConfig()
    sources: dict[str, SourceTables] = Field({}, description="of further sources, by kind")
    catalog: CatalogConfig = CatalogConfig()
    features: FeatureConfig = FeatureConfig()
    pairs: PairConfig = PairConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    frozen: FrozenSetConfig = FrozenSetConfig()
    comparison: ComparisonConfig = ComparisonConfig()
    index: IndexConfig = IndexConfig()
    promotion: PromotionConfig = PromotionConfig()
    retention: RetentionConfig = RetentionConfig()
    synthetic: SyntheticConfig = SyntheticConfig()
    serve: ServeConfig = ServeConfig()
    experiment: TalkExperimentConfig = TalkExperimentConfig()


def load_config(path: Path | None = None) -> PipelineConfig:
    """Read a config file.

    Parameters
    ----------
    path
        TOML file with one table a section; None gives the defaults.

    Returns
    -------
    PipelineConfig
        The validated config; former names of settings are read, and a warning says so.

    Raises
    ------
    ConfigError
        If the file is missing, is no TOML, or holds an unknown key or a value out of bounds.
    """
    if path is None:
        return PipelineConfig()
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError(f"config file {path}: {reason}; give the path of a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is no TOML: {error}") from error
    for line in advise(values, PipelineConfig().model_dump()):
        log.warning("config file %s: %s", path, line)
    try:
        return PipelineConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            f"config file {path}: {describe_problems(error, PipelineConfig)}"
        ) from error
