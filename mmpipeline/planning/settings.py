"""The settings of a source: its own section of the config, or its tables below ``[sources]``.

The config knows the sections of the sources that came with it. Those of any other source are plain
tables there, which the source's own sections check here: when a command starts (`check_tables`),
not when the file is read.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from mmpipeline.config.base import Section, describe_problems
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.sources import SourceTables
from mmpipeline.errors import ConfigError
from mmpipeline.sources import FetchedSource, Source, find_sources

Settings = TypeVar("Settings", bound=Section)


def settings_of(source: Source[Settings], config: PipelineConfig) -> Settings:
    """Return what a source's `normalise` takes.

    Raises
    ------
    ConfigError
        If a key of its table is unknown, or a value out of bounds.
    """
    if source.section is not None:
        return source.settings.model_validate(getattr(config, source.section))
    return _read(source.settings, source.kind, "normalise", _tables(source, config).normalise)


def fetch_settings_of(source: FetchedSource[Any, Settings], config: PipelineConfig) -> Settings:
    """Return what a source's `fetch` takes.

    Raises
    ------
    ConfigError
        As `settings_of`.
    """
    if source.fetch_section is not None:
        return source.fetch_settings.model_validate(getattr(config, source.fetch_section))
    return _read(source.fetch_settings, source.kind, "fetch", _tables(source, config).fetch)


def check_tables(config: PipelineConfig) -> None:
    """Refuse tables below ``[sources]`` that no source takes.

    Raises
    ------
    ConfigError
        If a table is of no source, or as `settings_of`.
    """
    known = {kind: one for kind, one in find_sources().items() if one.section is None}
    for kind, tables in config.sources.items():
        source = known.get(kind)
        if source is None:
            names = ", ".join(known) or "there is none"
            raise ConfigError(f"[sources.{kind}] is of no source that takes one (known: {names})")
        settings_of(source, config)
        if isinstance(source, FetchedSource):
            fetch_settings_of(source, config)
        elif tables.fetch:
            raise ConfigError(f"[sources.{kind}.fetch]: nothing is fetched from it; leave it out")


def _tables(source: Source[Any], config: PipelineConfig) -> SourceTables:
    return config.sources.get(source.kind, SourceTables())


def _read(section: type[Settings], kind: str, table: str, values: Mapping[str, Any]) -> Settings:
    try:
        return section.model_validate(values)
    except ValidationError as error:
        problems = describe_problems(error, section)
        raise ConfigError(f"[sources.{kind}.{table}]: {problems}") from error
