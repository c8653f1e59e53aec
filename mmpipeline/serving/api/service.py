"""All that the routes share: the live index, the queue of work, photos, the map, static files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from mmpipeline.config.serve import ServeConfig
from mmpipeline.errors import ImageError, NoIndexError, NotFoundError, PipelineError, QueryError
from mmpipeline.features.photo import RejectedPhotoError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.release.live import LiveIndex
from mmpipeline.serving.api.thumbnails import ThumbnailCache
from mmpipeline.serving.api.uploads import refuse_photo
from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.serving.http.work_queue import WorkQueue
from mmpipeline.serving.map.maps import MapMaker
from mmpipeline.storage.layout import DataLayout

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Service:
    """One running service.

    Attributes
    ----------
    config
        Its limits.
    layout
        The data folder.
    live
        The index.
    questions
        Where answers are made.
    pictures
        Where photos are made small; apart, so that a page full of them delays no question.
    thumbnails, maps
        What was made.
    """

    config: ServeConfig
    layout: DataLayout
    live: LiveIndex
    questions: WorkQueue
    pictures: WorkQueue
    thumbnails: ThumbnailCache
    maps: MapMaker

    @classmethod
    def build(cls, layout: DataLayout, config: ServeConfig) -> "Service":
        """Put a service together; nothing is opened yet."""
        return cls(
            config=config,
            layout=layout,
            live=LiveIndex(layout, config.poll_s),
            questions=WorkQueue(config.workers, config.places),
            pictures=WorkQueue(1, 8 * config.places),
            thumbnails=ThumbnailCache(config.max_pixels),
            maps=MapMaker(layout.state / "maps", config.map_recipes),
        )

    def start(self) -> None:
        """Open the index and follow it."""
        self.live.__enter__()

    def stop(self) -> None:
        """Let go of all threads."""
        self.live.close()
        self.questions.close()
        self.pictures.close()

    async def answer(self, work: Callable[[SearchIndex], Answer]) -> Answer:
        """Make an answer in the queue; what cannot be answered becomes a refusal.

        Parameters
        ----------
        work
            Makes the answer from the index, which stays the same one to its end.

        Returns
        -------
        object
            The answer.

        Raises
        ------
        RefusedError
            404 when it names what is not here; 415 or 422 when the query cannot be used; 503 when
            the queue is full or no index is loaded.
        """
        try:
            return await self.questions.run(partial(self._lease, work))
        except NotFoundError as error:
            raise RefusedError(404, "not_found", str(error)) from error
        except NoIndexError as error:
            raise RefusedError(503, "no_index", self.tell(error)) from error
        except RejectedPhotoError as error:
            refusal = refuse_photo(error)
            raise refusal from error
        except (QueryError, ImageError) as error:
            raise RefusedError(422, "invalid", str(error)) from error

    def tell(self, problem: PipelineError | str) -> str:
        """Return a problem in words; where things lie on this machine is nobody's business."""
        return str(problem).replace(str(self.layout.root), "the data folder")

    def _lease(self, work: Callable[[SearchIndex], Answer]) -> Answer:
        with self.live.lease() as index:
            return work(index)


def get_service(request: Request) -> Service:
    """Return the service that a request was sent to; a FastAPI dependency."""
    service: Service = request.app.state.service
    return service
