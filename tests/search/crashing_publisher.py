"""Publishes in child processes that die at a file-system step; see `file_steps.c`.

Run as a program with `file_steps.c` preloaded: reads one request a line and answers with one line.
Everything is imported once, and each publication is a fork of its own.
"""

import ctypes
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from mmpipeline.config import IndexConfig, PromotionConfig
from mmpipeline.search.current import current_version
from mmpipeline.search.publish import ann as list_building
from mmpipeline.search.publish.version import build_index
from mmpipeline.search.release.golden_queries import draw_golden_queries
from mmpipeline.search.release.promotion import release, roll_back
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout

MODEL = {"model": "crash"}
FIRST = ArtifactKey("index", MODEL, {}, "first")
SECOND = ArtifactKey("index", MODEL, {}, "second")
LISTED = ArtifactKey("index", MODEL, {}, "listed")
ANY = PromotionConfig(tolerance=1, max_lost_items=1, min_recall_at_10=0)
LISTS = IndexConfig(approximate_above=1, min_recall_at_10=0)
COMPACT = IndexConfig(max_dead_fraction=0.05)
IMPORTED_LATE = (  # else by every fork anew
    "pyarrow.dataset",
    "mmpipeline.features.encoders.descriptors",
    "mmpipeline.features.encoders.ngrams",
)


def make(
    world: Path, key: ArtifactKey, config: IndexConfig, *, catalog: str, base: str = ""
) -> str:
    """Make an index version unless there is one already; return its id."""
    layout = DataLayout.at(world / "data")
    store = ArtifactStore(layout)
    parts = (world / "model", world / f"features{catalog}", world / f"catalog{catalog}")
    draw_golden_queries(layout, world / "asking", 2)
    if store.find(key) is None:
        with store.create(key) as draft:
            folder = layout.artifacts("index") / base if base else None
            draft.counts = build_index(*parts, draft.folder, config, folder)
    return key.id


def publish(world: Path, key: ArtifactKey, config: IndexConfig, catalog: str, base: str) -> None:
    """Make a version and let it answer."""
    layout = DataLayout.at(world / "data")
    seen = current_version(layout)
    version = make(world, key, config, catalog=catalog, base=base)
    release(layout, version, ANY, seen)


def act(world: Path, action: str) -> None:
    """Do what a request asks for."""
    layout = DataLayout.at(world / "data")
    if action == "publish":  # every row, with the lists that faiss writes
        publish(world, LISTED, LISTS, "", "")
    elif action == "update":  # shares a segment with the base, marks rows dead, adds a segment
        publish(world, SECOND, IndexConfig(), "-2", FIRST.id)
    elif action == "compact":  # writes the segment of the base anew
        publish(world, SECOND, COMPACT, "-2", FIRST.id)
    elif action == "make":
        make(world, SECOND, IndexConfig(), catalog="-2", base=FIRST.id)
    elif action == "promote":
        release(layout, SECOND.id, ANY, current_version(layout))
    elif action == "first":
        publish(world, FIRST, IndexConfig(), "", "")
    else:
        roll_back(layout, FIRST.id)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry a request out in a process of its own; return how that ended."""
    steps, error = Path(request["report"] + ".steps"), Path(request["report"] + ".error")
    child = os.fork()
    if not child:
        try:
            shim = ctypes.CDLL(None)
            where = (str(Path(request["world"]) / "data").encode(), request["report"].encode())
            shim.crash_arm(where[0], ctypes.c_long(request["die_at"]), request["torn"], where[1])
            act(Path(request["world"]), request["action"])
            steps.write_text(str(shim.crash_count()))
        except BaseException:  # noqa: BLE001  the parent tells it
            error.write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {
        "code": code,
        "steps": int(steps.read_text()) if code == 0 else None,
        "error": error.read_text() if code == 1 else None,
    }


def main() -> None:
    """Answer requests until there are no more."""
    torch.set_num_threads(1)
    Image.preinit()
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    list_building.LEAST_ROWS = 1
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
