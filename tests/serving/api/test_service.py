import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mmpipeline.config import ServeConfig
from mmpipeline.errors import NotFoundError, QueryError
from mmpipeline.features import RejectedPhotoError
from mmpipeline.search.index import SearchIndex
from mmpipeline.serving.api.service import Service
from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.storage import DataLayout


def answer(layout: DataLayout, work: Callable[[SearchIndex], object]) -> object:
    service = Service.build(layout, ServeConfig())
    service.start()
    try:
        return asyncio.run(service.answer(work))
    finally:
        service.stop()


def fail_with(error: Exception) -> Callable[[SearchIndex], object]:
    def work(_: SearchIndex) -> object:
        raise error

    return work


def test_work_gets_the_index(first_world: Path, index: SearchIndex) -> None:
    layout = DataLayout.at(first_world / "data")
    assert answer(layout, lambda found: found.version) == index.version


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("no such recipe"), 404),
        (QueryError("empty"), 422),
        (RejectedPhotoError("damaged", "cut off"), 422),
        (RejectedPhotoError("not_a_photo", "no photo"), 415),
    ],
)
def test_what_cannot_be_answered_becomes_a_refusal(
    first_world: Path, error: Exception, status: int
) -> None:
    with pytest.raises(RefusedError, match=str(error)) as caught:
        answer(DataLayout.at(first_world / "data"), fail_with(error))
    assert caught.value.status == status


def test_without_an_index_it_says_so(layout: DataLayout) -> None:
    with pytest.raises(RefusedError, match="no index published yet") as caught:
        answer(layout, lambda found: found.version)
    assert caught.value.status == 503
    assert str(layout.root) not in str(caught.value)
