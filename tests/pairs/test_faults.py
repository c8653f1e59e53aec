"""Whatever happens while new tables are made, the old ones stay readable."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmpipeline.config import PairConfig
from mmpipeline.pairs import build_pairs
from mmpipeline.storage import Artifact, ArtifactKey, ArtifactStore, DataLayout
from tests.pairs.tiny_catalog import Row, write_catalog

ROOT = Path(__file__).parents[2]
SEEDS = {"old": 1, "new": 2}
STAGE = """
import sys
from pathlib import Path
from mmpipeline.config import PairConfig
from mmpipeline.errors import PipelineError
from mmpipeline.pairs import build_pairs
from mmpipeline.storage import ArtifactStore, DataLayout
sys.path.insert(0, sys.argv[1])
from tests.pairs.test_faults import key
store, memory = ArtifactStore(DataLayout.at(sys.argv[2])), sys.argv[3]
config = PairConfig(seed=2)
try:
    with store.create(key(config)) as draft:
        print("working", flush=True)
        draft.counts = build_pairs(
            store.layout.root / "catalog", draft.folder, config, store.layout.temporary, memory, 1
        )
    store.mark_latest(store.find(key(config)))
except PipelineError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)
"""


def key(config: PairConfig) -> ArtifactKey:
    return ArtifactKey("pairs", {"catalog": "c"}, config.model_dump(mode="json"), "")


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a catalogue and old tables; tests work on copies."""
    tmp_path = tmp_path_factory.mktemp("faults")
    store = ArtifactStore(DataLayout.at(tmp_path / "data"))
    rows = [Row(f"10k:{n}", dish=f"dish-{n % 7}", ingredients=("a", "b")) for n in range(8000)]
    write_catalog(store.layout.root / "catalog", rows)
    config = PairConfig(seed=SEEDS["old"])
    with store.create(key(config)) as draft:
        draft.counts = build_pairs(
            store.layout.root / "catalog", draft.folder, config, tmp_path / "tmp", "256MB", 1
        )
    store.mark_latest(found(store, "old"))
    return store.layout.root


@pytest.fixture
def store(data_root: Path, tmp_path: Path) -> ArtifactStore:
    shutil.copytree(data_root, tmp_path / "data")
    return ArtifactStore(DataLayout.at(tmp_path / "data"))


def found(store: ArtifactStore, which: str) -> Artifact:
    artifact = store.find(key(PairConfig(seed=SEEDS[which])))
    assert artifact is not None
    return artifact


def start(
    store: ArtifactStore, memory: str = "256MB", file_limit: int | None = None
) -> "subprocess.Popen[str]":
    def limit() -> None:
        if file_limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.Popen(
        [sys.executable, "-c", STAGE, str(ROOT), str(store.layout.root), memory],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=limit,
    )


def check_old_tables(store: ArtifactStore) -> None:
    assert store.latest("pairs").id == found(store, "old").id
    store.latest("pairs").verify()
    assert store.find(key(PairConfig(seed=SEEDS["new"]))) is None


def check_that_the_next_run_completes(store: ArtifactStore) -> None:
    process = start(store)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert store.latest("pairs").id == found(store, "new").id
    store.latest("pairs").verify()
    assert list(store.layout.temporary.iterdir()) == []


def test_memory_limit_says_what_to_raise(store: ArtifactStore) -> None:
    process = start(store, memory="2MB")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "more than 2MB of memory; set MMPIPELINE_DUCKDB_MEMORY" in errors
    assert len(errors.splitlines()) == 1
    check_old_tables(store)
    check_that_the_next_run_completes(store)


def test_a_limit_on_files_leaves_the_old_tables(store: ArtifactStore) -> None:
    process = start(store, file_limit=100_000)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "a limit on it is reached (File too large)" in errors
    assert "the earlier tables are untouched" in errors
    assert len(errors.splitlines()) == 1
    check_old_tables(store)
    check_that_the_next_run_completes(store)


def test_killed_in_the_middle_nothing_is_lost(store: ArtifactStore) -> None:
    process = start(store)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert list(store.layout.temporary.iterdir())  # what the killed one left
    check_old_tables(store)
    check_that_the_next_run_completes(store)


def test_a_second_writer_makes_the_same_and_disturbs_nobody(store: ArtifactStore) -> None:
    processes = [start(store) for _ in range(2)]
    ends = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    store.latest("pairs").verify()
    assert store.latest("pairs").id == found(store, "new").id
    found(store, "old").verify()
    assert list(store.layout.temporary.iterdir()) == []
