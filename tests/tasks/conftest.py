"""`make ui` and a browser, for the tests that look at them from outside."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.serving.browser import chromium
from tests.tasks.live_pages import (
    HERE_BY_DNS,
    MLFLOW_NAME,
    PREFECT_NAME,
    Pages,
    foreign_site,
    free_port,
    running_pages,
)


@pytest.fixture(scope="session")
def proxy_port() -> int:
    """Where a proxy listens, if a test starts one; the pages know its names."""
    return free_port()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, proxy_port: int) -> Iterator[Pages]:
    names = (PREFECT_NAME, MLFLOW_NAME, "127.0.0.1")
    allowed = ",".join(f"{name}:{proxy_port}" for name in names)
    data_root = tmp_path_factory.mktemp("pages") / "data"
    with running_pages(data_root, MMPIPELINE_ALLOWED_HOSTS=allowed) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in HERE_BY_DNS)
    with chromium(f"--host-resolver-rules={rules}") as found:
        yield found


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    with foreign_site() as port:
        yield port


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield tab
    context.close()
