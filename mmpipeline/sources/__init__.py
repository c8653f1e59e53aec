"""The contract of a source of recipes, and the list of the sources that keep it.

A source is a package below this one whose module `source` binds `SOURCE`. Nothing else names it:
keys, plan, catalogue and retention read its declaration, so adding one touches no other file.
Declarations are read by every plan. They hold plain values, and their methods import what does the
work, so a plan loads no parser. The price: entries and sections are named by text, which a test
holds to be there (`tests/sources/test_contract.py`).
"""

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from mmpipeline.errors import ConfigError, InputError

if TYPE_CHECKING:
    from mmpipeline.config import Section
    from mmpipeline.parallel import Workers
    from mmpipeline.storage.layout import DataLayout

Settings = TypeVar("Settings", bound="Section")
FetchSettings = TypeVar("FetchSettings", bound="Section")

_KIND = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = frozenset({"previous", "feature_cache"})
"""Another role among a catalogue's inputs, another folder beside the sources'."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one call of `Source.normalise` works on.

    Attributes
    ----------
    place
        The input: a file or folder that a person named, or that `FetchedSource.fetch` filled.
    target
        Empty folder that gets the tables.
    layout
        The data folder; tables hold paths of photos as `layout.relative` gives them.
    workers
        Processes for the work, which see `place` and `target`; None: this process's own.
    earlier
        Finds the newest artifact that the same code made from the same place, and hashes it; None
        where there is none. What did not change may be taken from it: the result is the same.
    """

    place: Path
    target: Path
    layout: "DataLayout"
    workers: "Workers | None" = None
    earlier: Callable[[], Path | None] = lambda: None


@runtime_checkable
class Source(Protocol[Settings]):
    """What a source of recipes must provide; attributes with a value may be left out.

    Attributes
    ----------
    kind
        Of its artifacts, in small letters, digits and ``_``: they lie in ``interim/KIND``.
    title
        Its name for people.
    prefix
        Begins its recipe ids (``PREFIX:id``) and fills the tables' column `source`.
    settings
        Section that `normalise` takes; its values are part of an artifact's id.
    entries
        Definitions as ``module:name`` whose code decides the tables; with what they reach, they are
        the code in an artifact's id.
    section
        Table of these settings in a config file; None: ``[sources.KIND.normalise]``.
    state
        Role of what `discover` returns among an artifact's inputs.
    flow
        The flow that brings its recipes in.
    asked_by
        Fields of `RefreshRequest` that ask it; none: a refresh takes what its flow brought last.
    shown
        Counts of `normalise` that a run prints.
    """

    kind: str
    title: str
    prefix: str
    settings: type[Settings]
    entries: tuple[str, ...]
    section: str | None = None
    state: str = "state"
    flow: str = "bring_recipes"
    asked_by: tuple[str, ...] = ()
    shown: tuple[str, ...] = ("recipes", "quarantined")

    def discover(self, place: Path, layout: "DataLayout") -> str:
        """Return an id of the input's present state: equal ids, equal tables.

        Raises
        ------
        PipelineError
            If there is no such input at `place`.
        """
        ...

    def normalise(self, reading: Reading, config: Settings) -> dict[str, float]:
        """Write `recipes.parquet` and `quarantine.parquet` in the schemas of `mmpipeline.schemas`.

        One row a recipe, sorted or not; a row of quarantine for whatever was withheld or became
        missing, with reason and place. More files may lie beside them.

        Returns
        -------
        dict of str to float
            Counts. ``recipes`` is the rows of that table; what ``quarantined`` counts (records
            withheld, rows of quarantine) is the source's own.

        Raises
        ------
        PipelineError
            If the input is missing, damaged, or holds too little that is usable.
        """
        ...


class Fetched(Protocol):
    """What a fetch did."""

    def describe(self) -> str:
        """Return it on one line."""
        ...

    def counts(self) -> dict[str, float]:
        """Return its counts."""
        ...


@runtime_checkable
class FetchedSource(Source[Settings], Protocol[Settings, FetchSettings]):
    """A source whose input is fetched into its place before it is read.

    Attributes
    ----------
    fetch_settings
        Section that `fetch` takes; no id covers it.
    fetch_section
        Its table in a config file; None: ``[sources.KIND.fetch]``.
    """

    fetch_settings: type[FetchSettings]
    fetch_section: str | None = None

    def fetch(self, place: Path, config: FetchSettings, contact: str | None) -> Fetched:
        """Bring home what is new; safe to be killed and called again.

        `contact` is whom a host can write to.

        Raises
        ------
        PipelineError
            If nothing can be fetched.
        """
        ...


@cache
def find_sources() -> Mapping[str, Source[Any]]:
    """Return every source by kind, in order of prefix.

    Raises
    ------
    ConfigError
        If two share a kind or a prefix, or a kind cannot be one.
    """
    packages = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    sources = [importlib.import_module(f"{__name__}.{name}.source").SOURCE for name in packages]
    check_sources(sources)
    return {source.kind: source for source in sorted(sources, key=lambda one: str(one.prefix))}


def find_source(kind: str) -> Source[Any]:
    """Return the source of a kind of artifact.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return find_sources()[kind]
    except KeyError:
        known = ", ".join(find_sources())
        raise InputError(f"no source '{kind}'; expected one of {known}") from None


def check_sources(sources: Sequence[Source[Any]]) -> None:
    """Refuse sources that would be taken for one another.

    Raises
    ------
    ConfigError
        If two share a kind or a prefix, or a kind cannot be one.
    """
    from mmpipeline.storage.layout import ARTIFACT_FOLDERS

    for name in ("kind", "prefix"):
        [(value, count)] = Counter(getattr(one, name) for one in sources).most_common(1)
        if count > 1:
            raise ConfigError(f"{count} sources are of {name} '{value}'; give each one of its own")
    for source in sources:
        is_taken = source.kind in ARTIFACT_FOLDERS or source.kind in _RESERVED
        if is_taken or not _KIND.fullmatch(source.kind):
            raise ConfigError(
                f"'{source.kind}' cannot be the kind of a source: "
                + ("it has another meaning" if is_taken else "give small letters, digits and _")
            )
