"""A second machine, with nothing but the address of the storage, computes nothing."""

import json
import shutil
from pathlib import Path

import pytest

from mmpipeline.storage import DataLayout
from tests.flows.conftest import Run
from tests.storage.s3_server import BUCKET, serve_s3

pytestmark = pytest.mark.flow


def list_artifacts(data_root: Path) -> dict[str, dict[str, object]]:
    layout = DataLayout.at(data_root)  # MLflow's copies of them in the state are no artifacts
    places = [path for kind in layout.kinds() for path in layout.artifacts(kind).glob("*/")]
    manifests = [json.loads((place / "manifest.json").read_bytes()) for place in places]
    return {f"{manifest['kind']} {manifest['id']}": manifest for manifest in manifests}


def test_a_second_machine_takes_everything_from_s3(
    finished: Path, run_flows: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(finished, first)
    with serve_s3() as variables:
        for name, value in {**variables, "MMPIPELINE_SHARED": f"s3://{BUCKET}/team"}.items():
            monkeypatch.setenv(name, value)
        before = run_flows(first)
        assert before.returncode == 0, before.stdout + before.stderr
        assert "Nothing new" in before.stdout
        after = run_flows(second)
    assert after.returncode == 0, after.stdout + after.stderr
    made = list_artifacts(first)
    assert len(made) >= 9
    assert after.stdout.count("was made on another machine") == len(made), after.stdout
    assert list_artifacts(second) == made
    assert (second / "index" / "CURRENT").read_text() == (first / "index" / "CURRENT").read_text()
    secret = variables["AWS_SECRET_ACCESS_KEY"].encode()
    for path in (*first.rglob("*"), *second.rglob("*")):
        assert not path.is_file() or secret not in path.read_bytes(), path
    assert secret.decode() not in before.stdout + before.stderr + after.stdout + after.stderr
