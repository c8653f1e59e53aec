"""Fixtures of the scraper's tests."""

from collections.abc import Iterator

import pytest

from tests.sources.tenthousand.local_site import Site, serve


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as found:
        yield found
