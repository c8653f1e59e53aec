"""Every source keeps the contract: its declaration, its tables, what it does not load."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.__main__ import FLOWS
from mmpipeline.config import PipelineConfig, RefreshRequest
from mmpipeline.errors import ConfigError, InputError, PipelineError
from mmpipeline.provenance import covered_code
from mmpipeline.schemas import LANGUAGES, QUARANTINE_SCHEMA, RECIPE_SCHEMA
from mmpipeline.sources import (
    FetchedSource,
    Reading,
    Source,
    check_sources,
    find_source,
    find_sources,
)
from mmpipeline.storage.layout import DataLayout

ROOT = Path(__file__).parents[2]
KINDS = tuple(find_sources())
TABLES = ("recipes", "quarantine")
pytestmark = pytest.mark.server  # the example of a source may start the site that it fetches


def package_of(source: Source[Any]) -> str:
    return type(source).__module__.rpartition(".")[0]


def write_example(source: Source[Any], folder: Path) -> Path:
    """Return the place of the small input that a source's own tests know how to make."""
    package = package_of(source).rpartition(".")[2]
    path = Path(__file__).parent / package / "example.py"
    assert path.is_file(), f"{path} is missing: let it write a small input of the source"
    spec = importlib.util.spec_from_file_location(f"{package}_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Path(module.write_example(folder))


@pytest.fixture(scope="module", params=KINDS)
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """Each source, its example, and the tables that it made of it twice."""
    source, root = find_source(request.param), tmp_path_factory.mktemp(request.param)
    place, layout = write_example(source, root), DataLayout.at(root)
    state = source.discover(place, layout)
    targets = [root / "first", root / "second"]
    for target in targets:
        target.mkdir()
        counts = source.normalise(Reading(place, target, layout), source.settings())
    assert source.discover(place, layout) == state
    recipes, quarantine = (pq.read_table(targets[0] / f"{name}.parquet") for name in TABLES)
    return SimpleNamespace(
        source=source,
        layout=layout,
        targets=targets,
        counts=counts,
        recipes=recipes,
        quarantine=quarantine,
    )


def test_the_two_sources_are_found_in_order() -> None:
    assert KINDS[:2] == ("tenthousand_recipe", "recipe1m")
    with pytest.raises(InputError, match=r"no source 'recipe2m'; expected one of tenthousand"):
        find_source("recipe2m")


@pytest.mark.parametrize("kind", KINDS)
def test_a_declaration_names_what_is_there(kind: str) -> None:
    source = find_source(kind)
    assert isinstance(source, Source)
    assert source.title
    assert source.prefix
    assert source.flow in FLOWS
    assert set(source.asked_by) <= set(RefreshRequest.model_fields)
    config = PipelineConfig()
    if source.section is not None:
        assert type(getattr(config, source.section)) is source.settings
    assert source.settings() == source.settings.model_validate({})  # each setting has a default
    if isinstance(source, FetchedSource) and source.fetch_section is not None:
        assert type(getattr(config, source.fetch_section)) is source.fetch_settings


@pytest.mark.parametrize("kind", KINDS)
def test_its_code_is_its_own_and_holds_its_settings(kind: str) -> None:
    source = find_source(kind)
    covered = set(covered_code(*source.entries).definitions)
    assert f"{source.settings.__module__}:{source.settings.__name__}" in covered
    below = {name for name in covered if re.match(r"mmpipeline\.sources\.\w+\.", name)}
    assert below
    assert all(name.startswith(f"{package_of(source)}.") for name in below)


def test_its_tables_are_in_the_common_schema(read: Any) -> None:  # noqa: ANN401
    assert read.recipes.schema.equals(RECIPE_SCHEMA)
    assert read.quarantine.schema.equals(QUARANTINE_SCHEMA)
    assert read.counts["recipes"] == read.recipes.num_rows > 0
    assert {"recipes", "quarantined"} <= set(read.counts)
    assert set(read.source.shown) <= set(read.counts)


def test_its_recipes_bear_its_prefix_and_point_to_files(read: Any) -> None:  # noqa: ANN401
    rows = read.recipes.to_pylist()
    ids = [row["recipe_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(re.escape(read.source.prefix) + r":\S+", name) for name in ids)
    assert {row["source"] for row in rows} == {read.source.prefix}
    assert {row["language"] for row in rows} <= set(LANGUAGES)
    texts = [row[name] for row in rows for name in ("title", "url", "author", "dish_name")]
    assert "" not in texts
    paths = [image["path"] for row in rows for image in row["images"] if image["path"]]
    assert all(read.layout.resolve(path).is_file() for path in paths)


def test_what_was_wrong_has_a_reason_and_a_place(read: Any) -> None:  # noqa: ANN401
    rows = read.quarantine.to_pylist()
    assert rows, "let the example hold something that is wrong"
    for row in rows:
        assert row["source"] == read.source.prefix
        assert re.fullmatch(r"[a-z0-9_]+", row["reason"])
        assert row["place"].strip()


def test_the_same_state_gives_the_same_tables(read: Any) -> None:  # noqa: ANN401
    for name in TABLES:
        one, other = (target / f"{name}.parquet" for target in read.targets)
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_no_input_it_says_so(kind: str, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=re.escape(str(tmp_path / "nowhere"))):
        find_source(kind).discover(tmp_path / "nowhere", DataLayout.at(tmp_path))


def test_sources_that_would_be_mistaken_are_refused() -> None:
    def declare(kind: str, prefix: str) -> Any:  # noqa: ANN401 -- as little of a source as is looked at
        return SimpleNamespace(kind=kind, prefix=prefix)

    check_sources([declare("one", "1"), declare("other", "2")])
    for wrong, message in (
        ([declare("one", "1"), declare("one", "2")], "2 sources are of kind 'one'"),
        ([declare("one", "1"), declare("other", "1")], "2 sources are of prefix '1'"),
        ([declare("catalog", "1")], "'catalog' cannot be .*: it has another meaning"),
        ([declare("previous", "1")], "'previous' cannot be .*: it has another meaning"),
        ([declare("one-two", "1")], "give small letters, digits and _"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_sources(wrong)


def test_finding_sources_loads_none_of_their_work() -> None:
    script = "import sys, mmpipeline.sources as s; s.find_sources(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    below = {name for name in loaded if re.match(r"mmpipeline\.sources\.\w+\.", name)}
    assert below == {f"{package_of(source)}.source" for source in find_sources().values()}
    heavy = {"requests", "bs4", "lxml", "warcio", "PIL", "duckdb", "torch", "pandas"}
    assert heavy.isdisjoint(loaded)
