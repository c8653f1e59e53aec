"""Two containers on one data folder: process ids say nothing there, and nothing may rest on them.

A container is a PID namespace here: what runs in one has other ids in another, or the same ones.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout

NAMESPACES = (
    ["unshare", "--pid", "--fork", "--mount-proc"],
    ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"],
)
KEY = ArtifactKey("catalog", {}, {"seed": 1}, "code")
PRELUDE = """
import sys
from pathlib import Path
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, connect_database
from mmpipeline.storage import write_text_atomic

layout = DataLayout.at(sys.argv[1])
store = ArtifactStore(layout)
key = ArtifactKey("catalog", {}, {"seed": 1}, "code")

def wait():
    print("ready", flush=True)
    sys.stdin.readline()
"""
FILL = """
with store.create(key) as draft:
    (draft.folder / "rows.txt").write_text("half")
    draft.resume.mkdir()
    wait()
    (draft.resume / "state").touch()
    (draft.folder / "more.txt").write_text("whole")
"""
POINT = """
import mmpipeline.storage.atomic
rename = Path.replace
def rename_late(self, target):
    wait()
    return rename(self, target)
Path.replace = rename_late
write_text_atomic(layout.current_index, "new")
"""
MAKE = """
with store.create(ArtifactKey("pairs", {}, {}, "")) as draft:
    (draft.folder / "rows.txt").write_text("other")
"""
SPILL = """
with connect_database(layout.temporary, memory_limit="60MB", threads=1) as connection:
    seed = int(sys.argv[2])
    connection.execute(
        f"CREATE TABLE t AS SELECT hash(range + {seed}) AS h, "
        f"repeat(md5((range + {seed})::varchar), 4) AS s FROM range(500000)"
    )
    wait()
    print(connection.execute("SELECT bit_xor(h), bit_xor(hash(s)) FROM t").fetchone(), flush=True)
"""


@pytest.fixture(scope="module")
def namespace() -> list[str]:
    for command in NAMESPACES:
        try:
            subprocess.run([*command, "true"], check=True, capture_output=True, timeout=30)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    pytest.skip("this system makes no PID namespaces (unshare --pid) for this user")


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(namespace: list[str], tmp_path: Path) -> Iterator[Start]:
    """Start a script in a namespace of its own, there as process 1, or as number 62.

    In the other namespace 62 must be no process and no thread either.
    """
    started: list[subprocess.Popen[str]] = []

    def begin(script: str, *more: str, is_first: bool = True) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PRELUDE + script, str(tmp_path), *more]
        if not is_first:
            command = ["sh", "-c", f'{"sleep 0;" * 60} "$@"; exit $?', "sh", *command]
        process = subprocess.Popen(
            [*namespace, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def go_on(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    return output


def test_a_draft_outlives_the_clearing_up_of_another_container(
    start: Start, tmp_path: Path
) -> None:
    filler = start(FILL, is_first=False)
    wait_for(filler)
    go_on(start(MAKE))
    go_on(filler)
    store = ArtifactStore(DataLayout.at(tmp_path))
    made = store.find(KEY)
    assert made is not None
    made.verify()
    assert set(made.manifest.files) == {"rows.txt", "more.txt"}
    assert store.find(ArtifactKey("pairs", {}, {}, "")) is not None
    assert list(store.layout.temporary.iterdir()) == []


def test_a_draft_goes_when_its_container_was_killed(start: Start, tmp_path: Path) -> None:
    filler = start(FILL)
    wait_for(filler)
    layout = DataLayout.at(tmp_path)
    for process in psutil.Process(filler.pid).children():
        process.kill()
    filler.wait(timeout=30)
    go_on(start(MAKE))  # as process 1, as the killed one was
    assert [path.name for path in layout.temporary.iterdir()] == [f"resume-catalog-{KEY.id}"]


def test_a_pointer_is_written_while_another_container_clears_up(
    start: Start, tmp_path: Path
) -> None:
    writer = start(POINT, is_first=False)
    wait_for(writer)
    go_on(start(MAKE))
    go_on(writer)
    assert DataLayout.at(tmp_path).current_index.read_text() == "new"


def test_containers_with_the_same_process_ids_spill_into_other_files(start: Start) -> None:
    alone = start(SPILL, "3")
    wait_for(alone)
    expected = go_on(alone)
    both = [start(SPILL, seed) for seed in ("3", "5")]
    for process in both:
        wait_for(process)
    assert go_on(both[0]) == expected
    assert go_on(both[1]) != expected
