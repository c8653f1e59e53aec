"""Hostile Host and Origin headers against the rule of who may ask."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.serving.http.origins import LOCAL_NAMES, OwnOrigins, split_hosts

OWN = OwnOrigins(4200)
BEHIND = OwnOrigins(4200, named=("Prefect.Example.ORG", "10.0.0.5:8080", "[fd00::5]"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4200", "localhost:4200", "LocalHost:4200", "[::1]:4200"]
)
def test_own_names_at_the_own_port_are_answered(host: str) -> None:
    assert OWN.answers(host)
    assert OWN.trusts(f"http://{host}")
    assert OwnOrigins(None).answers(host)


HOSTILE = [
    "",
    " ",
    "evil.example",
    "evil.example:4200",
    "127.0.0.1",  # the port is missing: that is port 80
    "localhost",
    "127.0.0.1:4201",
    "127.0.0.1:04200x",
    "127.0.0.1:",
    "127.0.0.1:99999",
    "127.0.0.1:0",
    "127.0.0.1:04200",
    "127.0.0.1:+4200",
    "127.0.0.1:\uff14\uff12\uff10\uff10",  # digits of another script
    "127.0.0.1.:4200",
    "localhost.:4200",
    "127.0.0.1:4200:4200",
    "127.0.0.1.evil.example:4200",
    "localhost.evil.example:4200",
    "10.evil.example:4200",
    "evil.example#127.0.0.1:4200",
    "user@127.0.0.1:4200",
    "127.0.0.1:4200@evil.example",
    "127.0.0.1:4200/evil",
    "127.0.0.1:4200, evil.example",
    "127.0.0.1:4200 ",
    "\t127.0.0.1:4200",
    "127.0.0.1:4200\n",
    "127.1:4200",
    "0.0.0.0:4200",
    "127.0.0.2:4200",
    "2130706433:4200",
    "0x7f.1:4200",
    "::1:4200",
    "[::1",
    "[::1]4200",
    "[::1]:4200]",
    "[0:0:0:0:0:0:0:1]:4200",
    "[::ffff:127.0.0.1]:4200",
    "[::1%lo]:4200",
    "ⓛocalhost:4200",
    "loc\u017fhost:4200",
    "localhost\x00:4200",
    "*",
    "*:4200",
    "null",
    "prefect-in-memory",
]


@pytest.mark.parametrize("host", HOSTILE)
def test_other_hosts_are_not_answered(host: str) -> None:
    assert not OWN.answers(host)
    assert not OWN.trusts(f"http://{host}")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "127.0.0.1:4200",
        "http://http://127.0.0.1:4200",
        "file://",
        "http://",
        "https://127.0.0.1:4200",  # whatever speaks TLS there is not this server
        "ftp://127.0.0.1:4200",
        "ws://127.0.0.1:4200",
        "chrome-extension://127.0.0.1:4200",
        "http://127.0.0.1:5000",
        "http:127.0.0.1:4200",
        "http:/127.0.0.1:4200",
        "http:///127.0.0.1:4200",
        "http://127.0.0.1:4200/",
        "http://127.0.0.1:4200?x",
        "http://127.0.0.1:4200 http://evil.example",
        "http://evil.example http://127.0.0.1:4200",
        "http://evil.example?http://127.0.0.1:4200",
    ],
)
def test_other_origins_are_not_trusted(origin: str) -> None:
    assert not OWN.trusts(origin)


@given(st.text(max_size=60))
def test_nothing_but_the_own_places_is_answered(text: str) -> None:
    own = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\]):4200", text, re.ASCII | re.IGNORECASE)
    assert OWN.answers(text) == bool(own)


@given(
    st.sampled_from(LOCAL_NAMES),
    st.text("abc.:@/\\#?%,;[]* \t\x00\xe9\u3002\uff0e\uff10", min_size=1, max_size=12),
    st.booleans(),
)
def test_an_own_name_with_something_at_it_is_another(name: str, more: str, before: bool) -> None:
    assert not OWN.answers(f"{more}{name}:4200" if before else f"{name}{more}:4200")


@pytest.mark.parametrize(
    "host",
    ["prefect.example.org", "PREFECT.example.org:443", "prefect.example.org:4200",
     "prefect.example.org:80", "10.0.0.5:8080", "[fd00::5]", "[fd00::5]:4200", "127.0.0.1:4200"],
)  # fmt: skip
def test_what_the_operator_names_is_answered(host: str) -> None:
    assert BEHIND.answers(host)


@pytest.mark.parametrize(
    "host",
    ["prefect.example.org:8443", "example.org", "x.prefect.example.org", "10.0.0.5",
     "10.0.0.5:4200", "10.0.0.51:8080", "10.0.0.5.evil.example:8080"],
)  # fmt: skip
def test_no_more_than_that(host: str) -> None:
    assert not BEHIND.answers(host)
    assert not BEHIND.trusts(f"https://{host}")


def test_named_places_are_trusted_over_both_schemes() -> None:
    for origin in ("https://prefect.example.org", "http://prefect.example.org:4200"):
        assert BEHIND.trusts(origin)
    assert not BEHIND.trusts("http://prefect.example.org:443")
    assert not BEHIND.trusts("https://prefect.example.org:80")


def test_places_are_written_as_browsers_write_them() -> None:
    assert OWN.origins() == (
        "http://127.0.0.1:4200", "http://[::1]:4200", "http://localhost:4200",
    )  # fmt: skip
    named = OwnOrigins(4200, local=(), named=("a.example",))
    assert named.origins() == (
        "http://a.example", "http://a.example:4200", "https://a.example", "https://a.example:4200",
    )  # fmt: skip
    assert named.hosts() == ("a.example", "a.example:4200")
    assert all(map(named.answers, named.hosts()))
    assert all(map(named.trusts, named.origins()))


def test_a_list_is_split_at_its_commas() -> None:
    assert split_hosts(" a.example, b:1 ,,") == ("a.example", "b:1")
    assert split_hosts("") == ()
