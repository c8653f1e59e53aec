"""What a web page may do to the servers of `make ui`, tried in a real browser by harmless calls."""

import pytest
import requests
from playwright.sync_api import Page

from tests.tasks.live_pages import OTHER, PRIVATE_LIKE, REBOUND, Pages

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

ASK = """async ([url, method, type, body]) => {
  const headers = type ? {"Content-Type": type} : {};
  // A Blob without a type is sent without a Content-Type, and asks for no preflight.
  const content = method === "GET" ? undefined : type ? body : new Blob([body]);
  try {
    const answer = await fetch(url, {method, headers, body: content});
    return [answer.status, await answer.text()];
  } catch (error) { return [0, String(error)]; }
}"""

SEND_BLINDLY = """async ([url, body]) => {
  try {
    await fetch(url, {method: "POST", mode: "no-cors", body: new Blob([body])});
    return true;
  } catch (error) { return false; }
}"""

OPEN_SOCKET = """(url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => { socket.close(); resolve(true); };
  socket.onerror = () => resolve(false);
})"""

SUBMIT_FORM = """([url, text]) => {
  const form = document.createElement("form");
  Object.assign(form, {action: url, method: "POST", enctype: "text/plain"});
  const field = document.createElement("input");
  Object.assign(field, {name: text, value: ""});
  form.append(field);
  document.body.append(form);
  form.submit();
}"""

FRAME = """(url) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.onload = () => resolve();
  frame.src = url;
  document.body.append(frame);
})"""

SOCKETS = ("events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled")


def flows(pages: Pages) -> list[str]:
    found = requests.post(f"{pages.prefect}/api/flows/filter", json={}, timeout=30).json()
    return [flow["name"] for flow in found]


def experiments(pages: Pages) -> list[str]:
    place = f"{pages.mlflow}/api/2.0/mlflow/experiments/search"
    found = requests.get(place, params={"max_results": 100}, timeout=30).json()
    return [experiment["name"] for experiment in found["experiments"]]


def ask(
    page: Page, url: str, method: str = "GET", type_: str = "", body: str = "{}"
) -> tuple[int, str]:
    status, text = page.evaluate(ASK, [url, method, type_, body])
    return int(status), str(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", OTHER])
def test_a_page_of_another_origin_reads_nothing(
    pages: Pages, page: Page, foreign_port: int, host: str
) -> None:
    page.goto(f"http://{host}:{foreign_port}/")
    read = {
        f"{pages.prefect}/api/health": ask(page, f"{pages.prefect}/api/health"),
        "count": ask(page, f"{pages.prefect}/api/flows/count", "POST"),
        "filter": ask(page, f"{pages.prefect}/api/flows/filter", "POST", "application/json"),
        "mlflow": ask(page, f"{pages.mlflow}/api/2.0/mlflow/experiments/search?max_results=9"),
        "graphql": ask(
            page, f"{pages.mlflow}/graphql", "POST", "application/json", '{"query":"{__typename}"}'
        ),
    }
    assert {what: answer[0] for what, answer in read.items()} == dict.fromkeys(read, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", OTHER])
def test_a_page_of_another_origin_writes_nothing(
    pages: Pages, page: Page, foreign_port: int, host: str
) -> None:
    page.goto(f"http://{host}:{foreign_port}/")
    prefect = f"{pages.prefect}/api/flows/"
    mlflow = f"{pages.mlflow}/api/2.0/mlflow/experiments/create"
    for type_ in ("", "text/plain", "application/json"):
        ask(page, prefect, "POST", type_, f'{{"name": "harmless-{host}"}}')
        ask(page, mlflow, "POST", type_, f'{{"name": "harmless-{host}"}}')
    page.evaluate(SEND_BLINDLY, [prefect, f'{{"name": "harmless-blind-{host}"}}'])
    page.evaluate(SEND_BLINDLY, [mlflow, f'{{"name": "harmless-blind-{host}"}}'])
    with page.expect_navigation():
        page.evaluate(SUBMIT_FORM, [prefect, f'{{"name": "harmless-form-{host}", "tags": ["'])
    assert [name for name in flows(pages) if "harmless" in name] == []
    assert [name for name in experiments(pages) if "harmless" in name] == []


def test_a_page_of_another_origin_opens_no_socket(
    pages: Pages, page: Page, foreign_port: int
) -> None:
    page.goto(f"http://127.0.0.1:{foreign_port}/")
    places = [f"ws://127.0.0.1:{pages.prefect_port}/api/{place}" for place in SOCKETS]
    assert [page.evaluate(OPEN_SOCKET, place) for place in places] == [False] * len(SOCKETS)


@pytest.mark.parametrize("name", [REBOUND, PRIVATE_LIKE])
def test_a_name_that_was_pointed_here_is_not_answered(pages: Pages, page: Page, name: str) -> None:
    for port, place in (
        (pages.prefect_port, "/api/flows/count"),
        (pages.mlflow_port, "/api/2.0/mlflow/experiments/search"),
    ):
        page.goto(f"http://{name}:{port}/health")  # from here on every request is same-origin
        assert ask(page, place, "POST", "application/json", '{"max_results": 9}')[0] == 421
        assert ask(page, "/")[0] == 421
    page.goto(f"http://{name}:{pages.prefect_port}/")
    place = f"ws://{name}:{pages.prefect_port}/api/events/out"
    assert page.evaluate(OPEN_SOCKET, place) is False


def test_no_frame_of_another_origin_shows_the_pages(
    pages: Pages, page: Page, foreign_port: int
) -> None:
    page.goto(f"http://127.0.0.1:{foreign_port}/")
    for address in (pages.prefect, pages.mlflow):
        page.evaluate(FRAME, address)
    _, *frames = page.frames
    assert [frame.url for frame in frames] == ["chrome-error://chromewebdata/"] * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_prefects_own_page_works(pages: Pages, page: Page, host: str) -> None:
    requests.post(f"{pages.prefect}/api/flows/", json={"name": "own-flow"}, timeout=30)
    refused: list[str] = []
    page.on("response", lambda got: refused.append(got.url) if got.status >= 400 else None)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"http://{host}:{pages.prefect_port}/flows")
    page.get_by_text("own-flow").first.wait_for()
    page.goto(f"http://{host}:{pages.prefect_port}/events")
    own = f"http://{host}:{pages.prefect_port}/"
    assert ask(page, f"{own}api/flows/count", "POST") == (200, str(len(flows(pages))))
    place = f"ws://{host}:{pages.prefect_port}/api/events/out"
    assert page.evaluate(OPEN_SOCKET, place) is True
    assert [url for url in refused if url.startswith(own)] == []
    assert sockets == [place]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_mlflows_own_page_works(pages: Pages, page: Page, host: str) -> None:
    page.goto(f"http://{host}:{pages.mlflow_port}/#/experiments")
    page.get_by_text("Default").first.wait_for()
    body = f'{{"name": "own-{host}"}}'
    place = "/ajax-api/2.0/mlflow/experiments/create"
    assert ask(page, place, "POST", "application/json", body)[0] == 200
    assert f"own-{host}" in experiments(pages)


def test_a_link_from_another_site_leads_to_the_page(
    pages: Pages, page: Page, foreign_port: int
) -> None:
    page.goto(f"http://{OTHER}:{foreign_port}/")
    for address in (pages.prefect, pages.mlflow):
        page.evaluate("(url) => { location.href = url; }", address)
        page.wait_for_url(f"{address}/**", wait_until="commit")
        page.wait_for_selector("script", state="attached")
        page.goto(f"http://{OTHER}:{foreign_port}/")
