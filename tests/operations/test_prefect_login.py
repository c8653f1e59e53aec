"""Plain requests log in as Prefect's own client does."""

import base64

import pytest

from mmpipeline.operations.prefect_login import LOGIN_VARIABLE, login_headers


def test_the_login_is_sent_as_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOGIN_VARIABLE, "me:비밀 word")
    kind, _, value = login_headers()["Authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(value).decode() == "me:비밀 word"


@pytest.mark.parametrize("login", [None, ""])
def test_without_a_login_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, login: str | None
) -> None:
    if login is None:
        monkeypatch.delenv(LOGIN_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(LOGIN_VARIABLE, login)
    assert login_headers() == {}
