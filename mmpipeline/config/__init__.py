"""Every setting of an experiment, in frozen sections with bounds; and the environment's few.

One TOML file holds the sections; a key that is not known is an error that names it. A section is
what a stage's artifact id is made from, so a setting that does not change a stage's result (a
pace, a number of threads) lives in a section that no id covers, or in `EnvironmentSettings`. A file
holds the sections of a stage; all of them can be had from here.
"""

from mmpipeline.config.base import Section, describe_problems
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.environment import (
    HOST_PATTERN,
    MAX_PORT,
    DeviceName,
    EnvironmentSettings,
    load_settings,
)
from mmpipeline.config.evaluate import ComparisonConfig, EvaluateConfig, FrozenSetConfig
from mmpipeline.config.features import FeatureConfig, ImageEncoderName, TextEncoderName
from mmpipeline.config.pairs import PairConfig
from mmpipeline.config.pipeline import PipelineConfig, load_config
from mmpipeline.config.publish import IndexConfig, PromotionConfig, RetentionConfig
from mmpipeline.config.refresh import RefreshRequest, StageFlow
from mmpipeline.config.sample import DifficultyConfig, SampleConfig
from mmpipeline.config.serve import ServeConfig
from mmpipeline.config.sources import ParseConfig, Recipe1MConfig, ScrapeConfig
from mmpipeline.config.talk import (
    SCALAR_DATA,
    MomentConfig,
    Range,
    SyntheticConfig,
    SyntheticEvaluationConfig,
    TalkExperimentConfig,
    TalkMethodConfig,
    VirtualClassConfig,
)
from mmpipeline.config.train import FitConfig, FusionName, LossName, OptimizerConfig, TrainConfig

__all__ = [
    "HOST_PATTERN",
    "MAX_PORT",
    "SCALAR_DATA",
    "CatalogConfig",
    "ComparisonConfig",
    "DeviceName",
    "DifficultyConfig",
    "EnvironmentSettings",
    "EvaluateConfig",
    "FeatureConfig",
    "FitConfig",
    "FrozenSetConfig",
    "FusionName",
    "ImageEncoderName",
    "IndexConfig",
    "LossName",
    "MomentConfig",
    "OptimizerConfig",
    "PairConfig",
    "ParseConfig",
    "PipelineConfig",
    "PromotionConfig",
    "Range",
    "Recipe1MConfig",
    "RefreshRequest",
    "RetentionConfig",
    "SampleConfig",
    "ScrapeConfig",
    "Section",
    "ServeConfig",
    "StageFlow",
    "SyntheticConfig",
    "SyntheticEvaluationConfig",
    "TalkExperimentConfig",
    "TalkMethodConfig",
    "TextEncoderName",
    "TrainConfig",
    "VirtualClassConfig",
    "describe_problems",
    "load_config",
    "load_settings",
]
