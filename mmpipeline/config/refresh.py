"""The request to one run of the parent flow."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mmpipeline.config.base import Section

StageFlow = Literal[
    "build_catalog",
    "extract_features",
    "build_pairs",
    "train_fusion",
    "evaluate_model",
    "publish_index",
]
"""The flows after the sources, in order."""


class RefreshRequest(Section):
    """What one run of the parent flow is asked to do; not part of the experiment."""

    scrape: bool = Field(True, description="ask the site what is new")
    dump: Path | None = Field(None, description="folder in Recipe1M's layout to normalise")
    sample: bool = Field(False, description="take the sample world's site and dump")
    newest: bool = Field(
        False, description="of a source that is not asked, take the recipes it brought last"
    )
    retrain: bool = Field(
        False, description="train on what is new; else the published model is kept while it may"
    )
    force: tuple[StageFlow, ...] = Field((), description="run though the artifact exists")
    wait_minutes: float = Field(0, ge=0, description="for another run on the data folder to end")

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.scrape or self.dump or self.sample or self.newest):
            raise ValueError("no source of recipes: set scrape, sample or newest, or name a dump")
        return self
