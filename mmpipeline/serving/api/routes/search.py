"""Asking: recipes and dishes, subsets, and what there is to filter by."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from mmpipeline.serving.api.handlers import answer_filters, answer_search, answer_subsets
from mmpipeline.serving.api.response_models import FiltersAnswer, SearchAnswer, SubsetsAnswer
from mmpipeline.serving.api.service import Service, get_service
from mmpipeline.serving.api.uploads import read_query
from mmpipeline.serving.http.errors import Refusal

router = APIRouter(tags=["search"])

_Service = Annotated[Service, Depends(get_service)]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "the form or the request cannot be read"},
    404: {"model": Refusal, "description": "it names a recipe or dish that is not here"},
    408: {"model": Refusal, "description": "the request did not come in time"},
    413: {"model": Refusal, "description": "the photo or the request is too large"},
    415: {"model": Refusal, "description": "not JSON nor a form, or no photo of a kind we take"},
    422: {"model": Refusal, "description": "the query or the photo cannot be used"},
    503: {"model": Refusal, "description": "too many questions at once, or no index is loaded"},
}


@router.post("/search", response_model=SearchAnswer, responses=_REFUSALS, summary="Ask anything")
async def search(request: Request, service: _Service) -> Response:
    """Rank recipes and dishes by nearness to any mix of photo, texts and recipes.

    JSON holds the query itself; a form holds it in the field `query` beside the file `photo`
    (or its simple parts as fields of their own). The photo is not stored.
    """
    query, photo = await read_query(request, service.config)
    answer = await service.answer(partial(answer_search, query=query, photo=photo))
    return _json(answer)


@router.post(
    "/subsets",
    response_model=SubsetsAnswer,
    responses=_REFUSALS,
    summary="Rank subsets of the data",
)
async def subsets(request: Request, service: _Service) -> Response:
    """Rank dishes and named subsets by the distance of their prototypes; ask as for `/search`."""
    query, photo = await read_query(request, service.config)
    answer = await service.answer(partial(answer_subsets, query=query, photo=photo))
    return _json(answer)


@router.get("/filters", responses={503: _REFUSALS[503]}, summary="What there is to filter by")
async def filters(service: _Service) -> FiltersAnswer:
    """Return languages, sources, dishes and tags with their numbers of recipes."""
    return await service.answer(answer_filters)


def _json(answer: SearchAnswer | SubsetsAnswer) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
