"""The view of the map: where recipes lie, and what they are."""

from collections import Counter

from mmpipeline.search.index import SearchIndex
from mmpipeline.serving.api.handlers import view_names
from mmpipeline.serving.api.response_models import MapAnswer, MapDish, MapPoints
from mmpipeline.serving.map.maps import Lease, MapMaker


def answer_map(index: SearchIndex, maps: MapMaker, lease: Lease) -> MapAnswer:
    """Return an index's map, or word that it is being drawn.

    Parameters
    ----------
    index
        The index.
    maps
        Makes maps.
    lease
        Holds the index open while its map is drawn.

    Returns
    -------
    MapAnswer
        With all points, or with none yet.
    """
    made = maps.get(index.version, lease)
    if made is None:
        return MapAnswer(version=index.version, state="drawing", recipes=len(index))
    rows, places = made
    items = index.columns_at(rows, ("recipe_id", "title", "dish", "image_path"))
    counts = Counter(dish for dish in items["dish"] if dish is not None)
    numbers = {dish: number for number, dish in enumerate(sorted(counts))}
    return MapAnswer(
        version=index.version,
        state="ready",
        recipes=len(index),
        points=MapPoints(
            ids=items["recipe_id"],
            titles=items["title"],
            has_photo=[path is not None for path in items["image_path"]],
            x=[round(x, 5) for x in places[:, 0].tolist()],
            y=[round(y, 5) for y in places[:, 1].tolist()],
            dish=[numbers.get(dish, -1) for dish in items["dish"]],
        ),
        dishes=[
            MapDish(dish=dish, points=counts[dish], **view_names(index, dish).model_dump())
            for dish in numbers
        ],
    )
