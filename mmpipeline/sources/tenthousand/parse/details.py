"""Details of a recipe page beyond the common schema.

The notes of each step (ingredients, tools, heat, tip), which photo belongs to which step, how
large each kept photo is, kitchen tools, the author's tip and the video: worth keeping for whoever
shows or studies the recipes, and in a table of its own, since the other source has none of it.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from mmpipeline.sources.tenthousand.page.recipe_page import PageRecord
from mmpipeline.sources.tenthousand.page.urls import image_name
from mmpipeline.sources.tenthousand.store.photos import StoredPhoto

_NOTE = pa.struct([
    pa.field("kind", pa.string(), nullable=False),  # ingredients, tools, heat or tip
    pa.field("text", pa.string(), nullable=False),
])
_STEP = pa.struct([
    pa.field("text", pa.string()),  # null: a step of photos only
    pa.field("image_ids", pa.list_(pa.string()), nullable=False),  # ids of the recipe's images
    pa.field("notes", pa.list_(_NOTE), nullable=False),
])
_PHOTO = pa.struct([
    pa.field("image_id", pa.string(), nullable=False),  # of the recipe's images
    pa.field("width_px", pa.int32(), nullable=False),  # upright: after the EXIF turn
    pa.field("height_px", pa.int32(), nullable=False),
    pa.field("size_bytes", pa.int64(), nullable=False),  # of the file, kept as received
])
DETAIL_SCHEMA = pa.schema([
    pa.field("recipe_id", pa.string(), nullable=False),
    pa.field("steps", pa.list_(_STEP), nullable=False),
    pa.field("photos", pa.list_(_PHOTO), nullable=False),  # those that were fetched
    pa.field("tools", pa.list_(pa.string()), nullable=False),
    pa.field("tip", pa.string()),
    pa.field("video_url", pa.string()),
])
"""One row a recipe, in the order of ``recipes.parquet``."""


def detail_row(record: PageRecord, photos: Mapping[str, StoredPhoto]) -> dict[str, Any]:
    """Return a page's row of `DETAIL_SCHEMA`.

    Parameters
    ----------
    record
        What the page says.
    photos
        Those of the recipe's photos that are kept, by the id of the image.

    Returns
    -------
    dict
        Column values.
    """
    return {
        "recipe_id": record.recipe.recipe_id,
        "steps": [
            {
                "text": step.text,
                "image_ids": [image_name(link) for link in step.image_links],
                "notes": [{"kind": kind, "text": text} for kind, text in step.notes],
            }
            for step in record.steps
        ],
        "photos": [
            {
                "image_id": image_id,
                "width_px": photo.width,
                "height_px": photo.height,
                "size_bytes": photo.size_bytes,
            }
            for image_id, photo in photos.items()
        ],
        "tools": list(record.tools),
        "tip": record.tip,
        "video_url": record.video_url,
    }
