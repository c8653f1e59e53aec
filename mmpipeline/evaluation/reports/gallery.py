"""The failure gallery: the queries that went worst, as a page of pictures.

A page is one HTML file with small photos inside, so it can be moved or logged as it is. It shows
recipes of the data folder: keep it as private as these are. Photos that cannot be read leave an
empty frame.
"""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mmpipeline.config.base import MAX_PIXELS
from mmpipeline.features.photo import RejectedPhotoError, load_photo
from mmpipeline.storage.segments import read_recipes

PAGE_NAME = "failures.html"
TABLE_NAME = "failures.csv"
WORST = 20
_EDGE = 160
_STYLE = (
    "body{font-family:sans-serif;margin:2em;max-width:60em}"
    "table{border-collapse:collapse}td,th{padding:.5em;vertical-align:top;text-align:left;"
    "border-top:1px solid #ddd;width:20em}img,.none{width:160px;height:160px;object-fit:cover;"
    "display:block;background:#eee}.dish{color:#1f6f8b}.wrong{color:#b5502a}"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A query whose nearest recipe is of another dish.

    Attributes
    ----------
    query, found, right
        Ids of the recipe that asked, the one that came first, and the first one of its dish.
    rank
        Of the latter.
    """

    query: str
    found: str
    right: str
    rank: int


def write_gallery(
    failures: Sequence[Failure], catalog: Path, photos: Path | None, target: Path
) -> None:
    """Write `failures.html` and `failures.csv`.

    Parameters
    ----------
    failures
        Worst first.
    catalog
        Folder of a catalogue artifact.
    photos
        The data folder, which photo paths are stored against; None shows no photos.
    target
        Folder to write into.
    """
    names = ["recipe_id", "title", "dish", "images"]
    table = read_recipes(catalog, names)
    wanted = pa.array([name for failure in failures for name in _ids(failure)], pa.string())
    chosen = table.filter(pc.is_in(table["recipe_id"], wanted))
    recipes = {row["recipe_id"]: row for row in chosen.to_pylist()}
    pd.DataFrame([
        {
            "rank": failure.rank,
            **{
                f"{role}_{key}": recipes[name][key]
                for role, name in zip(("query", "found", "right"), _ids(failure), strict=True)
                for key in names[:3]
            },
        }
        for failure in failures
    ]).to_csv(target / TABLE_NAME, index=False)
    lines = [_line(failure, recipes, photos) for failure in failures]
    page = (
        f"<!doctype html><meta charset=utf-8><title>Worst queries</title><style>{_STYLE}</style>"
        f"<h1>The {len(failures)} worst queries</h1><p>Each asked with all it has. Beside it what "
        "came first, and the first recipe of the right dish.</p><table><tr><th>asked</th>"
        f"<th>came first</th><th>right</th></tr>{''.join(lines)}</table>\n"
    )
    (target / PAGE_NAME).write_text(page, encoding="utf-8")


def _ids(failure: Failure) -> tuple[str, str, str]:
    return failure.query, failure.found, failure.right


def _line(failure: Failure, recipes: dict[str, dict[str, Any]], photos: Path | None) -> str:
    places = ("", "rank 1", f"rank {failure.rank}")
    cells = [
        _cell(recipes[name], place, photos, wrong=number == 1)
        for number, (name, place) in enumerate(zip(_ids(failure), places, strict=True))
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(recipe: dict[str, Any], place: str, photos: Path | None, *, wrong: bool) -> str:
    colour = "wrong" if wrong else "dish"
    return (
        f"<td>{_picture(recipe, photos)}{html.escape(recipe['title'] or '(no title)')}<br>"
        f"<span class={colour}>{html.escape(recipe['dish'] or '')}</span> {place}</td>"
    )


def _picture(recipe: dict[str, Any], photos: Path | None) -> str:
    stored = next((image["path"] for image in recipe["images"] or () if image["path"]), None)
    if stored is None or photos is None:
        return "<div class=none></div>"
    try:
        photo = load_photo(photos / stored, MAX_PIXELS)
    except (RejectedPhotoError, OSError):
        return "<div class=none></div>"
    photo.thumbnail((_EDGE, _EDGE))
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}">'
