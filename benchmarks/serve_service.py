"""The service that `benchmarks.serve` loads: two versions of a small index, and a process.

It runs as users run it, ``mmpipeline serve`` in a process of its own on a free port; a connection
stays open from question to question.
"""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import torch

from mmpipeline.catalog.build import build_catalog
from mmpipeline.config.catalog import CatalogConfig
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.publish import IndexConfig
from mmpipeline.config.sample import SampleConfig
from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.features.extract import extract_features
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.weights import save_model
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.search.publish.version import build_index
from mmpipeline.sources.recipe1m.normalise import normalize_dump
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey

DIM = 128


def publish_two_versions(root: Path, recipes: int) -> list[str]:
    """Make a small world and two versions of its index; return their ids, neither promoted."""
    layout = DataLayout.at(root / "data")
    folders = {name: root / name for name in ("dump", "recipe1m", "catalog", "features", "tmp")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    write_recipe1m_dump(folders["dump"], SampleConfig(recipes=2 * recipes))
    normalize_dump(folders["dump"], folders["recipe1m"], layout, Recipe1MConfig())
    build_catalog(
        {"r1m": folders["recipe1m"]},
        folders["catalog"],
        CatalogConfig(),
        folders["tmp"],
        "500MB",
        1,
    )
    extract_features(folders["catalog"], folders["features"], layout, FeatureConfig())
    dims = {str(name): dim for name, dim in FeatureSet.open(folders["features"]).dims.items()}
    versions = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = root / f"model-{seed}"
        model.mkdir()
        save_model(FusionModel(dims, 256, DIM), model)
        key = ArtifactKey("index", {"model": str(seed)}, {}, "benchmark")
        with ArtifactStore(layout).create(key) as draft:
            draft.counts = build_index(
                model, folders["features"], folders["catalog"], draft.folder, IndexConfig()
            )
        versions.append(key.id)
    return versions


@contextmanager
def running_service(data_root: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run ``mmpipeline serve`` on a free port; yield its address and its process."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from mmpipeline.cli import main; main()",
            "serve",
            "--port",
            "0",
        ],
        env={**os.environ, "MMPIPELINE_DATA_ROOT": str(data_root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        while ask(connect(address), "GET", "/ready")[0] != 200:
            time.sleep(0.1)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def connect(address: str) -> http.client.HTTPConnection:
    """Return a connection that stays open from question to question."""
    parts = urlsplit(address)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    """Ask once; return status and body."""
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def peak_bytes(process: psutil.Process) -> int:
    """Return a process's largest resident memory; what it holds now where that is not told."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return int(process.memory_info().rss)
