"""Failures of a fetch, as errors that carry a short reason code.

Reasons are counted and stored in the crawl state, so they come from a small fixed set; what was
found goes into the message.
"""

from mmpipeline.errors import FetchError

PERMANENT_REASONS = frozenset({
    "blocked_scheme",
    "blocked_host",
    "blocked_address",
    "blocked_robots",
    "too_many_redirects",
    "too_large",
    "bad_encoding",
})
"""Reasons that asking again at once cannot change."""


class RequestFailedError(FetchError):
    """A request ended without a usable response.

    Parameters
    ----------
    reason
        Short code: ``timeout``, ``deadline``, ``connection``, ``truncated`` or one of
        `PERMANENT_REASONS`.
    detail
        What was expected and what was found, for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    @property
    def is_permanent(self) -> bool:
        """Whether asking again at once is of no use."""
        return self.reason in PERMANENT_REASONS
