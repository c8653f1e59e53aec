"""Named subsets are one SELECT over the recipes, and can reach nothing else."""

from pathlib import Path

import pytest

from mmpipeline.errors import ConfigError
from mmpipeline.search.publish.named_subsets import select_members


def ask(world: Path, tmp_path: Path, sql: str) -> list[str]:
    found: list[str] = select_members(world / "catalog", {"x": sql}, tmp_path)["x"].to_pylist()
    return found


def test_a_subset_is_its_ids_in_order_each_once(world: Path, tmp_path: Path) -> None:
    one = "SELECT recipe_id FROM recipes WHERE dish = 'bibimbap'"
    ids = ask(world, tmp_path, f"{one} UNION ALL {one} ORDER BY recipe_id DESC")
    assert len(ids) == 8
    assert ids == sorted(set(ids))


def test_no_subsets_ask_nothing(world: Path, tmp_path: Path) -> None:
    assert select_members(world / "catalog", {}, tmp_path) == {}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT title FROM recipes",
        "SELECT recipe_id, title FROM recipes",
        "SELECT recipe_id FROM recipes; DROP VIEW recipes",
        "DROP VIEW recipes",
        "SELECT nothing FROM recipes",
        "SELECT content AS recipe_id FROM read_text('/etc/hostname')",
        "COPY recipes TO '/tmp/stolen.csv'",
        "SELECT recipe_id FROM read_parquet('/tmp/*.parquet')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "this is no SQL",
        "",
    ],
)
def test_anything_else_is_refused_by_name(sql: str, world: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"index\.subsets 'x'"):
        ask(world, tmp_path, sql)
    assert not Path("/tmp/stolen.csv").exists()


def test_a_query_that_never_ends_is_stopped(world: Path, tmp_path: Path) -> None:
    endless = "SELECT a.recipe_id FROM recipes a, range(100000000000) b, range(1000000) c"
    with pytest.raises(ConfigError, match=r"took more than 0\.5 s"):
        select_members(world / "catalog", {"x": f"{endless} ORDER BY b.range"}, tmp_path, 0.5)
