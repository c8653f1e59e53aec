"""The golden queries that every index version is asked before it may answer.

They are drawn once, from the validation recipes of the first catalogue that is published, and kept
beside the versions with all their words, so that versions over changing catalogues compare. Test
recipes are left alone: what chooses the version that answers cannot also test it. A query's own
recipe is no answer, and right is what has the dish that the query had when it was drawn.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmpipeline.errors import ImageError, QueryError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.storage.atomic import fsync_file, fsync_folder
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import read_parquet
from mmpipeline.storage.segments import read_recipes

FILE_NAME = "golden_queries.parquet"
FORMER_NAME = "exam.parquet"  # drawn by former releases; read as it is, for it stays
GOLDEN_QUERIES_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("dish", pa.string(), nullable=False),
    pa.field("title", pa.string()),
    pa.field("ingredients", pa.list_(pa.string()), nullable=False),
    pa.field("instructions", pa.list_(pa.string()), nullable=False),
    pa.field("image_path", pa.string()),  # below the data folder
    pa.field("language", pa.string()),  # not in sets that were drawn by early versions
])
"""One row a query."""
NEIGHBOURS = 5
ASKED_WITH = ("full", "title", "image")
LEAST_QUERIES = 40
"""Of fewer of a language, one answer would weigh nearly as much as the gate tolerates, or more."""


def golden_queries_path(layout: DataLayout) -> Path:
    """Return where the golden queries of a data folder lie, or will lie."""
    folder = layout.current_index.parent
    former = folder / FORMER_NAME
    return former if former.exists() else folder / FILE_NAME


def draw_golden_queries(
    layout: DataLayout, catalog: Path, questions: int, seed: int = 2021
) -> Path:
    """Write the golden queries, unless there are some; none are written while nothing may ask.

    Parameters
    ----------
    layout
        The data folder.
    catalog
        Folder of a catalogue artifact; its labelled recipes of the split val may ask.
    questions
        How many, at most.
    seed
        Of the draw.

    Returns
    -------
    Path
        Their file; a catalogue with labels in the split val makes it, sooner or later.
    """
    path = golden_queries_path(layout)
    if path.exists():
        return path
    columns = [
        "recipe_id",
        "dish",
        "split",
        "title",
        "ingredients",
        "instructions",
        "images",
        "language",
    ]
    table = read_recipes(catalog, columns)
    may_ask = pc.and_(pc.equal(table["split"], "val"), pc.is_valid(table["dish"]))
    table = table.filter(may_ask).sort_by("recipe_id")
    if len(table) > questions:
        chosen = np.random.default_rng(seed).choice(len(table), questions, replace=False)
        table = table.take(np.sort(chosen))
    if not len(table):
        return path
    rows = [
        {
            "recipe_id": row["recipe_id"],
            "dish": row["dish"],
            "title": row["title"],
            "ingredients": [line["text"] for line in row["ingredients"] or ()],
            "instructions": row["instructions"] or [],
            "image_path": next((i["path"] for i in row["images"] or () if i["path"]), None),
            "language": row["language"],
        }
        for row in table.to_pylist()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{FILE_NAME}")
    pq.write_table(
        pa.Table.from_pylist(rows, GOLDEN_QUERIES_SCHEMA), unfinished, write_page_checksum=True
    )
    fsync_file(unfinished)
    unfinished.replace(path)
    fsync_folder(path.parent)
    return path


def ask_golden_queries(layout: DataLayout, index: SearchIndex) -> dict[str, float]:
    """Ask an index every question: with all of a recipe, its title alone and its photo alone.

    Parameters
    ----------
    layout
        The data folder, where photos and the golden queries lie.
    index
        The index.

    Returns
    -------
    dict
        ``questions``, and ``full_recall_at_1``, ``title_recall_at_1``, ``image_recall_at_1``:
        shares of questions whose nearest recipe other than their own has their dish; also
        ``ko_full_recall_at_1`` and so on, of the questions in one language where
        there are `LEAST_QUERIES`. What cannot be asked (a model without photos) is left out;
        empty without golden queries.
    """
    if not golden_queries_path(layout).exists():
        return {}
    questions = read_parquet(golden_queries_path(layout)).to_pylist()
    if not questions:
        return {}
    figures = {"questions": float(len(questions))}
    for name in ASKED_WITH:
        right = [_is_right(layout, index, question, name) for question in questions]
        figures |= _shares(name, right, [question.get("language") for question in questions])
    return figures


def _shares(
    name: str, right: Sequence[bool | None], languages: Sequence[str | None]
) -> dict[str, float]:
    """Return the share of right answers, of all questions and by language."""
    asked = [
        (answer, language)
        for answer, language in zip(right, languages, strict=True)
        if answer is not None
    ]
    shares = {f"{name}_recall_at_1": _mean([answer for answer, _ in asked])} if asked else {}
    for language in ("ko", "en"):
        answers = [answer for answer, of in asked if of == language]
        if len(answers) >= LEAST_QUERIES:
            shares[f"{language}_{name}_recall_at_1"] = _mean(answers)
    return shares


def _mean(answers: Sequence[bool]) -> float:
    return sum(answers) / len(answers)


def _is_right(
    layout: DataLayout, index: SearchIndex, question: dict[str, object], name: str
) -> bool | None:
    """Return whether the nearest other recipe has the question's dish; None if it cannot ask."""
    try:
        hits = index.search(_query(layout, question, name), min(NEIGHBOURS, len(index))).items
    except (QueryError, ImageError):
        return None
    dishes = [hit.dish for hit in hits if hit.recipe_id != question["recipe_id"] and hit.dish]
    return bool(dishes) and dishes[0] == question["dish"]


def _query(layout: DataLayout, question: dict[str, object], name: str) -> Query:
    title = str(question["title"]) if question["title"] else None
    if name == "title":
        return Query(title=title)
    photo = layout.resolve(str(question["image_path"])) if question["image_path"] else None
    photo = photo if photo is not None and photo.is_file() else None
    if name == "image":
        return Query(image=photo)
    ingredients, steps = question["ingredients"], question["instructions"]
    assert isinstance(ingredients, list)  # by the schema
    assert isinstance(steps, list)
    return Query(
        title=title,
        ingredients=tuple(ingredients),
        instructions=tuple(steps),
        image=photo,
    )
