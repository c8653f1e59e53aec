"""The SQL files: one statement each, told in a header comment."""

from importlib.resources import files

import duckdb
import pytest

from mmpipeline.pairs.statements import read_statement, run_statement

NAMES = sorted(
    file.name.removesuffix(".sql")
    for file in (files("mmpipeline.pairs") / "sql").iterdir()
    if file.name.endswith(".sql")
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_one_statement_with_a_header(name: str) -> None:
    statement = read_statement(name)
    assert statement.startswith("-- ")
    assert len(duckdb.extract_statements(statement)) == 1
    assert all(len(line) <= 100 for line in statement.splitlines())


def test_a_statement_gets_only_the_values_it_names() -> None:
    with duckdb.connect(":memory:") as connection:
        run_statement(connection, "kinds", {"unused": 1})
        rows = run_statement(connection, "kind_list", {"unused": 1}).fetchall()
    slots = [slot for _, _, slot in rows]
    assert slots == sorted(slots)
    assert next(kind for kind, _, _ in rows) == "positive_recipe"
