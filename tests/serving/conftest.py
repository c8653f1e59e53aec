"""A service on 127.0.0.1 over the tiny world of the search tests."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from mmpipeline.config import ServeConfig
from mmpipeline.search.index import SearchIndex
from mmpipeline.storage import DataLayout
from tests.search.conftest import (
    first_world,
    index,
    layout,
    publish_another,
    published,
    world,
)
from tests.serving.server_thread import serve_in_thread

__all__ = ["first_world", "index", "layout", "publish_another", "published", "world"]


@pytest.fixture(scope="session")
def address(first_world: Path) -> Iterator[str]:
    """Where the service over the unchanged world listens."""
    with serve_in_thread(DataLayout.at(first_world / "data")) as found:
        yield found


@pytest.fixture
def serve(first_world: Path) -> Iterator[Callable[..., str]]:
    """Return a function that starts a service with other limits and returns its address."""
    from contextlib import ExitStack

    with ExitStack() as running:

        def start(layout: DataLayout | None = None, **limits: float) -> str:
            layout = layout or DataLayout.at(first_world / "data")
            config = ServeConfig.model_validate({"poll_s": 0.05, **limits})
            return running.enter_context(serve_in_thread(layout, config))

        yield start


@pytest.fixture(scope="session")
def recipe_id(index: SearchIndex) -> str:
    """Id of a recipe with a photo, of the dish kimchi-jjigae."""
    from mmpipeline.search.query import Query

    return index.search(Query(title="김치찌개"), 1, dish="kimchi-jjigae").items[0].recipe_id


def picture_bytes(
    size: tuple[int, int] = (64, 48), kind: str = "JPEG", colour: str = "red"
) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, kind)
    return written.getvalue()
