"""The sample world around a run: its dump as an artifact, its site as a process.

The site runs in a process of its own, so that the run's measured work is the crawl alone, and on
a port that follows from the data folder: photo links in archived pages keep working in the next
run. It ends when its standard input closes, so it never outlives the run.
"""

import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefect import task

from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.refresh import RefreshRequest
from mmpipeline.config.sample import SampleConfig
from mmpipeline.config.sources import ScrapeConfig
from mmpipeline.errors import StageError
from mmpipeline.planning.keys import sample_world_key
from mmpipeline.sample.bayes import oracle_bound
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.storage.artifact import Draft
from mmpipeline.storage.layout import DataLayout
from tasks.runtime.stage import produce, report

WORDS = {"instructions": "steps", "image": "photo"}
FIRST_PORT = 20_000
PORTS = 10_000


@dataclass(frozen=True, slots=True)
class SourceInputs:
    """Where recipes come from in one run.

    Attributes
    ----------
    scrape
        How the site is asked; None leaves it alone.
    site
        Name of the scrape store below `data/raw`.
    dump
        Folder in Recipe1M's layout; None when there is none.
    """

    scrape: ScrapeConfig | None
    site: str
    dump: Path | None


@contextmanager
def ask_sources(
    config: PipelineConfig, request: RefreshRequest, data_root: Path
) -> Iterator[SourceInputs]:
    """Say where the recipes come from, and keep the sample site up while they do.

    Parameters
    ----------
    config
        The experiment.
    request
        Which sources are asked for.
    data_root
        The data folder.

    Yields
    ------
    SourceInputs
        For the two flows that bring recipes in.
    """
    if not request.sample:
        yield SourceInputs(
            config.scrape if request.scrape else None, "tenthousand_recipe", request.dump
        )
        return
    world = write_sample_world(config.sample, data_root)
    with sample_site(config.sample, DataLayout.at(data_root)) as base_url:
        local = config.scrape.model_copy(
            update={"base_url": base_url, "allow_loopback": True, "pace_s": 0.0}
        )
        yield SourceInputs(local, "sample_site", request.dump or world / "recipe1m")


@task
def write_sample_world(config: SampleConfig, data_root: Path) -> Path:
    """Write the sample world's Recipe1M dump; return the artifact's folder."""

    def make(draft: Draft) -> dict[str, float]:
        counts = write_recipe1m_dump(draft.folder / "recipe1m", config)
        bound = {WORDS.get(part, part): share for part, share in oracle_bound(config).items()}
        draft.notes["oracle_bound"] = bound
        report(
            "sample_world",
            "oracle: " + ", ".join(f"{part} {share:.2f}" for part, share in bound.items()),
        )
        return counts

    return produce(data_root, sample_world_key(config), make, ("recipes", "images"))


@contextmanager
def sample_site(config: SampleConfig, layout: DataLayout) -> Iterator[str]:
    """Serve the fake site on loopback for the length of a block.

    Parameters
    ----------
    config
        The sample world.
    layout
        The data folder; the port follows from its path.

    Yields
    ------
    str
        The site's base URL.

    Raises
    ------
    StageError
        If the site does not start.
    """
    port = FIRST_PORT + zlib.crc32(str(layout.root).encode()) % PORTS
    log = layout.state / "logs" / "sample-site.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mmpipeline.sample.site.server", "--port", str(port)),
                *("--config-json", config.model_dump_json()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        if not line.startswith("http://127.0.0.1:"):
            process.wait(timeout=5)
            reason = log.read_text(encoding="utf-8").strip().rpartition("\n")[2]
            raise StageError(f"the sample site did not start on port {port} ({reason})")
        yield line
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
