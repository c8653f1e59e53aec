"""One recipe, its photo, and all of them on a map."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from mmpipeline.errors import ImageError
from mmpipeline.serving.api.handlers import answer_item
from mmpipeline.serving.api.map_view import answer_map
from mmpipeline.serving.api.response_models import MapAnswer, WholeItemAnswer
from mmpipeline.serving.api.service import Service, get_service
from mmpipeline.serving.http.errors import Refusal, RefusedError

router = APIRouter(tags=["items"])

_Service = Annotated[Service, Depends(get_service)]
_Id = Annotated[str, Path(description="such as 10k:6915443 or r1m:000018c8a5")]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "no such recipe here, or it has no photo"},
    422: {"model": Refusal, "description": "a parameter cannot be used"},
    503: {"model": Refusal, "description": "too many requests at once, or no index is loaded"},
}


@router.get("/items/{recipe_id}", responses=_REFUSALS, summary="One recipe")
async def item(recipe_id: _Id, service: _Service) -> WholeItemAnswer:
    """Return what the index shows of a recipe: credit, link, dish, names of ingredients."""
    return await service.answer(partial(answer_item, recipe_id=recipe_id))


@router.get(
    "/items/{recipe_id}/photo",
    response_class=Response,
    responses=_REFUSALS | {200: {"content": {"image/jpeg": {}}, "description": "JPEG"}},
    summary="Its photo, made small",
)
async def photo(
    recipe_id: _Id,
    service: _Service,
    size: Annotated[Literal["320", "960"], Query(description="longest edge in pixels")] = "320",
) -> Response:
    """Return a recipe's photo: of the file that the index names, decoded and written anew.

    Raises
    ------
    RefusedError
        404 when there is none, or it cannot be shown.
    """
    with service.live.lease() as index:
        path = index.item(recipe_id).image_path
    if path is None:
        raise RefusedError(404, "not_found", "this recipe has no photo")
    work = partial(service.thumbnails.get, service.layout.resolve(path), int(size))
    try:
        content = await service.pictures.run(work)
    except ImageError as error:
        raise RefusedError(404, "not_found", "the photo of this recipe cannot be shown") from error
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "max-age=300"})


@router.get(
    "/map.json",
    responses={
        202: {"model": MapAnswer, "description": "it is being laid out; ask again"},
        503: _REFUSALS[503],
    },
    summary="All recipes on a plane",
)
async def map_points(service: _Service, response: Response) -> MapAnswer:
    """Return the places of recipes (t-SNE), or 202 while they are being laid out."""
    answer = await service.answer(partial(answer_map, maps=service.maps, lease=service.live.lease))
    if answer.state != "ready":
        response.status_code = 202
        response.headers["Retry-After"] = "1"
    return answer
