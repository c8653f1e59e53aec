"""The frozen set: held-out recipes drawn once, so that models over changing catalogues compare.

It is a small catalogue of its own, `recipes.parquet` with the photos beside it. A recipe that is
changed in the catalogue, relabelled, or gone from it stays here as it was drawn: words, label and
photo; nothing outside the folder is needed. Only recipes of the test side are drawn, one a group of
copies and as evenly over the dishes as they allow, and only dishes with two or more of them, since
each recipe asks and all the others answer. Two sets are the same set when their digests are equal.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mmpipeline.config.evaluate import FrozenSetConfig
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import digest_file
from mmpipeline.storage.segments import BASE_NAME, read_recipe_schema, read_recipes

COLUMNS = (
    "recipe_id", "source", "language", "title", "ingredients", "instructions", "images", "dish",
    "dish_set", "group_id", "content_hash",
)  # fmt: skip
"""What is kept of a recipe: what the encoders read, and its labels."""
PHOTOS = "photos"


def write_frozen_set(
    catalog: Path, target: Path, layout: DataLayout, config: FrozenSetConfig
) -> dict[str, float]:
    """Draw the set from a catalogue and write it, photos and all.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    target
        Folder to fill: ``recipes.parquet``, sorted by id, and ``photos/SHA256``.
    layout
        The data folder, which photo paths are stored against.
    config
        How many recipes, and the seed.

    Returns
    -------
    dict
        ``recipes``, ``dishes``, ``photos``, and ``photos_missing``: named but not there.

    Raises
    ------
    StageError
        If no dish has two held-out recipes that are not copies of one another.
    """
    names = [name for name in COLUMNS if name in read_recipe_schema(catalog).names]
    chosen = draw_recipes(catalog, config)
    table = read_recipes(catalog, names)
    keep = pd.Index(table["recipe_id"].to_pylist()).isin(chosen)
    table = table.filter(pa.array(keep)).sort_by("recipe_id")
    rows, missing = table.to_pylist(), 0
    for row in rows:
        kept = []
        for image in row["images"] or ():
            digest = _copy_photo(image, layout, target / PHOTOS)
            missing += digest is None
            if digest is not None:
                kept.append({**image, "path": f"{PHOTOS}/{digest}", "sha256": digest})
        row["images"] = kept
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist(rows, table.schema), target / BASE_NAME, write_page_checksum=True
    )
    return {
        "recipes": float(len(rows)),
        "dishes": float(len({row["dish"] for row in rows})),
        "photos": float(sum(len(row["images"]) for row in rows)),
        "photos_missing": float(missing),
    }


def draw_recipes(catalog: Path, config: FrozenSetConfig) -> set[str]:
    """Draw held-out recipes, dish after dish in turn.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    config
        How many, and the seed.

    Returns
    -------
    set of str
        Their ids.

    Raises
    ------
    StageError
        If no dish has two held-out recipes that are not copies of one another.
    """
    table = read_recipes(catalog, ["recipe_id", "dish", "group_id", "split"]).to_pandas()
    held_out = table[(table["split"] == "test") & table["dish"].notna()]
    held_out = held_out.sort_values("recipe_id").drop_duplicates("group_id")
    order = np.random.default_rng(config.seed).permutation(len(held_out))
    drawn = held_out.iloc[order]
    turn = drawn.groupby("dish").cumcount()
    drawn = drawn.iloc[np.argsort(turn.to_numpy(), kind="stable")[: config.recipes]]
    drawn = drawn[drawn.groupby("dish")["recipe_id"].transform("size") > 1]
    if not len(drawn):
        raise StageError(
            f"no dish has two held-out recipes in {catalog}; there is nothing to freeze: "
            "raise test_fraction or add recipes"
        )
    return set(drawn["recipe_id"])


def digest_frozen_set(folder: Path) -> str:
    """Return the sha256 of what a set holds: every word, label and photo of it.

    Parameters
    ----------
    folder
        Of the set.

    Returns
    -------
    str
        64 hex digits; they depend on the content alone, not on how the file packs it.

    Raises
    ------
    ArtifactError
        If a file is missing, or a photo is not the one that was drawn.
    """
    whole = hashlib.sha256()
    for row in read_recipes(folder).to_pylist():
        for image in row["images"] or ():
            _check_photo(folder / image["path"], image["sha256"])
        whole.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return whole.hexdigest()


def count_trained_on(folder: Path, catalog: Path) -> int:
    """Count the recipes of a set that training on a catalogue may have seen.

    None while the catalogue keeps its sides. A catalogue that was begun anew, with another seed
    say, may have moved some to the train side; then the model has an advantage here.

    Parameters
    ----------
    folder
        Of the set.
    catalog
        Folder of the catalogue that the model was trained from.

    Returns
    -------
    int
        Recipes of the set whose id or content is among the train side's.
    """
    names = ["recipe_id", "content_hash"]
    known = [name for name in names if name in read_recipe_schema(catalog).names]
    side = read_recipes(catalog, [*known, "split"]).to_pandas()
    side = side[side["split"] == "train"]
    frozen = read_recipes(folder).to_pandas()
    seen = np.zeros(len(frozen), dtype=np.bool_)
    for name in known:
        if name in frozen:
            seen |= frozen[name].isin(side[name]).to_numpy()
    return int(seen.sum())


def _copy_photo(image: dict[str, Any], layout: DataLayout, target: Path) -> str | None:
    """Copy a photo under its sha256 and return that; None when it is not there."""
    source = layout.resolve(image["path"]) if image["path"] else None
    if source is None or not source.is_file():
        return None
    digest = digest_file(source)
    target.mkdir(parents=True, exist_ok=True)
    if not (target / digest).exists():
        shutil.copyfile(source, target / digest)
    return digest


def _check_photo(path: Path, sha256: str) -> None:
    if not path.is_file() or digest_file(path) != sha256:
        raise ArtifactError(
            f"{path} is missing or changed: the frozen set is damaged; restore it from a copy, "
            "or draw a new one by raising frozen.version"
        )
