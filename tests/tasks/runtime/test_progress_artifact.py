"""A long stage shows a bar in Prefect; a quick one, and one without a run, shows none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tasks.runtime import progress_artifact
from tasks.runtime.progress_artifact import ProgressArtifact
from tasks.servers.prefect import prefect_server, quiet_environment

ROOT = Path(__file__).parents[3]
FLOW = """
import sys
from pathlib import Path
from prefect import flow
from mmpipeline.progress import Progress
from mmpipeline.storage import ArtifactKey
from tasks.runtime import progress_artifact
from tasks.runtime.stage import produce, publish_link, publish_page

def make(draft):
    with Progress("pages", 4) as bar:
        for _ in range(4):
            bar.update()
    return {}

@flow
def quick(root):
    produce(root, ArtifactKey("catalog", {}, {}, ""), make, ())

@flow
def long(root):
    progress_artifact.EVERY_S = 0
    produce(root, ArtifactKey("pairs", {}, {}, ""), make, ())
    publish_link("mlflow-run", "http://127.0.0.1:5000/#/experiments/1/runs/x", "A training")
    publish_link("nowhere", None, "Nothing")
    publish_page("report", "# All\\n\\n![By dish](by_dish.png)\\n", "A report")

root = Path(sys.argv[1])
quick(root)
long(root)
"""


@pytest.mark.flow
def test_a_long_stage_shows_how_far_it_is(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with prefect_server(root) as api:
        environment = {**os.environ, **quiet_environment(root), "PREFECT_API_URL": api}
        environment["PYTHONPATH"] = str(ROOT)
        command = [sys.executable, "-c", FLOW, str(root)]
        subprocess.run(command, env=environment, check=True, timeout=300)
        found = requests.post(f"{api}/artifacts/filter", json={}, timeout=30).json()
    shown = {artifact["key"]: artifact for artifact in found}
    assert set(shown) == {"pairs-progress", "mlflow-run", "report"}
    assert shown["pairs-progress"]["data"] == 100
    assert shown["pairs-progress"]["description"] == "How far: pages"
    picture = "*By dish: `by_dish.png` in the artifact's folder*"
    assert shown["report"]["data"] == f"# All\n\n{picture}\n"
    assert "/#/experiments/1/runs/x" in shown["mlflow-run"]["data"]


def test_outside_of_a_run_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_artifact, "EVERY_S", 0)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    bar = ProgressArtifact("scrape")
    bar("pages", 0.5)
    assert bar._bars == {}
