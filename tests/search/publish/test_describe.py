"""`index.json` says what lies in the folder."""

import json
import shutil
from pathlib import Path

import numpy as np

from mmpipeline.models import load_model
from mmpipeline.search.current import current_version
from mmpipeline.search.publish.describe import write_index
from mmpipeline.storage import DataLayout, digest_file


def test_it_counts_the_living_and_names_model_and_encoders(
    published: DataLayout, tmp_path: Path
) -> None:
    version = current_version(published)
    assert version is not None
    target = shutil.copytree(published.artifacts("index") / version, tmp_path / "copy")
    before = json.loads((target / "index.json").read_text())
    np.save(target / "dead.npy", np.array([1, 4]), allow_pickle=False)
    values = {"segments": before["segments"]}
    write_index(target, load_model(target), values | {"recall_at_10": 0.5})
    described = json.loads((target / "index.json").read_text())
    assert described["items"] == before["items"] - 2
    assert described["model_sha256"] == digest_file(target / "model.safetensors")
    assert described["encoders"] == before["encoders"]
    assert (described["recall_at_10"], described["search"]) == (0.5, "exact")
    plan = target / "segments" / before["segments"][0] / "full.lists.json"
    plan.write_text('{"kind": "hnsw"}')
    write_index(target, load_model(target), values)
    assert json.loads((target / "index.json").read_text())["search"] == "hnsw"
