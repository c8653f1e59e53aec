"""The pages: search, map, and the files they are made of."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from mmpipeline.serving.api.static_files import read_static_files
from mmpipeline.serving.http.errors import RefusedError

router = APIRouter(include_in_schema=False)

_FILES = read_static_files()
_KNOWN_TAG = Annotated[str | None, Header(alias="if-none-match")]


@router.get("/")
async def search_page(known: _KNOWN_TAG = None) -> Response:
    """Return the search page."""
    return _answer("index.html", known)


@router.get("/map")
async def map_page(known: _KNOWN_TAG = None) -> Response:
    """Return the map page."""
    return _answer("map.html", known)


@router.get("/static/{name}")
async def static_file(name: str, known: _KNOWN_TAG = None) -> Response:
    """Return a file of the pages."""
    return _answer(name, known)


def _answer(name: str, known: str | None) -> Response:
    file = _FILES.get(name)
    if file is None:
        raise RefusedError(404, "not_found", "there is no such file")
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if known == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.content_type, headers=headers)
