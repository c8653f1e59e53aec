"""The columns that travel between stages: names, types, units.

Both sources (scraped pages, Recipe1M JSON) write `RECIPE_SCHEMA`; the catalogue adds labels,
groups and splits to it and writes `CATALOG_SCHEMA`. A value that is not known is null: never an
empty string, never a filler. Lists are empty, not null, where there is nothing in them.

Keeping one schema for both sources costs a few columns that one of them never fills, and spares
every later stage a case distinction.
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import pyarrow as pa

SCHEMA_VERSION = 1
_SCHEMA_VERSIONS = {"catalog": 2}  # 2: rows in segments, which a reader of 1 would miss

Modality = Literal["image", "title", "ingredients", "instructions"]
MODALITIES: tuple[Modality, ...] = ("image", "title", "ingredients", "instructions")
"""The parts of a recipe that are encoded, in the order used for masks and matrices everywhere."""

SPLITS = ("train", "val", "test")
LANGUAGES = ("ko", "en", "other")


def schema_version(kind: str) -> int:
    """Return the version of the schema that artifacts of a kind are written in."""
    return _SCHEMA_VERSIONS.get(kind, SCHEMA_VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """One ingredient line.

    Attributes
    ----------
    text
        The line as written, cleaned of markup.
    name
        What it is, without amount and unit.
    quantity, quantity_max
        Amount in `unit`; both are set for a range ("10~15장": 10 and 15).
    unit
        As written ("큰술", "g", "cup").
    group
        The header it stands under ("양념"), without brackets.
    """

    text: str
    name: str | None = None
    quantity: float | None = None
    quantity_max: float | None = None
    unit: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeImage:
    """One photo of a recipe.

    Attributes
    ----------
    id
        The name the source gives it.
    url
        Where it came from.
    path
        Where the file lies: relative to the data folder when inside it, else absolute;
        None when there is no usable file.
    sha256
        Hex digest of the file's bytes; None when there is no usable file.
    """

    id: str
    url: str | None = None
    path: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One recipe in the schema common to all sources; one row of `RECIPE_SCHEMA`.

    Attributes
    ----------
    recipe_id
        Source prefix and the source's own id: ``10k:6915443``, ``r1m:000018c8a5``.
    source
        ``10k`` (만개의레시피) or ``r1m`` (Recipe1M).
    source_partition
        ``train``, ``val`` or ``test`` where the source itself has partitions.
    language
        ``ko``, ``en`` or ``other``.
    dish_name
        The dish as the page itself names it, when it does.
    minutes
        Cooking time in minutes.
    author, author_hash
        The name to credit; sha256 of the source's author id (the id itself is not kept).
    categories
        Category codes of the source that the recipe was listed under, such as ``cat4=55``.
    """

    recipe_id: str
    source: str
    language: str
    title: str | None = None
    source_partition: str | None = None
    dish_name: str | None = None
    intro: str | None = None
    ingredients: tuple[Ingredient, ...] = ()
    instructions: tuple[str, ...] = ()
    images: tuple[RecipeImage, ...] = ()
    servings: int | None = None
    minutes: int | None = None
    level: str | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published_on: date | None = None
    modified_on: date | None = None
    url: str | None = None
    author: str | None = None
    author_hash: str | None = None

    def to_row(self) -> dict[str, Any]:
        """Return the recipe as one row of `RECIPE_SCHEMA`."""
        row = _flat(self)  # asdict would copy every text and take a third of a stage's time
        row["ingredients"] = [_flat(ingredient) for ingredient in self.ingredients]
        row["images"] = [_flat(image) for image in self.images]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """One thing that was wrong in the input, with its place; one row of `QUARANTINE_SCHEMA`.

    Attributes
    ----------
    source
        ``10k`` or ``r1m``.
    place
        File name and byte offset, or URL.
    reason
        A short code that counts can be grouped by, such as ``duplicate_id``.
    recipe_id
        The recipe it belongs to, when known.
    field
        The field that became missing; None when the whole record was withheld.
    detail
        What was found, cut to 200 characters.
    """

    source: str
    place: str
    reason: str
    recipe_id: str | None = None
    field: str | None = None
    detail: str = ""

    def to_row(self) -> dict[str, Any]:
        """Return the finding as one row of `QUARANTINE_SCHEMA`."""
        row = asdict(self)
        row["detail"] = self.detail[:200]
        return row


def _flat(value: Ingredient | RecipeImage | Recipe) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


_INGREDIENT = pa.struct([
    pa.field("text", pa.string(), nullable=False),
    pa.field("name", pa.string()),
    pa.field("quantity", pa.float64()),
    pa.field("quantity_max", pa.float64()),
    pa.field("unit", pa.string()),
    pa.field("group", pa.string()),
])

_IMAGE = pa.struct([
    pa.field("id", pa.string(), nullable=False),
    pa.field("url", pa.string()),
    pa.field("path", pa.string()),
    pa.field("sha256", pa.string()),
])

RECIPE_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),
    pa.field("source_partition", pa.string()),
    pa.field("language", pa.string(), nullable=False),
    pa.field("title", pa.string()),
    pa.field("dish_name", pa.string()),
    pa.field("intro", pa.string()),
    pa.field("ingredients", pa.list_(_INGREDIENT), nullable=False),
    pa.field("instructions", pa.list_(pa.string()), nullable=False),
    pa.field("images", pa.list_(_IMAGE), nullable=False),
    pa.field("servings", pa.int32()),
    pa.field("minutes", pa.int32()),
    pa.field("level", pa.string()),
    pa.field("tags", pa.list_(pa.string()), nullable=False),
    pa.field("categories", pa.list_(pa.string()), nullable=False),
    pa.field("published_on", pa.date32()),
    pa.field("modified_on", pa.date32()),
    pa.field("url", pa.string()),
    pa.field("author", pa.string()),
    pa.field("author_hash", pa.string()),
])
"""One row a recipe, as all sources write it; `Recipe` says what the columns mean."""

QUARANTINE_SCHEMA = pa.schema([
    pa.field("source", pa.string(), nullable=False),
    pa.field("recipe_id", pa.string()),
    pa.field("place", pa.string(), nullable=False),
    pa.field("field", pa.string()),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("detail", pa.string(), nullable=False),
])
"""One row a defect in the input; `QuarantineRow` says what the columns mean."""

CATALOG_SCHEMA = pa.schema([
    *RECIPE_SCHEMA,
    pa.field("dish", pa.string()),  # canonical key such as "kimchi-jjigae"; null: not labelled
    pa.field("dish_confidence", pa.float32()),  # 0..1
    pa.field("dish_source", pa.string()),  # page, title, class, mined or copy
    pa.field("dish_set", pa.string()),  # known (may be trained on) or unknown (held out)
    pa.field("group_id", pa.string(), nullable=False),  # recipes that are copies of one another
    pa.field("split", pa.string(), nullable=False),  # train, val, test; or excluded: it links sides
    pa.field("content_hash", pa.string(), nullable=False),  # sha256 of the normalised content
])
"""One row a recipe, both sources together, sorted by `recipe_id`."""
