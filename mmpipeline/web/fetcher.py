"""The polite fetcher: a guest that the host does not notice.

One request at a time, each host at its pace; retries with growing, jittered waits only where
asking again can help; `Retry-After` pauses the host; redirects are followed hop by hop and only
to allowed hosts; the time of a whole request and the decoded size of a body are capped. Serial
on purpose: at the pace a host is asked, there is nothing to gain from more workers.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions

from mmpipeline.web.decoding import BodyDecoder
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.pacing import Pacer, read_retry_after
from mmpipeline.web.transport import ConnectionGuard, open_session

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
_READ_BYTES = 65_536
_CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a request may cost and how stubborn the fetcher is.

    Attributes
    ----------
    timeout_s
        Whole request including its body, in seconds.
    retries
        Further attempts after the first.
    backoff_s, max_wait_s
        Wait before the first retry, doubled for each further one; upper bound of any one wait,
        `Retry-After` included, in seconds.
    """

    timeout_s: float = 30.0
    retries: int = 3
    backoff_s: float = 1.0
    max_wait_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered.

    Attributes
    ----------
    url
        The address that answered, after redirects.
    raw
        The body as received, still content-encoded.
    body
        The decoded body.
    fetched_at
        UTC, ISO 8601 with seconds.
    """

    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    body: bytes
    fetched_at: str

    def header(self, name: str) -> str | None:
        """Return the first header of this name, whatever its case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(slots=True)
class Fetcher:
    """Fetches from a fixed set of hosts.

    Attributes
    ----------
    allowed_hosts
        Host names that may be asked; a redirect to another one is refused.
    user_agent
        Sent with each request; see `transport.name_user_agent`.
    allow_loopback
        Let requests reach this machine, where the sample site lives.
    may_fetch
        Asked for the target of each redirect; robots.txt rules are plugged in here.
    on_wait
        Gets a note on each pause that a host asked for.
    requests_sent
        How many requests went out.
    """

    allowed_hosts: frozenset[str]
    user_agent: str
    pacer: Pacer
    limits: FetchLimits = field(default_factory=FetchLimits)
    allow_loopback: bool = False
    may_fetch: Callable[[str], bool] = lambda url: True
    on_wait: Callable[[str], None] = lambda message: None
    requests_sent: int = 0
    _guard: ConnectionGuard = field(init=False, repr=False)
    _session: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open the session."""
        self._guard = ConnectionGuard(allow_loopback=self.allow_loopback)
        self._session = open_session(self._guard, self.user_agent)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def fetch(self, url: str, *, max_bytes: int, headers: dict[str, str] | None = None) -> Response:
        """Get one address.

        Parameters
        ----------
        url
            Absolute http(s) address.
        max_bytes
            Cap of the decoded body.
        headers
            Further request headers, such as ``If-None-Match``.

        Returns
        -------
        Response
            Whatever the server answered in the end, also 4xx and, after all retries, 5xx.

        Raises
        ------
        RequestFailedError
            If there was no usable answer; `reason` says why.
        """
        for hop in range(MAX_REDIRECTS + 1):
            self._check_target(url)
            if hop and not self.may_fetch(url):
                raise RequestFailedError("blocked_robots", f"redirected to {url[:200]}")
            response = self._attempt_until_answered(url, max_bytes, headers or {})
            target = response.header("Location")
            if response.status not in REDIRECT_STATUSES or not target:
                return response
            url = _join(url, target)
        raise RequestFailedError("too_many_redirects", f"more than {MAX_REDIRECTS} hops")

    def _check_target(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError as error:
            raise RequestFailedError("blocked_scheme", f"no address: {url[:100]!r}") from error
        if parts.scheme not in {"http", "https"}:
            raise RequestFailedError("blocked_scheme", f"not http or https: {url[:100]!r}")
        if host not in self.allowed_hosts:
            allowed = ", ".join(sorted(self.allowed_hosts))
            raise RequestFailedError("blocked_host", f"{host[:100]!r} is not one of {allowed}")

    def _attempt_until_answered(
        self, url: str, max_bytes: int, headers: dict[str, str]
    ) -> Response:
        host = urlsplit(url).netloc
        for attempt in range(self.limits.retries + 1):
            is_last = attempt == self.limits.retries
            self.pacer.wait(host)
            try:
                response = self._request_once(url, max_bytes, headers)
            except RequestFailedError as failure:
                if failure.is_permanent or is_last:
                    raise
                self._pause(host, attempt, None, failure.reason)
                continue
            if response.status not in RETRIED_STATUSES:
                return response
            retry_after = response.header("Retry-After")
            if is_last:
                if retry_after:  # the next address on this host waits too
                    self._pause(host, attempt, retry_after, f"status {response.status}")
                return response
            self._pause(host, attempt, retry_after, f"status {response.status}")
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause(self, host: str, attempt: int, retry_after: str | None, why: str) -> None:
        asked_s = read_retry_after(retry_after)
        if asked_s is None:
            wait_s = self.limits.backoff_s * 2**attempt * random.uniform(0.5, 1.5)
        else:
            wait_s = asked_s
            why = f"{why}, Retry-After"
        wait_s = min(wait_s, self.limits.max_wait_s)
        self.on_wait(f"{host}: waiting {wait_s:.0f} s ({why})")
        self.pacer.pause(host, wait_s)

    def _request_once(self, url: str, max_bytes: int, headers: dict[str, str]) -> Response:
        self.requests_sent += 1
        timeout_s = self.limits.timeout_s
        with self._guard.deadline(timeout_s):
            try:
                response = self._receive(url, max_bytes, headers)
            except RequestFailedError:
                raise
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if self._guard.is_expired:
                    raise self._expired() from error
                raise _describe(error) from error
            # A shut socket looks like the end of a body of undeclared length.
            if self._guard.is_expired:
                raise self._expired()
            return response

    def _expired(self) -> RequestFailedError:
        return RequestFailedError("deadline", f"not done after {self.limits.timeout_s:g} s")

    def _receive(self, url: str, max_bytes: int, headers: dict[str, str]) -> Response:
        timeouts = (min(_CONNECT_TIMEOUT_S, self.limits.timeout_s), self.limits.timeout_s)
        answer = self._session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=timeouts
        )
        try:
            decoder = BodyDecoder(answer.headers.get("Content-Encoding"), max_bytes)
            pieces = []
            while piece := answer.raw.read(_READ_BYTES, decode_content=False):
                decoder.feed(piece)
                pieces.append(piece)
            body = decoder.finish()
        except BaseException:
            answer.raw.close()  # the rest of the body is not wanted: drop the connection
            raise
        finally:
            answer.close()
        return Response(
            url=answer.url,
            status=answer.status_code,
            reason=answer.reason or "",
            headers=tuple(answer.raw.headers.items()),
            raw=b"".join(pieces),
            body=body,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def _join(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise RequestFailedError("blocked_scheme", f"no address: {target[:100]!r}") from error


def _describe(error: Exception) -> RequestFailedError:
    text = str(error)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return RequestFailedError("timeout", text[:200])
    if "IncompleteRead" in text:
        return RequestFailedError("truncated", text[:200])
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return RequestFailedError("blocked_scheme", text[:200])
    return RequestFailedError("connection", text[:200])
