"""A source's settings: a section of the config, or its own table, and nothing unknown passes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmpipeline.config import PipelineConfig, Section
from mmpipeline.errors import ConfigError
from mmpipeline.planning import settings
from mmpipeline.planning.settings import check_tables, fetch_settings_of, settings_of
from mmpipeline.sources import FetchedSource, Reading, Source, find_source
from mmpipeline.storage import DataLayout


class Reads(Section):
    rows: int = 3


class Asks(Section):
    pace_s: float = 1.0


class Feed(FetchedSource[Reads, Asks]):
    kind, title, prefix = "feed", "A feed", "f"
    settings, fetch_settings = Reads, Asks
    entries = ()

    def discover(self, place: Path, layout: DataLayout) -> str:
        return f"{place} {layout}"

    def fetch(self, place: Path, config: Asks, contact: str | None) -> Any:  # noqa: ANN401
        return SimpleNamespace(place=place, config=config, contact=contact)

    def normalise(self, reading: Reading, config: Reads) -> dict[str, float]:
        return {str(reading.place): config.rows}


class Shelf(Source[Reads]):
    kind, title, prefix, settings, entries = "shelf", "A shelf", "s", Reads, ()

    def discover(self, place: Path, layout: DataLayout) -> str:
        return f"{place} {layout}"

    def normalise(self, reading: Reading, config: Reads) -> dict[str, float]:
        return {str(reading.place): config.rows}


@pytest.fixture(autouse=True)
def _two_more(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"feed": Feed(), "shelf": Shelf(), "recipe1m": find_source("recipe1m")}
    monkeypatch.setattr(settings, "find_sources", lambda: known)


def config_with(**sources: object) -> PipelineConfig:
    return PipelineConfig.model_validate({"sources": sources})


def test_a_source_with_a_section_takes_it() -> None:
    config = PipelineConfig.model_validate({"recipe1m": {"sparse_filter": True}})
    assert settings_of(find_source("recipe1m"), config) is config.recipe1m
    scraped = find_source("tenthousand_recipe")
    assert isinstance(scraped, FetchedSource)
    assert settings_of(scraped, config) is config.parse
    assert fetch_settings_of(scraped, config) is config.scrape


def test_another_source_takes_its_own_tables() -> None:
    config = config_with(feed={"fetch": {"pace_s": 9}, "normalise": {"rows": 5}})
    check_tables(config)
    assert settings_of(Feed(), config) == Reads(rows=5)
    assert fetch_settings_of(Feed(), config) == Asks(pace_s=9)
    assert settings_of(Feed(), PipelineConfig()) == Reads()
    assert fetch_settings_of(Feed(), PipelineConfig()) == Asks()


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"feeed": {}}, r"\[sources.feeed\] is of no source that takes one \(known: feed, shelf\)"),
        ({"recipe1m": {}}, r"\[sources.recipe1m\] is of no source that takes one"),
        ({"feed": {"normalise": {"row": 1}}}, r"\[sources.feed.normalise\]: unknown key 'row'"),
        ({"feed": {"fetch": {"pace_s": "x"}}}, r"\[sources.feed.fetch\]: 'pace_s' = 'x'"),
        ({"shelf": {"fetch": {"pace_s": 1}}}, r"\[sources.shelf.fetch\]: nothing is fetched"),
    ],
)
def test_a_table_that_nobody_takes_is_refused(sources: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_tables(config_with(**sources))
