"""Index versions as other code would have made them: whole, sealed, to be read or not."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from mmpipeline.search.vectors.fp16_writer import CodeWriter
from mmpipeline.storage import DataLayout, digest_file
from mmpipeline.storage.manifest import MANIFEST_NAME, SEAL_NAME

UNREADABLE = {
    "older format": "has format 1, this version reads 2",
    "older schema": "has schema version 0",
    "unknown fusion": "asks for fusion 'left behind'",
    "no calibration": "KeyError('calibration')",
    "dead rows beyond the last": "IndexError",
    "weights without a number": "finds no recipe",
}
"""Ways to make a version that cannot answer, and what is said of it."""


def make_unreadable(layout: DataLayout, version: str, how: str) -> None:
    """Change a version's files as `UNREADABLE` names it, and seal it anew."""
    folder = layout.artifacts("index") / version
    _CHANGES[how](folder)
    _seal(folder)


def add_views(folder: Path, name: str = "image") -> None:
    """Give a version a view as early versions had them: one more embedding that answers titles.

    Its vectors point away from what the recipes are, so that whoever asks them is told the worst.
    """
    for segment in (folder / "segments").iterdir():
        vectors = -np.load(segment / "full.vectors.npy")
        np.save(segment / f"{name}.vectors.npy", vectors, allow_pickle=False)
        codes = CodeWriter(vectors.shape[1])
        codes.add(vectors)
        errors = {name: asdict(codes.write(segment / f"{name}.codes"))}
        change = _edit("segment.json", lambda content, new=errors: content["errors"].update(new))
        change(segment)
    routes = {"title": name, "image": name}
    told = {"title/full": 0.5, f"title/{name}": 0.9}
    _edit(
        "index.json",
        lambda content: content.update(
            views=["full", name], routes=routes, view_precision_at_10=told
        ),
    )(folder)
    _seal(folder)


def _seal(folder: Path) -> None:
    """Write a manifest anew that names what lies in the folder."""
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    made = {path for path in folder.rglob("*") if path.is_file()}
    made -= {folder / MANIFEST_NAME, folder / SEAL_NAME}
    manifest["files"] = {
        path.relative_to(folder).as_posix(): {
            "sha256": digest_file(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(made)
    }
    _write(folder / MANIFEST_NAME, manifest)
    (folder / SEAL_NAME).write_text(f"{digest_file(folder / MANIFEST_NAME)}\n")


def _edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = json.loads((folder / name).read_bytes())
        change(content)
        _write(folder / name, content)

    return edit


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _drop_numbers(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = {name: torch.full_like(value, torch.nan) for name, value in load_file(path).items()}
    save_file(tensors, path)
    _edit("index.json", lambda content: content.update(model_sha256=digest_file(path)))(folder)


def _bury_too_many(folder: Path) -> None:
    np.save(folder / "dead.npy", np.array([10_000]))


_CHANGES = {
    "older format": _edit("index.json", lambda content: content.update(format=1)),
    "older schema": _edit(MANIFEST_NAME, lambda content: content.update(schema_version=0)),
    "unknown fusion": _edit("model.json", lambda content: content.update(fusion="left behind")),
    "no calibration": _edit("index.json", lambda content: content.pop("calibration")),
    "dead rows beyond the last": _bury_too_many,
    "weights without a number": _drop_numbers,
}
