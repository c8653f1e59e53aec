import pytest

from mmpipeline.web.failures import RequestFailedError
from mmpipeline.web.fetcher import Response
from mmpipeline.web.robots import MAX_AGE_S, RobotsPolicy

SITE = "https://www.example.org"
RULES = b"User-Agent: *\nDisallow: /admin/\nCrawl-delay: 7\n\nUser-agent: dotbot\nDisallow: /\n"


class Host:
    """Answers robots.txt with a status and a body, and counts."""

    def __init__(self, status: int = 200, body: bytes = RULES) -> None:
        self.status, self.body = status, body
        self.asked: list[str] = []
        self.now = 0.0
        self.policy = RobotsPolicy(self.fetch, clock=lambda: self.now)

    def fetch(self, url: str) -> Response:
        self.asked.append(url)
        if self.status == 0:
            raise RequestFailedError("timeout", "no answer")
        return Response(url, self.status, "", (), self.body, self.body, "2025-01-01T00:00:00+00:00")


def test_rules_hold_and_are_asked_for_once() -> None:
    host = Host()
    assert host.policy.allows(f"{SITE}/recipe/7000001")
    assert host.policy.allows(f"{SITE}/recipe/list.html?page=1")
    assert not host.policy.allows(f"{SITE}/admin/x")
    assert host.asked == [f"{SITE}/robots.txt"]
    assert host.policy.rules_for(SITE).crawl_delay_s == 7


def test_rules_are_read_again_after_a_day() -> None:
    host = Host()
    host.policy.allows(f"{SITE}/recipe/1")
    host.body = b"User-agent: *\nDisallow: /\n"
    host.now = MAX_AGE_S - 1
    assert host.policy.allows(f"{SITE}/recipe/1")
    host.now = MAX_AGE_S
    assert not host.policy.allows(f"{SITE}/recipe/1")


@pytest.mark.parametrize("jump", [-400 * MAX_AGE_S, 400 * MAX_AGE_S])
def test_rules_are_read_again_when_the_clock_jumps(jump: float) -> None:
    host = Host()
    host.policy.allows(f"{SITE}/recipe/1")
    host.now = jump
    host.policy.allows(f"{SITE}/recipe/1")
    assert len(host.asked) == 2
    host.policy.allows(f"{SITE}/recipe/1")
    assert len(host.asked) == 2


@pytest.mark.parametrize(
    ("status", "allowed"), [(404, True), (403, True), (410, True), (500, False), (503, False),
                            (429, False), (0, False)],
)  # fmt: skip
def test_absent_rules_allow_and_unreadable_ones_forbid(status: int, allowed: bool) -> None:
    assert Host(status).policy.allows(f"{SITE}/recipe/1") is allowed


def test_a_group_for_our_name_goes_first() -> None:
    host = Host(body=b"User-agent: *\nAllow: /\n\nUser-agent: mmpipeline\nDisallow: /recipe/\n")
    assert not host.policy.allows(f"{SITE}/recipe/1")
    assert host.policy.allows(f"{SITE}/robots.txt")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"<html>no rules</html>"])
def test_nonsense_forbids_nothing(body: bytes) -> None:
    assert Host(body=body).policy.allows(f"{SITE}/recipe/1")
