import json
from pathlib import Path

import pyarrow.parquet as pq

from mmpipeline.sources.recipe1m.detected import write_detected


def test_only_valid_names_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "det_ingrs.json"
    names = [{"text": "flour"}, {"text": "salt"}]
    path.write_text(
        json.dumps([
            {"id": "a", "valid": [True, False], "ingredients": names},
            {"id": "b", "valid": [True], "ingredients": names},
            {"id": "c", "valid": "yes", "ingredients": names},
            {"id": "d", "valid": [], "ingredients": []},
        ])
    )
    rows, findings = write_detected(path, tmp_path / "detected.parquet", 1 << 20)
    assert rows == 2
    assert pq.read_table(tmp_path / "detected.parquet").to_pylist() == [
        {"recipe_id": "r1m:a", "names": ["flour"]},
        {"recipe_id": "r1m:d", "names": []},
    ]
    assert [(recipe, reason) for _, recipe, reason, _ in findings] == [
        ("r1m:b", "unequal_lengths"),
        (None, "wrong_type"),
    ]
