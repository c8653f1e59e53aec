"""Health, readiness and version, for people, supervisors and balancers."""

from importlib.metadata import version as package_version
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from mmpipeline.serving.api.response_models import HealthAnswer, ReadyAnswer, VersionAnswer
from mmpipeline.serving.api.service import Service, get_service
from mmpipeline.serving.http.errors import Refusal

router = APIRouter(tags=["status"])

_NO_INDEX: dict[int | str, dict[str, Any]] = {
    503: {"model": Refusal, "description": "no index is loaded"}
}
_Service = Annotated[Service, Depends(get_service)]


@router.get("/health", summary="Whether the process is alive")
async def health(service: _Service) -> HealthAnswer:
    """Return 200 as long as requests are read at all; says why a newer index is not served."""
    problem = service.live.problem
    told = None if problem is None else service.tell(problem)
    return HealthAnswer(status="ok", index=service.live.version, problem=told)


@router.get("/ready", summary="Whether questions are answered", responses=_NO_INDEX)
async def ready(service: _Service) -> ReadyAnswer:
    """Return 200 when an index is loaded, else 503 with the reason."""
    with service.live.lease() as index:
        return ReadyAnswer(index=index.version)


@router.get("/version", summary="What is running", responses=_NO_INDEX)
async def version(service: _Service) -> VersionAnswer:
    """Return the versions of the package and of the index, and the size of the index."""
    with service.live.lease() as index:
        return VersionAnswer(
            mmpipeline=package_version("mmpipeline"),
            index=index.version,
            items=len(index),
            dishes=len(index.dishes),
            embedding_dim=index.embedding_dim,
        )
