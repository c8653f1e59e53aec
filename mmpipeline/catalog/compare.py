"""The difference between two versions of the catalogue."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from mmpipeline.catalog.statements import read_statement
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.segments import recipes_sql

CHANGES = ("added", "removed", "changed", "relabelled", "moved", "excluded")
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """The difference between two catalogues.

    Attributes
    ----------
    counts
        By source and kind of change. ``changed``: other content; ``relabelled``: another dish, or
        one more or less; ``moved``: train, val or test became another of them; ``excluded``: it
        now links sides. A recipe may count under several kinds.
    examples
        By kind of change, some recipes: id, title, what it was, what it is.
    same
        Recipes that nothing of this happened to.
    """

    counts: dict[str, dict[str, int]]
    examples: dict[str, list[tuple[str, str, str, str]]]
    same: int


def compare_catalogs(before: Path, after: Path) -> CatalogChanges:
    """Compare two catalogues recipe by recipe.

    Parameters
    ----------
    before, after
        Folders of catalogue artifacts.

    Returns
    -------
    CatalogChanges
        Counts and examples, in a fixed order.

    Raises
    ------
    ArtifactError
        If one of them cannot be read.
    """
    with duckdb.connect() as connection:
        try:
            for name, folder in (("before", before), ("after", after)):
                connection.execute(f"CREATE VIEW catalog_{name} AS {recipes_sql(folder)}")
            connection.execute(read_statement("changes"))
        except duckdb.Error as error:
            raise ArtifactError(
                f"{before} and {after} cannot be compared: {error}; give two catalogue folders"
            ) from error
        rows = connection.execute(
            "SELECT change, source, count(*) FROM changes GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        [(same,)] = connection.execute("SELECT count(*) FROM joined WHERE is_same").fetchall()
        examples = {
            change: connection.execute(
                "SELECT recipe_id, coalesce(title, ''), was, is_now FROM changes "
                f"WHERE change = ? ORDER BY recipe_id LIMIT {_EXAMPLES}",
                [change],
            ).fetchall()
            for change in CHANGES
        }
    counts: dict[str, dict[str, int]] = {change: {} for change in CHANGES}
    for change, source, count in rows:
        counts[change][source] = count
    return CatalogChanges(counts, examples, same)


def describe_changes(changes: CatalogChanges) -> list[str]:
    """Return the difference as lines of text.

    Parameters
    ----------
    changes
        The difference.

    Returns
    -------
    list of str
        One line a kind of change, each followed by its examples.
    """
    lines = [f"{'same':11}{changes.same:>9,}"]
    for change in CHANGES:
        by_source = changes.counts[change]
        parts = ", ".join(f"{source} {count:,}" for source, count in by_source.items())
        total = sum(by_source.values())
        lines.append(f"{change:11}{total:>9,}{f'  ({parts})' if parts else ''}")
        for recipe_id, title, was, is_now in changes.examples[change]:
            lines.append(f"    {recipe_id}  {title[:40]}  {was} -> {is_now}")
    return lines
