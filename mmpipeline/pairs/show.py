"""The pairs of one anchor, with titles, for people."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from mmpipeline.errors import ArtifactError, QueryError
from mmpipeline.pairs.statements import run_statement
from mmpipeline.storage.segments import recipes_sql


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorPair:
    """One pair of an anchor; the left side is the anchor.

    Attributes
    ----------
    kind, split, language_pair
        As in the pair table.
    label
        1 for a positive, 0 for a negative.
    rank
        From 1, within the kind.
    left_image, left_text, right_image, right_text
        Ids of the recipes whose photo and text make the two sides; None where a side lacks it.
    left_dish, right_image_dish, right_text_dish
        Dishes; None where not labelled.
    left_title, right_image_title, right_text_title
        Titles; None where there is none.
    """

    kind: str
    label: int
    rank: int
    split: str
    language_pair: str
    left_image: str | None
    left_text: str | None
    right_image: str | None
    right_text: str | None
    left_dish: str | None
    right_image_dish: str | None
    right_text_dish: str | None
    left_title: str | None
    right_image_title: str | None
    right_text_title: str | None


def anchor_pairs(pairs: Path, catalog: Path, recipe_id: str) -> list[AnchorPair]:
    """Return the pairs that one recipe is the anchor of.

    Parameters
    ----------
    pairs
        Folder of a pairs artifact.
    catalog
        Folder of the catalogue that it was made from.
    recipe_id
        The anchor, such as ``10k:6915443``.

    Returns
    -------
    list of AnchorPair
        Positives first, then negatives by kind and rank. Empty for a recipe that is in the
        catalogue and is no anchor.

    Raises
    ------
    ArtifactError
        If a folder lacks its table.
    QueryError
        If the catalogue has no such recipe.
    """
    values = {
        "pairs": str(pairs / "pairs.parquet"),
        "recipe_id": recipe_id,
    }
    for path in (pairs / "pairs.parquet", catalog / "recipes.parquet"):
        if not path.is_file():
            raise ArtifactError(f"no table at {path}; run the stage that makes it")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE VIEW catalog AS {recipes_sql(catalog)}")
        if run_statement(connection, "find_recipe", values).fetchone() is None:
            raise QueryError(
                f"the catalogue has no recipe '{recipe_id}'; give an id such as 10k:6915443, as "
                "the column recipe_id of the catalogue has it"
            )
        result = run_statement(connection, "anchor_pairs", values)
        columns = [column[0] for column in result.description or ()]
        return [AnchorPair(**dict(zip(columns, row, strict=True))) for row in result.fetchall()]
