import gzip
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler

import psutil
import pytest

from mmpipeline.errors import ConfigError
from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Fetcher, FetchLimits
from mmpipeline.web.pacing import Pacer, read_retry_after
from mmpipeline.web.transport import name_user_agent
from tests.sources.tenthousand.local_site import Answer, Asked, Site


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetcher(clock: Clock) -> Iterator[Fetcher]:
    made = Fetcher(
        allowed_hosts=frozenset({"127.0.0.1"}),
        user_agent="mmpipeline/test (+nobody)",
        pacer=Pacer(0, clock=lambda: clock.now, sleep=clock.sleep),
        limits=FetchLimits(timeout_s=5, retries=2),
        allow_loopback=True,
    )
    yield made
    made.close()


def fail_reason(fetcher: Fetcher, url: str, max_bytes: int = 1_000_000) -> str:
    with pytest.raises(RequestFailedError) as caught:
        fetcher.fetch(url, max_bytes=max_bytes)
    return caught.value.reason


def test_an_answer_comes_with_its_bytes_as_received(fetcher: Fetcher, site: Site) -> None:
    body = "가짜 국".encode() * 50
    zipped = gzip.compress(body)
    site.pages["/a"] = Answer(200, zipped, {"Content-Encoding": "gzip", "ETag": '"1"'})
    response = fetcher.fetch(f"{site.url}/a", max_bytes=10_000)
    assert (response.status, response.body, response.raw) == (200, body, zipped)
    assert response.header("etag") == '"1"'
    assert site.asked[0].headers["User-Agent"] == "mmpipeline/test (+nobody)"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_trouble_is_retried(
    fetcher: Fetcher, site: Site, clock: Clock, status: int
) -> None:
    answers = iter([Answer(status), Answer(status), Answer(200, b"ok")])
    site.pages["/a"] = lambda request: next(answers)
    assert fetcher.fetch(f"{site.url}/a", max_bytes=100).body == b"ok"
    assert 0.5 <= clock.slept[0] <= 1.5  # one second, jittered
    assert 1.0 <= clock.slept[1] <= 3.0  # then two


def test_retries_are_bounded_and_the_last_answer_is_returned(fetcher: Fetcher, site: Site) -> None:
    site.pages["/a"] = Answer(503)
    assert fetcher.fetch(f"{site.url}/a", max_bytes=100).status == 503
    assert len(site.asked) == fetcher.requests_sent == 3


def test_missing_pages_are_not_retried(fetcher: Fetcher, site: Site) -> None:
    assert fetcher.fetch(f"{site.url}/none", max_bytes=100).status == 404
    assert len(site.asked) == 1


def test_retry_after_pauses_the_host(fetcher: Fetcher, site: Site, clock: Clock) -> None:
    answers = iter([Answer(429, b"", {"Retry-After": "30"}), Answer(200, b"ok")])
    site.pages["/a"] = lambda request: next(answers)
    notes: list[str] = []
    fetcher.on_wait = notes.append
    fetcher.fetch(f"{site.url}/a", max_bytes=100)
    assert clock.slept == [30.0]
    assert notes == [f"127.0.0.1:{site.port}: waiting 30 s (status 429, Retry-After)"]


def test_retry_after_is_capped(fetcher: Fetcher, site: Site, clock: Clock) -> None:
    site.pages["/a"] = Answer(503, b"", {"Retry-After": "999999"})
    fetcher.fetch(f"{site.url}/a", max_bytes=100)
    assert clock.slept == [300.0, 300.0]


def test_retry_after_is_read_in_both_forms() -> None:
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert read_retry_after(" 12 ") == 12
    assert read_retry_after(format_datetime(later, usegmt=True)) == pytest.approx(90, abs=2)
    assert read_retry_after("Mon, 02 Jan 2006 15:04:05 GMT") == 0
    assert read_retry_after("soon") is None
    assert read_retry_after(None) is None


def test_requests_to_one_host_keep_their_distance(site: Site, clock: Clock) -> None:
    fetcher = Fetcher(
        allowed_hosts=frozenset({"127.0.0.1"}),
        user_agent="test",
        pacer=Pacer(1.5, clock=lambda: clock.now, sleep=clock.sleep),
        allow_loopback=True,
    )
    site.pages["/a"] = b"ok"
    for _ in range(20):
        fetcher.fetch(f"{site.url}/a", max_bytes=100)
    fetcher.close()
    assert len(clock.slept) == 19
    assert min(clock.slept) >= 1.5
    assert max(clock.slept) <= 1.5 * 1.25 + 0.001
    assert len(set(clock.slept)) > 10  # jittered


