import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Records = list[dict[str, Any]]


@pytest.fixture
def draw_photo() -> Callable[..., Path]:
    """Write a JPEG of one colour."""

    def draw(path: Path, colour: str = "orange", size_px: int = 8) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size_px, size_px), colour).save(path, format="JPEG")
        return path

    return draw


@pytest.fixture
def make_record() -> Callable[..., dict[str, Any]]:
    """Make a record of layer1 with invented content."""

    def make(number: int, **fields: object) -> dict[str, Any]:
        return {
            "id": f"{number:010x}",
            "title": f"Invented Dish {number}",
            "ingredients": [{"text": "2 cups invented flour"}, {"text": "1 pinch salt"}],
            "instructions": [{"text": "Mix it with water."}, {"text": "Bake until brown."}],
            "partition": "train",
            "url": f"http://example.org/r/{number}",
            **fields,
        }

    return make


@pytest.fixture
def make_dump(tmp_path: Path) -> Callable[..., Path]:
    """Write a dump folder from records of layer1 and layer2."""

    def make(layer1: Records, layer2: Records | None = None) -> Path:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        (folder / "layer1.json").write_text(json.dumps(layer1), encoding="utf-8")
        if layer2 is not None:
            (folder / "layer2.json").write_text(json.dumps(layer2), encoding="utf-8")
        return folder

    return make
