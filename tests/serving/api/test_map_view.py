import time
from pathlib import Path

from mmpipeline.search.release.live import LiveIndex
from mmpipeline.serving.api.map_view import answer_map
from mmpipeline.serving.map.maps import MapMaker
from mmpipeline.storage import DataLayout


def test_points_know_their_recipe_and_dish(first_world: Path, tmp_path: Path) -> None:
    maker = MapMaker(tmp_path, 20)
    with LiveIndex(DataLayout.at(first_world / "data")) as live, live.lease() as index:
        first = answer_map(index, maker, live.lease)
        assert (first.state, first.points) == ("drawing", None)
        while (answer := answer_map(index, maker, live.lease)).state != "ready":
            time.sleep(0.02)
        assert answer.points is not None
        assert answer.recipes == 24
        assert answer.points.has_photo == [True] * 20
        assert sum(dish.points for dish in answer.dishes) == len(answer.points.ids) == 20
        for recipe_id, title, dish in zip(
            answer.points.ids, answer.points.titles, answer.points.dish, strict=True
        ):
            item = index.item(recipe_id)
            assert item.image_path is not None
            assert (item.title, item.dish) == (title, answer.dishes[dish].dish)
        assert all(0 <= place <= 1 for place in answer.points.x + answer.points.y)