def drip(handler: BaseHTTPRequestHandler, head: bytes, piece: bytes) -> None:
    handler.wfile.write(head)
    for _ in range(200):
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",  # the headers themselves never end
    ],
)
def test_a_dripping_server_is_left_at_the_deadline(
    fetcher: Fetcher, site: Site, head: bytes
) -> None:
    fetcher.limits = FetchLimits(timeout_s=0.4, retries=0)
    site.pages["/a"] = Answer(write=lambda handler: drip(handler, head, b"x"))
    started = time.monotonic()
    assert fail_reason(fetcher, f"{site.url}/a") == "deadline"
    assert time.monotonic() - started < 2.0
    site.pages["/b"] = b"fine"
    assert fetcher.fetch(f"{site.url}/b", max_bytes=100).body == b"fine"


def test_a_short_body_is_noticed_and_retried(fetcher: Fetcher, site: Site) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf")

    site.pages["/a"] = Answer(write=cut)
    assert fail_reason(fetcher, f"{site.url}/a") == "truncated"
    assert len(site.asked) == 3


def test_a_reset_connection_is_a_reason(fetcher: Fetcher, site: Site) -> None:
    site.pages["/a"] = Answer(write=lambda handler: None)
    assert fail_reason(fetcher, f"{site.url}/a") == "connection"


def test_a_bomb_is_cut_at_the_cap(fetcher: Fetcher, site: Site) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    site.pages["/a"] = Answer(200, bomb, {"Content-Encoding": "gzip"})
    before = psutil.Process().memory_info().rss
    assert fail_reason(fetcher, f"{site.url}/a", max_bytes=5_000_000) == "too_large"
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert len(site.asked) == 1


def test_a_bomb_in_a_redirect_is_cut_too(fetcher: Fetcher, site: Site) -> None:
    headers = {"Content-Encoding": "gzip", "Location": "/b"}
    site.pages["/a"] = Answer(302, gzip.compress(bytes(20_000_000)), headers)
    site.pages["/b"] = b"here"
    assert fail_reason(fetcher, f"{site.url}/a", max_bytes=1_000_000) == "too_large"


def test_a_large_plain_body_is_cut_at_the_cap(fetcher: Fetcher, site: Site) -> None:
    site.pages["/a"] = Answer(200, bytes(200_000))
    assert fail_reason(fetcher, f"{site.url}/a", max_bytes=100_000) == "too_large"


def test_an_encoding_nobody_asked_for_is_refused(fetcher: Fetcher, site: Site) -> None:
    site.pages["/a"] = Answer(200, b"x", {"Content-Encoding": "br"})
    assert fail_reason(fetcher, f"{site.url}/a") == "bad_encoding"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("file:///etc/passwd", "blocked_scheme"),
        ("ftp://127.0.0.1/a", "blocked_scheme"),
        ("http://10.0.0.1/", "blocked_host"),
        ("http://169.254.169.254/latest/meta-data", "blocked_host"),
        ("//example.org/", "blocked_host"),
        ("http://[::1", "blocked_scheme"),
    ],
)
def test_redirects_lead_nowhere_else(
    fetcher: Fetcher, site: Site, target: str, reason: str
) -> None:
    site.pages["/a"] = Answer(302, b"", {"Location": target})
    assert fail_reason(fetcher, f"{site.url}/a") == reason
    assert len(site.asked) == 1


def test_redirects_are_followed_hop_by_hop_and_bounded(fetcher: Fetcher, site: Site) -> None:
    site.pages["/a"] = Answer(301, b"", {"Location": "b"})
    site.pages["/b"] = b"here"
    assert fetcher.fetch(f"{site.url}/a", max_bytes=100).url == f"{site.url}/b"
    site.pages["/loop"] = Answer(302, b"", {"Location": "/loop"})
    assert fail_reason(fetcher, f"{site.url}/loop") == "too_many_redirects"
    fetcher.may_fetch = lambda url: False
    assert fail_reason(fetcher, f"{site.url}/a") == "blocked_robots"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_closed_unless_allowed(site: Site, host: str) -> None:
    """An allowed name that resolves into a private network is refused before connecting."""
    fetcher = Fetcher(
        allowed_hosts=frozenset({host}), user_agent="test", pacer=Pacer(0), allow_loopback=False
    )
    assert fail_reason(fetcher, f"http://{host}:{site.port}/a") == "blocked_address"
    assert site.asked == []
    fetcher.close()


def test_credentials_and_proxies_of_the_user_are_not_used(
    fetcher: Fetcher, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    asked: list[Asked] = site.asked
    site.pages["/a"] = b"ok"
    assert fetcher.fetch(f"{site.url}/a", max_bytes=100).status == 200
    assert "Authorization" not in asked[0].headers


def test_the_user_agent_names_us() -> None:
    assert name_user_agent("mailto:me@example.org", is_loopback=False).endswith(
        "(+mailto:me@example.org)"
    )
    assert name_user_agent(None, is_loopback=True).startswith("mmpipeline/")
    with pytest.raises(ConfigError, match="MMPIPELINE_CONTACT"):
        name_user_agent("  ", is_loopback=False)
    with pytest.raises(ConfigError, match="one line of ASCII"):
        name_user_agent("me\r\nX-Evil: 1", is_loopback=True)
