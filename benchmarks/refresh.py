"""The cost of a refresh when little or nothing is new, beside the cold run and an empty flow.

``python -m benchmarks.refresh --json``

Every run is a process of its own with a private Prefect server, as `make run` is; its CPU seconds
are those of the whole process tree. The fake site runs beside it and is not counted, and the
Recipe1M dump is written before anything is measured. In order: a cold run; runs with nothing new,
in turn with runs of an empty flow; one per cent more recipes on the site, once keeping the
published model and once training anew; one section of the config changed. Lines on stderr tell
what each stage cost.

What to expect at the default 20,000 recipes: half an hour on two cores.
"""

import argparse
import atexit
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.refresh import RefreshRequest
from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.storage.layout import DataLayout
from tasks.servers.prefect import new_login, prefect_server, quiet_environment

SOURCES = {"sample_world", "tenthousand_recipe", "recipe1m"}
CHANGED = {"index": {"recall_check_queries": 150}}
"""A section to change, and the stages that depend on it: itself alone."""


@dataclass(frozen=True, slots=True)
class RefreshCost:
    """What one run cost and made.

    Attributes
    ----------
    made
        Kinds of the artifacts that are there after it and were not before.
    """

    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    made: set[str]


def main(arguments: list[str]) -> None:
    """Measure, and print the figures.

    Parameters
    ----------
    arguments
        The command line without the program's name.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refresh", description=__doc__)
    parser.add_argument("--recipes", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON line at the end")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        run_here(json.loads(options.child))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(Path(folder), options.recipes, options.repeats)
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=2))


def compare(folder: Path, recipes: int, repeats: int) -> dict[str, Any]:
    """Run everything once, and what is quick several times.

    Parameters
    ----------
    folder
        An empty folder.
    recipes
        Recipes in all; half on the site, half in the dump.
    repeats
        Runs with nothing new, and of an empty flow.

    Returns
    -------
    dict
        The figures by name.
    """
    world, data = SampleConfig(recipes=recipes), folder / "data"
    write_recipe1m_dump(folder / "dump", world)
    request = RefreshRequest(dump=folder / "dump", newest=True)
    with serve_site(world) as site:
        cold = run_refresh(data, site, request)
        quiet = [(run_refresh(data, site, request), run_empty(data).wall_s) for _ in range(repeats)]
    grown = world.model_copy(update={"recipes": recipes + 2 * max(1, recipes // 100)})
    with serve_site(grown) as site:
        more = run_refresh(data, site, request)
        retrained = run_refresh(data, site, request.model_copy(update={"retrain": True}))
        changed = run_refresh(data, site, request, CHANGED)
    noop_s = statistics.median(noop.wall_s for noop, _ in quiet)
    empty_s = statistics.median(empty for _, empty in quiet)
    return {
        "cold_wall_s": round(cold.wall_s, 1),
        "cold_cpu_s": round(cold.cpu_s, 1),
        "noop_wall_s": round(noop_s, 2),
        "empty_flow_wall_s": round(empty_s, 2),
        "noop_over_empty": round(noop_s / (1.5 * empty_s + 3), 3),
        "noop_stages": sum(len(noop.made) for noop, _ in quiet),
        "onepercent_cpu_s": round(more.cpu_s, 1),
        "onepercent_cpu_share": round(more.cpu_s / cold.cpu_s, 3),
        "onepercent_retrained_cpu_share": round((more.cpu_s + retrained.cpu_s) / cold.cpu_s, 3),
        "onepercent_made": sorted(more.made),
        "changed_section_exact": changed.made == set(CHANGED),
        "peak_rss_mb": round(max(cold.peak_rss_mb, retrained.peak_rss_mb)),
        "recipes": recipes,
    }


@contextmanager
def serve_site(world: SampleConfig) -> Iterator[str]:
    """Serve the fake site in a process of its own; yield its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mmpipeline.sample.site.server"),
            *("--config-json", world.model_dump_json()),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def run_refresh(
    data: Path,
    site: str,
    request: RefreshRequest,
    changes: dict[str, dict[str, Any]] | None = None,
) -> RefreshCost:
    """Run the parent flow in a process of its own.

    Parameters
    ----------
    data
        The data folder.
    site
        Address of the fake site.
    request
        What to do.
    changes
        Settings by section, where they differ from the defaults.

    Returns
    -------
    RefreshCost
        What it cost and made.
    """
    scrape = {"base_url": site, "allow_loopback": True, "pace_s": 0.0}
    config = PipelineConfig.model_validate({"scrape": scrape, **(changes or {})})
    job = {
        "data": str(data),
        "config": config.model_dump(mode="json"),
        "request": request.model_dump(mode="json"),
    }
    before = _artifacts(data)
    cost = _measure(job)
    made = {kind for kind, _ in _artifacts(data) - before} - (SOURCES if not before else set())
    return RefreshCost(cost.wall_s, cost.cpu_s, cost.peak_rss_mb, made)


def run_empty(data: Path) -> RefreshCost:
    """Run a flow that does nothing, in the same surroundings."""
    return _measure({"data": str(data)})


def _artifacts(data: Path) -> set[tuple[str, str]]:
    layout = DataLayout.at(data)
    return {
        (kind, folder.name)
        for kind in layout.kinds()
        for folder in layout.artifacts(kind).glob("*/")
    }


def _measure(job: dict[str, Any]) -> RefreshCost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    print(f"run: {job.get('request', 'an empty flow')}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.refresh", "--child", json.dumps(job)]
    process = subprocess.Popen(command, stdout=sys.stderr)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    if process.wait():
        raise RuntimeError("a run failed; what it said is above")
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{cpu_s:8.1f}  CPU s in all, {wall_s:.1f} s wall, peak {peak[0] / 1e6:.0f} MB",
        file=sys.stderr,
    )
    return RefreshCost(wall_s, cpu_s, peak[0] / 1e6, set())


def _watch(pid: int, peak: list[int]) -> None:
    """Keep the largest memory of a process tree, each shared page counted once among its users."""
    while True:
        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
            peak[0] = max(peak[0], sum(p.memory_full_info().pss for p in tree))
        except psutil.NoSuchProcess:
            if not psutil.pid_exists(pid):
                return
        time.sleep(0.25)


def run_here(job: dict[str, Any]) -> None:
    """Run a job in this process: the parent flow, or a flow that does nothing.

    Parameters
    ----------
    job
        ``data``, and for the parent flow ``config`` and ``request``.
    """
    data = Path(job["data"])
    data.mkdir(parents=True, exist_ok=True)
    os.environ.update(quiet_environment(data))
    _say_what_stages_cost()
    server = ExitStack()
    atexit.register(server.close)  # before Prefect registers its exit handlers, so after them
    private = prefect_server(data, login=new_login())
    os.environ["PREFECT_API_URL"] = server.enter_context(private)
    if "config" in job:
        from flows.refresh_catalog import refresh_catalog

        config = PipelineConfig.model_validate(job["config"])
        refresh_catalog(config, RefreshRequest.model_validate(job["request"]), data)
        return
    from prefect import flow

    @flow(name="empty")
    def do_nothing() -> None:
        return

    do_nothing()


def _say_what_stages_cost() -> None:
    """Put each stage's line on stderr, after the CPU seconds that this run has taken so far."""

    class Cpu(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.cpu_s = sum(os.times()[:4])
            return True

    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(logging.Formatter("%(cpu_s)8.1f  %(message)s"))
    lines.addFilter(Cpu())
    logger = logging.getLogger("mmpipeline")
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
