"""The Recipe1M dump of the sample world's English half, defects included.

Records are streamed one a line, so memory does not grow with the number of recipes. Files get
their final names at the end: a dump that was cut off has no `layer1.json`.
"""

import html
import json
import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from tqdm import tqdm

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.photos.files import photo_at
from mmpipeline.sample.world.draws import random_stream
from mmpipeline.sample.world.recipes import SampleRecipe, hex_digest, recipe_at

SECOND_PHOTO_CHANCE = 0.15
CORRUPT_CHANCE, LOST_FILE_CHANCE = 0.01, 0.01
DUPLICATE_CHANCE = 0.003
_ENTITY_CHANCE, _LOST_SLASH_CHANCE, _EMPTY_CHANCE, _HEADER_CHANCE = 0.04, 0.05, 0.02, 0.05
_HEADERS = ("For the sauce:", "SAUCE", "Topping:", "(Makes 4 servings)", "To serve:")


def write_recipe1m_dump(
    folder: Path, config: SampleConfig, *, photos: bool = True
) -> dict[str, float]:
    """Write ``layer1.json``, ``layer2.json`` and ``images/`` in the layout of Recipe1M.

    Parameters
    ----------
    folder
        Where to write; made when missing. Photos of an earlier dump in it are left alone.
    config
        The world; its recipes with an odd index are written.
    photos
        False leaves ``images/`` out; ``layer2.json`` names the photos all the same.

    Returns
    -------
    dict of str to float
        Counts: ``recipes``, ``records`` (with repeated ids), ``images`` (listed),
        ``images_missing``, ``images_corrupt``.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    names = ("layer1.json", "layer2.json")
    with ExitStack() as stack:
        writers = [stack.enter_context(_ArrayWriter(folder / f".{name}.part")) for name in names]
        indices = range(1, config.recipes, 2)
        for index in tqdm(indices, "dump", disable=None, leave=False, ncols=100):
            _write_recipe(folder, config, index, writers, counts, photos=photos)
    for name in names:
        (folder / f".{name}.part").replace(folder / name)
    keys = ("recipes", "records", "images", "images_missing", "images_corrupt")
    return {key: float(counts[key]) for key in keys}


class _ArrayWriter:
    """A JSON array, one record a line, written as it comes."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("w", encoding="utf-8")
        self._separator = "["

    def append(self, record: dict[str, Any]) -> None:
        self._file.write(self._separator + "\n" + json.dumps(record, ensure_ascii=False))
        self._separator = ","

    def __enter__(self) -> "_ArrayWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.write("\n]\n" if self._separator == "," else "[]\n")
        self._file.close()


def partition_at(config: SampleConfig, index: int) -> str:
    """Return the partition that Recipe1M would give the recipe: about 70, 15, 15 in 100.

    Parameters
    ----------
    config
        Gives the seed.
    index
        Which recipe.

    Returns
    -------
    str
        ``train``, ``val`` or ``test``.
    """
    quantile = int(hex_digest(config.seed, index, "partition")[:8], 16) / 2**32
    return "train" if quantile < 0.7 else "val" if quantile < 0.85 else "test"


def _write_recipe(
    folder: Path,
    config: SampleConfig,
    index: int,
    writers: list[_ArrayWriter],
    counts: Counter[str],
    *,
    photos: bool,
) -> None:
    recipe = recipe_at(config, index)
    random = random_stream(config, index * 16 + 15, "file")
    partition = partition_at(config, index)
    record = _record(recipe, partition, random)
    counts["recipes"] += 1
    for _ in range(2 if random.random() < DUPLICATE_CHANCE else 1):
        writers[0].append(record)
        counts["records"] += 1
    if not recipe.has_photo:
        return
    images = []
    for shot in range(2 if random.random() < SECOND_PHOTO_CHANCE else 1):
        name = hex_digest(config.seed, index, f"image{shot}")[:10] + ".jpg"
        images.append({
            "id": name,
            "url": f"http://pictures.example.org/{recipe.source_id}/{shot}.jpg",
        })
        fate = random.random()
        counts["images"] += 1
        if fate < LOST_FILE_CHANCE:
            counts["images_missing"] += 1
        elif photos:
            photo = photo_at(config, recipe.draw, shot)
            is_corrupt = fate < LOST_FILE_CHANCE + CORRUPT_CHANCE
            counts["images_corrupt"] += is_corrupt
            _write_image(folder / "images" / partition, name, photo[:400] if is_corrupt else photo)
    writers[1].append({"id": recipe.source_id, "images": images})


def _write_image(folder: Path, name: str, photo: bytes) -> None:
    path = folder.joinpath(*name[:4], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo)


def _record(recipe: SampleRecipe, partition: str, random: np.random.Generator) -> dict[str, Any]:
    lines = [item.line for item in recipe.ingredients]
    title, steps = recipe.title, list(recipe.steps)
    if random.random() < _LOST_SLASH_CHANCE:
        lines = [re.sub(r"\b(\d)/(\d)\b", r"\1\2", line) for line in lines]
    if lines and random.random() < _HEADER_CHANCE:
        header = _HEADERS[int(random.integers(len(_HEADERS)))]
        lines.insert(int(random.integers(len(lines))), header)
    if lines and random.random() < _EMPTY_CHANCE:
        lines.append("")
    if random.random() < _ENTITY_CHANCE:
        title = html.escape(f"{title} & More")
        steps = [html.escape(step.replace(" and ", " & ")) for step in steps]
    return {
        "ingredients": [{"text": line} for line in lines],
        "url": f"http://recipes.example.org/{recipe.source_id}",
        "partition": partition,
        "title": title,
        "id": recipe.source_id,
        "instructions": [{"text": step} for step in steps],
    }
