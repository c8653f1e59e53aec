"""Dataclasses and Parquet schemas say the same."""

from dataclasses import fields

from mmpipeline.schemas import (
    CATALOG_SCHEMA,
    QUARANTINE_SCHEMA,
    RECIPE_SCHEMA,
    Ingredient,
    QuarantineRow,
    Recipe,
    RecipeImage,
)


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def test_every_attribute_has_its_column() -> None:
    assert names(Recipe) == set(RECIPE_SCHEMA.names)
    assert names(QuarantineRow) == set(QUARANTINE_SCHEMA.names)
    ingredient = RECIPE_SCHEMA.field("ingredients").type.value_type
    image = RECIPE_SCHEMA.field("images").type.value_type
    assert names(Ingredient) == {field.name for field in ingredient}
    assert names(RecipeImage) == {field.name for field in image}


def test_the_catalogue_adds_columns_and_drops_none() -> None:
    assert CATALOG_SCHEMA.names[: len(RECIPE_SCHEMA.names)] == RECIPE_SCHEMA.names


def test_details_are_cut() -> None:
    row = QuarantineRow(source="r1m", place="layer1.json:0", reason="no_id", detail="x" * 999)
    assert len(row.to_row()["detail"]) == 200
