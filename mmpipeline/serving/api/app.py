"""The application: routes, guard and refusals put together.

Everything it shares lies in one `Service`, opened and closed with it. There is no page of
documentation that would load its scripts from elsewhere; `/openapi.json` is the documentation.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as package_version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mmpipeline.config.serve import ServeConfig
from mmpipeline.errors import NoIndexError, NotFoundError
from mmpipeline.serving.api.documentation import describe_bodies
from mmpipeline.serving.api.routes import items as item_routes
from mmpipeline.serving.api.routes import pages as page_routes
from mmpipeline.serving.api.routes import search as search_routes
from mmpipeline.serving.api.routes import status as status_routes
from mmpipeline.serving.api.service import Service, get_service
from mmpipeline.serving.http.errors import RefusedError
from mmpipeline.serving.http.guard import RequestGuard
from mmpipeline.serving.http.origins import LOCAL_NAMES
from mmpipeline.storage.layout import DataLayout

_SENTENCES = {404: "there is nothing at this address", 405: "this address takes another method"}


def create_app(
    layout: DataLayout,
    config: ServeConfig = ServeConfig(),
    names: tuple[str, ...] | None = LOCAL_NAMES,
) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    layout
        The data folder whose published index answers.
    config
        Limits.
    names
        Host names that it may be asked by; None accepts any.

    Returns
    -------
    FastAPI
        To be run by an ASGI server; it opens the index when it starts.
    """

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        service = Service.build(layout, config)
        service.start()
        app.state.service = service
        yield
        service.stop()

    app = FastAPI(
        title="mmpipeline",
        summary="Ask for the recipes and dishes that are most alike.",
        version=package_version("mmpipeline"),
        docs_url=None,
        redoc_url=None,
        lifespan=run,
    )
    for routes in (search_routes, item_routes, status_routes, page_routes):
        app.include_router(routes.router)
    app.add_exception_handler(RefusedError, _refuse)
    app.add_exception_handler(NotFoundError, _refuse_unknown)
    app.add_exception_handler(NoIndexError, _refuse_without_index)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_middleware(RequestGuard, config=config, names=names)
    describe_bodies(app, ("/search", "/subsets"), config.max_k)
    return app


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.response()


async def _refuse_unknown(_: Request, error: Exception) -> Response:
    return RefusedError(404, "not_found", str(error)).response()


async def _refuse_without_index(request: Request, error: Exception) -> Response:
    return RefusedError(503, "no_index", get_service(request).tell(str(error))).response()


async def _refuse_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return RefusedError(422, "invalid", f"{place}: {first['msg']}").response()


async def _refuse_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, str(error.detail))
    reason = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "refused")
    response = RefusedError(error.status_code, reason, sentence).response()
    response.headers.update(error.headers or {})
    return response
