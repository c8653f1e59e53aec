"""What a check of the doctor saw, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw.

    Attributes
    ----------
    check
        What was looked at.
    status
        ``problem`` means that runs will fail or answers be wrong.
    found
        What there is.
    advice
        What to do; empty when all is well.
    """

    check: str
    status: Status
    found: str
    advice: str = ""
