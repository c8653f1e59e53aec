"""Errors of the service: a status, a word for machines and a sentence for people."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from mmpipeline.errors import PipelineError

_HANGS_UP = {408, 413}


class Refusal(BaseModel):
    """The body of every answer that is none."""

    reason: str = Field(description="one word for machines", examples=["too_large"])
    message: str = Field(description="one sentence for people")


class RefusedError(PipelineError):
    """A request that is not answered.

    Parameters
    ----------
    status
        HTTP status, 400 to 599.
    reason
        One word for machines, such as ``too_large``.
    message
        For people: what was expected, what was found, what to do.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    def response(self) -> JSONResponse:
        """Return the HTTP answer: 503 says when to come back, 408 and 413 hang up."""
        headers = {"Retry-After": "1"} if self.status == 503 else {}
        if self.status in _HANGS_UP:
            headers["Connection"] = "close"
        body = Refusal(reason=self.reason, message=str(self)).model_dump()
        return JSONResponse(body, self.status, headers)
