"""The cost of care: crawling the fake site beside a bare ``requests.Session``, in one run.

``python -m benchmarks.crawl --json``

Both fetch the same recipe pages of about 200,000 characters at pace 0 from a site in another
process, whose CPU is not counted; they take turns page by page, so that a noisy machine slows both.
Ours has its archive and its state on: robots.txt, deadline, caps, digests, WARC record, SQLite
commit. Left out of the ratio are compressing (``compress_ms``, as the same pages cost when
compressed again alone) and reading pages, which `benchmarks.parse_pages` measures.

Politeness is measured on crawls of their own: the least gap between two requests at the default
pace, and the wait that a 429 with ``Retry-After`` asks for. What to expect: half a minute.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import requests

from mmpipeline.config.sources import ScrapeConfig
from mmpipeline.errors import StageError
from mmpipeline.sample.world.recipes import site_id_at
from mmpipeline.sources.tenthousand.crawl.lists import walk_whole_site
from mmpipeline.sources.tenthousand.crawl.pages import fetch_page
from mmpipeline.sources.tenthousand.crawl.run import crawl_site, open_fetcher
from mmpipeline.sources.tenthousand.crawl.session import CrawlRun
from mmpipeline.sources.tenthousand.store.store import ARCHIVE_FOLDER, open_state
from mmpipeline.web.archive import PageArchive, compress_record
from mmpipeline.web.pacing import Pacer

RETRY_AFTER_S = 2.0
POLITE_PAGES = 5


class WatchedPacer(Pacer):
    """A pacer that notes when each request begins."""

    def __init__(self, pace_s: float) -> None:
        super().__init__(pace_s)
        self.starts: list[float] = []

    def wait(self, host: str) -> None:
        """Wait, and note the time."""
        super().wait(host)
        self.starts.append(time.monotonic())

    @property
    def gaps(self) -> list[float]:
        """Seconds between the starts of neighbouring requests."""
        return [after - before for before, after in pairwise(self.starts)]


class WatchedArchive(PageArchive):
    """An archive that keeps its records, so that compressing them can be measured alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        self.compress_s = 0.0

    def compress(self, record: bytes) -> bytes:
        """Compress a record, and note what it cost."""
        started = time.process_time()
        content = compress_record(record)
        self.compress_s += time.process_time() - started
        return content


@contextmanager
def serve(pages: int, page_chars: int, *faults: str) -> Iterator[str]:
    """Serve the fake site in another process; yield its address.

    Raises
    ------
    StageError
        If the site does not start.
    """
    command = [
        *(sys.executable, "-m", "mmpipeline.sample.site.server"),
        *("--recipes", str(max(2, 2 * pages)), "--page-chars", str(page_chars), *faults),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        if not line.startswith("http://"):
            raise StageError("the fake site did not start; run it alone to see why")
        try:
            yield line
        finally:
            if process.stdin is not None:
                process.stdin.close()


def measure_overhead(base_url: str, pages: int, folder: Path) -> dict[str, float]:
    """Fetch pages both ways, in turns; return the ratio and what compressing cost."""
    config = ScrapeConfig(base_url=base_url, pace_s=0, allow_loopback=True, images=False)
    ours_s = bare_s = 0.0
    done = 0
    fetcher = open_fetcher(config, None, Pacer(0))
    session = requests.Session()
    with open_state(folder) as state, WatchedArchive(folder / ARCHIVE_FOLDER) as archive:
        run = CrawlRun(folder, config, state, archive, fetcher)
        walk_whole_site(run)
        archive.compress_s = 0.0
        while done < pages and (page := state.next_page()):
            started = time.process_time()
            fetch_page(run, page)
            between = time.process_time()
            body = session.get(f"{base_url}/recipe/{page.number}", timeout=30).content
            bare_s += time.process_time() - between
            ours_s += between - started
            done += len(body) > 0
        compress_s = archive.compress_s
    fetcher.close()
    session.close()
    return {
        "overhead_ratio": round((ours_s - compress_s) / bare_s, 2),
        "compress_ms": round(1000 * compress_s / done, 2),
    }


def measure_politeness(folder: Path) -> dict[str, float | bool]:
    """Crawl at the default pace; then crawl a host that asks for a wait."""
    pacer = WatchedPacer(ScrapeConfig().pace_s)
    with serve(POLITE_PAGES, 4_000) as base_url:
        config = ScrapeConfig(base_url=base_url, allow_loopback=True, images=False)
        crawl_site(folder / "pace", config, None, pacer=pacer)
    waiting = WatchedPacer(0)
    fault = ("--fault", f"/recipe/{site_id_at(0)}", "too_many_requests")
    with serve(1, 4_000, *fault, "--retry-after", str(RETRY_AFTER_S)) as base_url:
        config = ScrapeConfig(
            base_url=base_url, pace_s=0, retries=1, allow_loopback=True, images=False
        )
        crawl_site(folder / "wait", config, None, pacer=waiting)
    return {
        "pace_s": ScrapeConfig().pace_s,
        "min_gap_s": round(min(pacer.gaps), 4),
        "retry_after_kept": max(waiting.gaps) >= RETRY_AFTER_S,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures.

    Parameters
    ----------
    arguments
        Command line; None takes the process's own.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--page-chars", type=int, default=200_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(options.pages, options.page_chars) as base_url:
            overhead = measure_overhead(base_url, options.pages, folder / "store")
        figures = {
            "overhead_ratio": overhead["overhead_ratio"],
            **measure_politeness(folder),
            "compress_ms": overhead["compress_ms"],
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.writelines(f"{name:24} {value}\n" for name, value in figures.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
