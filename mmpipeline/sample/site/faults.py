"""Faults of the fake site on demand, for tests and benchmarks of the scraper.

A fault is set on a path and takes the place of, or spoils, what the site would answer there. What
happens on the wire (bytes that drip, a connection that is reset) is left to the server; the rest
is an answer like any other.
"""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import lru_cache
from typing import Literal, get_args

from mmpipeline.errors import ConfigError

FaultKind = Literal[
    "too_many_requests",
    "too_many_requests_date",
    "unavailable",
    "slow_drip",
    "reset_in_body",
    "truncated",
    "redirect_loop",
    "redirect_private",
    "redirect_file",
    "gzip_bomb",
    "wrong_charset",
    "server_error",
    "forbidden",
    "alert",
    "deep",
    "huge",
    "duplicate_links",
]
"""The names of the faults; `Fault` says what they do where the name does not."""

FAULTS: tuple[str, ...] = get_args(FaultKind)
GONE_PAGE = "<script>alert('레시피 정보가 없습니다.');history.back();</script>"
BOMB_BYTES = 500_000_000
_HTML = "text/html; charset=UTF-8"
_PRIVATE_ADDRESS = "http://169.254.169.254/latest/meta-data/"


@dataclass(frozen=True)
class SiteResponse:
    """What the site answers; `body` is empty for a 304.

    Attributes
    ----------
    on_the_wire
        ``slow_drip``: one byte every tenth of a second. ``reset_in_body``: half the body, then a
        reset. ``truncated``: half the body, then the end. None: as HTTP says.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    on_the_wire: str | None = None


@dataclass
class Fault:
    """One fault on one path.

    Attributes
    ----------
    kind
        What happens. ``gzip_bomb`` is half a megabyte that becomes 500; ``deep`` nests 16,000
        elements; ``huge`` is a page of 5 MB; ``wrong_charset`` sends EUC-KR and says UTF-8;
        ``duplicate_links`` shows each card of a list three times under other addresses.
    times
        How many requests it spoils; None spoils all.
    retry_after_s
        What ``too_many_requests`` asks for.
    """

    kind: FaultKind
    times: int | None = None
    retry_after_s: float = 1


class FaultBook:
    """The faults of one site, by path."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def set(self, path: str, fault: Fault | None) -> None:
        """Set or clear the fault of a path (without the query).

        Raises
        ------
        ConfigError
            If there is no such kind.
        """
        if fault is None:
            self._faults.pop(path, None)
            return
        if fault.kind not in FAULTS:
            raise ConfigError(f"no fault {fault.kind!r}; known: {', '.join(FAULTS)}")
        self._faults[path] = fault

    def apply(self, path: str, answer: Callable[[], SiteResponse]) -> SiteResponse:
        """Return what the site answers on a path, spoiled if a fault is set there."""
        fault = self._faults.get(path)
        if fault is None or fault.times == 0:
            return answer()
        if fault.times is not None:
            fault.times -= 1
        prepared = _prepared(fault, path)
        return prepared if prepared is not None else _spoil(fault.kind, answer())


def _prepared(fault: Fault, path: str) -> SiteResponse | None:
    """Return the answer of a fault that does not depend on what stands there."""
    html = {"Content-Type": _HTML}
    answers: dict[str, Callable[[], SiteResponse]] = {
        "too_many_requests": lambda: SiteResponse(
            429, b"", {"Retry-After": f"{fault.retry_after_s:.0f}"}
        ),
        "too_many_requests_date": lambda: SiteResponse(
            429, b"", {"Retry-After": formatdate(time.time() + fault.retry_after_s, usegmt=True)}
        ),
        "unavailable": lambda: SiteResponse(503, b"busy"),
        "server_error": lambda: SiteResponse(500, b"error"),
        "forbidden": lambda: SiteResponse(403, b"no"),
        "redirect_loop": lambda: SiteResponse(302, b"", {"Location": path}),
        "redirect_private": lambda: SiteResponse(302, b"", {"Location": _PRIVATE_ADDRESS}),
        "redirect_file": lambda: SiteResponse(302, b"", {"Location": "file:///etc/hostname"}),
        "gzip_bomb": lambda: SiteResponse(200, make_bomb(), html | {"Content-Encoding": "gzip"}),
        "alert": lambda: SiteResponse(200, GONE_PAGE.encode(), html),
        "deep": lambda: SiteResponse(200, make_deep_page(), html),
        "huge": lambda: SiteResponse(200, make_huge_page(), html),
    }
    return answers[fault.kind]() if fault.kind in answers else None


def _spoil(kind: str, answer: SiteResponse) -> SiteResponse:
    if kind == "wrong_charset":
        text = answer.body.decode().encode("cp949", errors="ignore")
        return replace(answer, body=text, headers={"Content-Type": _HTML})
    if kind == "duplicate_links":
        return replace(answer, body=_repeat_cards(answer.body))
    return replace(answer, on_the_wire=kind)


def _repeat_cards(body: bytes) -> bytes:
    """Let each card stand there three times: relative, with another scheme, on the mobile site."""
    pieces = body.split(b'<li class="common_sp_list_li">')
    for number, piece in enumerate(pieces[1:], start=1):
        card = b'<li class="common_sp_list_li">' + piece
        others = [
            card.replace(b'href="/recipe/', b'href="http://' + host + b"/recipe/")
            for host in (b"www.10000recipe.com", b"m.10000recipe.com")
        ]
        pieces[number] = card if b"</ul>" in piece else card + b"".join(others)
    return b"".join(pieces)


@lru_cache(maxsize=1)
def make_bomb() -> bytes:
    """Return half a megabyte of gzip that becomes 500 MB: many members of the same zeros."""
    member = gzip.compress(bytes(1_000_000), mtime=0)
    return member * (BOMB_BYTES // 1_000_000)


@lru_cache(maxsize=1)
def make_deep_page(levels: int = 16_000) -> bytes:
    """Return a recipe page whose elements nest 16,000 deep."""
    page = f"<div class='view2_summary'><h3>깊은 국</h3></div>{'<div>' * levels}무"
    return page.encode()


@lru_cache(maxsize=1)
def make_huge_page(size_bytes: int = 4_990_000) -> bytes:
    """Return a recipe page of 5 MB, full of small elements."""
    start = "<div class='view2_summary'><h3>긴 국</h3></div><ul id='divConfirmedMaterialArea'>"
    item = "<li class='a b'>무 <span class='ingre_unit'>1개</span></li>"
    return (start + item * ((size_bytes - len(start)) // len(item.encode()))).encode()
