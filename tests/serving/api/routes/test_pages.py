import pytest
import requests


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/map", "text/html"), ("/static/style.css", "text/css"),
     ("/static/search.js", "text/javascript"), ("/static/icon.svg", "image/svg+xml")],
)  # fmt: skip
def test_pages_and_files(address: str, path: str, kind: str) -> None:
    answer = requests.get(address + path, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    known = {"If-None-Match": answer.headers["ETag"]}
    again = requests.get(address + path, headers=known, timeout=10)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/none.js", "/static/", "/static/__init__.py", "/x"])
def test_anything_else_is_404(address: str, path: str) -> None:
    answer = requests.get(address + path, timeout=10)
    assert answer.status_code == 404
    assert answer.json()["reason"] == "not_found"
