"""The proxy of docs/access.md, a real nginx, before the pages: logins, websockets, clients."""

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from mlflow import MlflowClient
from playwright.sync_api import Browser

from mmpipeline.config import EnvironmentSettings
from mmpipeline.operations.services import check_services
from tests.tasks.live_pages import MLFLOW_NAME, OTHER, PREFECT_NAME, ROOT, Pages

USER, PASSWORD = "me", "word"
LOGIN = (USER, PASSWORD)
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPEN_SOCKET = """(url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onopen = () => { socket.close(); resolve(true); };
  socket.onerror = () => resolve(false);
})"""
POST = """async (url) => {
  try {
    const body = new Blob(['{"name": "harmless-proxied"}']);
    return (await fetch(url, {method: "POST", body, credentials: "include"})).status;
  } catch (error) { return 0; }
}"""
RUN_A_FLOW = """
from prefect import flow, task
@task
def double(number): return 2 * number
@flow(name="through-the-proxy")
def doubled(): return double.submit(21).result()
assert doubled() == 42
"""

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(NGINX is None, reason="no nginx is installed here"),
]


@pytest.fixture(scope="module")
def proxy(pages: Pages, proxy_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """nginx with the servers of the documentation, on a loopback port and without TLS."""
    folder = tmp_path_factory.mktemp("nginx")
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "users").write_text(f"{USER}:{{SHA}}{digest}\n")
    documented = (ROOT / "docs" / "access.md").read_text()
    (servers,) = re.findall(r"```nginx\n(.*?)```", documented, re.DOTALL)
    for written, here in (
        (r"listen 443 ssl;", f"listen 127.0.0.1:{proxy_port};"),
        (r" *ssl_certificate(_key)? .*;\n", ""),
        (r"/etc/nginx/mmpipeline\.users", str(folder / "users")),
        (r"127\.0\.0\.1:4200", f"127.0.0.1:{pages.prefect_port}"),
        (r"127\.0\.0\.1:5000", f"127.0.0.1:{pages.mlflow_port}"),
    ):
        servers, times = re.subn(written, here, servers)
        assert times, f"docs/access.md has no {written}"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder / 'pid'}; error_log {folder / 'errors'};\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{servers}}}\n"
    )
    process = subprocess.Popen(
        [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE
    )
    address = f"http://127.0.0.1:{proxy_port}"
    try:
        for _ in range(300):
            with suppress(requests.ConnectionError):
                requests.get(address, timeout=30)
                break
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.communicate()


def test_it_asks_for_a_login_and_its_names_are_answered(proxy: str, proxy_port: int) -> None:
    for name, path in ((PREFECT_NAME, "/api/health"), (MLFLOW_NAME, "/health")):
        host = {"Host": f"{name}:{proxy_port}"}
        assert requests.get(proxy + path, headers=host, timeout=30).status_code == 401
        assert requests.get(proxy + path, headers=host, auth=LOGIN, timeout=30).ok
    other = {"Host": "rebound.example"}  # nginx hands it to its first server, which hands it on
    assert requests.get(proxy, headers=other, auth=LOGIN, timeout=30).status_code == 421


def test_a_flow_logs_in_and_its_events_arrive(pages: Pages, proxy: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", RUN_A_FLOW],
        env={
            **os.environ,
            "PREFECT_API_URL": f"{proxy}/api",
            "PREFECT_API_AUTH_STRING": f"{USER}:{PASSWORD}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    # The client says over a websocket what becomes of a task.
    wanted = {"filter": {"event": {"prefix": ["prefect.task-run."]}}}
    place, deadline = f"{pages.prefect}/api/events/filter", time.monotonic() + 60
    while not (found := requests.post(place, json=wanted, timeout=30).json()["events"]):
        assert time.monotonic() < deadline, run.stderr
        time.sleep(0.2)
    assert "prefect.task-run.Completed" in {event["event"] for event in found}


def test_mlflows_client_and_the_doctor_log_in(
    proxy: str, proxy_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **more: resolve("127.0.0.1", *rest, **more)
    )
    address = f"http://{MLFLOW_NAME}:{proxy_port}"
    (finding,) = check_services(EnvironmentSettings(mlflow_uri=address))
    assert "answers 401" in finding.found
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    (finding,) = check_services(EnvironmentSettings(mlflow_uri=address))
    assert finding.status == "ok", finding
    client = MlflowClient(address)
    experiment = client.create_experiment("through-the-proxy")
    assert client.get_experiment(experiment).name == "through-the-proxy"


def test_the_pages_work_behind_it(
    pages: Pages, proxy: str, proxy_port: int, browser: Browser, foreign_port: int
) -> None:
    context = browser.new_context(http_credentials={"username": USER, "password": PASSWORD})
    page = context.new_page()
    page.set_default_timeout(60_000)
    site = f"{PREFECT_NAME}:{proxy_port}"
    page.goto(f"http://{site}/flows", wait_until="commit")
    page.get_by_text("Flows").first.wait_for()
    assert page.evaluate(POST, f"http://{site}/api/flows/filter") == 200
    assert page.evaluate(OPEN_SOCKET, f"ws://{site}/api/events/out") is True
    page.goto(f"http://{MLFLOW_NAME}:{proxy_port}/#/experiments", wait_until="commit")
    page.get_by_text("Default").first.wait_for()
    # Whoever has logged in still follows no other site's orders.
    page.goto(f"http://{OTHER}:{foreign_port}/")
    assert page.evaluate(POST, f"http://{site}/api/flows/") == 0
    assert page.evaluate(OPEN_SOCKET, f"ws://{site}/api/events/in") is False
    context.close()
    found = requests.post(f"{pages.prefect}/api/flows/filter", json={}, timeout=30).json()
    assert [flow["name"] for flow in found if flow["name"] == "harmless-proxied"] == []
