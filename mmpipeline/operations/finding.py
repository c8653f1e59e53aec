"""The finding of one check of the doctor, with its remedy."""

import textwrap
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]
MARKS: dict[Status, str] = {"ok": " ", "warning": "!", "problem": "x"}
INDENT, WIDTH = 28, 72


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

    def lines(self) -> list[str]:
        """Return it for a screen of 100 columns: mark, check and what there is, then the advice."""
        first, *more = textwrap.wrap(self.found, WIDTH) or [""]
        more += textwrap.wrap(self.advice, WIDTH)
        head = f"{MARKS[self.status]} {self.check}".ljust(INDENT - 2)
        return [f"{head}  {first}", *(" " * INDENT + line for line in more)]
