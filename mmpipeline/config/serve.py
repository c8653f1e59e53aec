"""Settings of the search service: how much it takes, from whom, for how long."""

from pydantic import Field

from mmpipeline.config.base import MAX_PIXELS, Section


class ServeConfig(Section):
    """What the search service takes from outside, and how much of it at once."""

    max_upload_bytes: int = Field(10_000_000, ge=1, description="of a photo")
    max_pixels: int = Field(MAX_PIXELS, ge=1, description="of a photo")
    max_k: int = Field(100, ge=1, le=10_000, description="items and dishes of an answer")
    max_text_chars: int = Field(50_000, ge=1, description="of all texts of a query together")
    request_timeout_s: float = Field(15, gt=0, description="until a request has come in whole")
    places: int = Field(64, ge=1, description="questions worked on or waiting; more get a 503")
    max_connections: int = Field(512, ge=1, description="open at once; more get a 503")
    max_buffered_bytes: int = Field(
        200_000_000, ge=1, description="uploads held in memory at once; more get a 503"
    )
    workers: int = Field(0, ge=0, le=64, description="threads that answer; 0: one a core")
    poll_s: float = Field(1, gt=0, description="between two looks for a newly promoted version")
    map_recipes: int = Field(5000, ge=2, le=20_000, description="drawn on the map, at most")
