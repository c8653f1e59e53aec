"""The map stages on a real cluster of two processes: the same bytes, also when one dies."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

from mmpipeline.config import FeatureConfig, ParseConfig, Recipe1MConfig, SampleConfig, ScrapeConfig
from mmpipeline.errors import ConfigError, StageError
from mmpipeline.sample.dump import write_recipe1m_dump
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout, open_artifact
from tasks.runtime import cluster
from tasks.runtime.cluster import ClusterExecutor, cluster_workers
from tasks.stages.features import extract
from tasks.stages.recipe1m import normalize
from tasks.stages.scraping import parse
from tests.features.conftest import draw_photo, encode_bytes, make_recipe, write_catalog
from tests.sources.tenthousand.local_site import Site, fill_site, serve

ENCODERS = FeatureConfig(
    image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64
)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as found:
        yield found.scheduler_address


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as found:
        fill_site(found, list(range(1, 101)))
        yield found


def run_parse(root: Path, site: Site) -> Callable[[], Path]:
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True, required_field_bound=1)
    crawl_site(DataLayout.at(root).scrape_store("site"), config, None)
    return lambda: parse.fn("site", ParseConfig(required_field_bound=1), root)


def run_normalize(root: Path) -> Callable[[], Path]:
    dump = root / "raw" / "dump"
    write_recipe1m_dump(dump, SampleConfig(recipes=400, dishes=10, photo_size_px=32))
    return lambda: normalize.fn(dump, Recipe1MConfig(), root)


def run_extract(root: Path) -> Callable[[], Path]:
    layout = DataLayout.at(root)
    photos = layout.root / "raw" / "photos"
    photos.mkdir(parents=True)
    recipes = []
    for number in range(100):
        (photos / f"{number}.jpg").write_bytes(encode_bytes(draw_photo(number), "JPEG"))
        recipes.append(make_recipe(number, f"raw/photos/{number}.jpg"))
    key = ArtifactKey("catalog", {}, {}, "")
    with ArtifactStore(layout).create(key) as draft:
        write_catalog(draft.folder, recipes)
    catalog = ArtifactStore(layout).folder(key)
    return lambda: extract.fn(catalog, ENCODERS, root)


def forget(artifact: Artifact, root: Path) -> None:
    """Remove an artifact, and what it could be made from more cheaply."""
    shutil.rmtree(artifact.folder)
    shutil.rmtree(DataLayout.at(root).feature_cache, ignore_errors=True)


class DeadlyExecutor(ClusterExecutor):
    """Kills one of the cluster's processes when it has been given its third task."""

    tasks = 0

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        DeadlyExecutor.tasks += 1
        if DeadlyExecutor.tasks == 3:
            # Its heir is asked for by the process that looks after it.
            victim = min(self._client.run(os.getpid).values())
            os.kill(victim, signal.SIGKILL)
        return future


@pytest.mark.parametrize("stage", ["parse", "normalize", "extract"])
def test_a_cluster_gives_the_same_bytes_though_a_worker_dies(
    stage: str, scheduler: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmpipeline.sources.recipe1m.normalise._BLOCK_BYTES", 20_000)
    runs = {
        "parse": lambda: run_parse(tmp_path, site),
        "normalize": lambda: run_normalize(tmp_path),
        "extract": lambda: run_extract(tmp_path),
    }
    run = runs[stage]()
    here = open_artifact(run())
    forget(here, tmp_path)
    monkeypatch.setenv("MMPIPELINE_DASK", scheduler)
    monkeypatch.setattr(cluster, "ClusterExecutor", DeadlyExecutor)
    monkeypatch.setattr(DeadlyExecutor, "tasks", 0)
    there = open_artifact(run())
    assert DeadlyExecutor.tasks > 3  # some of them after the death
    assert there.id == here.id
    assert there.manifest.files == here.manifest.files
    assert there.counts == here.counts
    there.verify()
    assert list(DataLayout.at(tmp_path).temporary.iterdir()) == []


def test_a_temporary_cluster_of_this_machine_is_a_value_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPIPELINE_DASK", "local:2")
    with cluster_workers(DataLayout.at(tmp_path)) as workers:
        assert workers is not None
        assert workers.count == 2
        found = [workers.executor.submit(os.getpid) for _ in range(8)]
        processes = {future.result() for future in found}
        assert os.getpid() not in processes
        failing = workers.executor.submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            failing.result()
        late = workers.executor.submit(raise_timeout)
        with pytest.raises(TimeoutError, match="its own"):
            late.result()
        unseen = workers.executor.submit(Path.read_bytes, tmp_path / "none")
        with pytest.raises(StageError, match="every worker must see the data folder"):
            unseen.result()
    assert not is_alive(processes)


def raise_timeout() -> None:
    raise TimeoutError("its own")


def is_alive(processes: set[int]) -> bool:
    return any(Path(f"/proc/{process}/stat").exists() for process in processes)


def test_without_the_setting_there_are_no_workers(tmp_path: Path) -> None:
    with cluster_workers(DataLayout.at(tmp_path)) as workers:
        assert workers is None


def test_a_cluster_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_DASK", "tcp://127.0.0.1:9")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with (
        pytest.raises(StageError, match=r"tcp://127.0.0.1:9; start it, or unset MMPIPELINE_DASK"),
        cluster_workers(DataLayout.at(tmp_path)),
    ):
        pass


def test_a_cluster_without_workers_and_one_that_goes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    monkeypatch.setattr(cluster, "PATIENCE_S", 0.0)
    with LocalCluster(
        n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        monkeypatch.setenv("MMPIPELINE_DASK", empty.scheduler_address)
        with (
            pytest.raises(StageError, match="has no worker"),
            cluster_workers(DataLayout.at(tmp_path)),
        ):
            pass
        with Client(empty.scheduler_address, set_as_default=False) as client:
            executor = ClusterExecutor(client, "here", cluster.Caller.here(tmp_path))
            with pytest.raises(StageError, match="lost all its workers"):
                executor.submit(os.getpid).result()
            future = executor.submit(os.getpid)
            future._remote.cancel()  # what a scheduler's end does to futures
            with pytest.raises(StageError, match="went away"):
                future.result()


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_DASK", "local")
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with (
        pytest.raises(ConfigError, match=r"pip install 'mmpipeline\[dask\]'"),
        cluster_workers(DataLayout.at(tmp_path)),
    ):
        pass
