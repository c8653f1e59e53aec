"""`index.json`: what a version is made of, and what was measured of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmpipeline.features.encoder_set import ENCODERS_NAME
from mmpipeline.models.fusion import FusionModel
from mmpipeline.schemas import MODALITIES
from mmpipeline.search.load import DEAD_NAME, FORMAT, INDEX_NAME
from mmpipeline.search.vectors.calibration import Calibration
from mmpipeline.search.vectors.segment import FULL
from mmpipeline.search.vectors.segment_writer import SEGMENTS
from mmpipeline.storage.atomic import write_json_atomic
from mmpipeline.storage.manifest import digest_file


def write_index(target: Path, model: FusionModel, values: Mapping[str, Any]) -> None:
    """Write `index.json` into a version that is being made.

    Parameters
    ----------
    target
        Folder with segments, `dead.npy`, prototypes, model and encoders.
    model
        The model in it.
    values
        At least ``segments``; what is measured later overrides.
    """
    encoders = json.loads((target / ENCODERS_NAME).read_bytes())["modalities"]
    rows = [
        json.loads((target / SEGMENTS / name / "segment.json").read_bytes())["rows"]
        for name in values["segments"]
    ]
    dead = np.load(target / DEAD_NAME, allow_pickle=False)
    described = {
        "format": FORMAT,
        "items": int(sum(rows)) - len(dead),
        "embedding_dim": model.embedding_dim,
        "feature_dims": model.dims,
        "encoders": {modality: encoders[modality]["fingerprint"] for modality in MODALITIES},
        "model_sha256": digest_file(target / "model.safetensors"),
        "calibration": Calibration().to_json(),
        "prototype": "mean",
        "recall_at_10": None,
        "search": "exact",
        # Format 2 can tell of further embeddings of parts alone; none is made any more.
        "views": [FULL],
        "routes": {},
        "view_precision_at_10": {},
    }
    lists = sorted((target / SEGMENTS).glob("*/full.lists.json"))
    if lists:
        described["search"] = json.loads(lists[0].read_bytes())["kind"]
    write_json_atomic(target / INDEX_NAME, {**described, **values})
