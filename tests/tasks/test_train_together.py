"""Two processes of torchrun make one model artifact, and know when there is nothing to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmpipeline.models import load_model
from mmpipeline.storage import ArtifactStore, DataLayout
from tests.tasks.stages.test_training import publish
from tests.training.conftest import world  # noqa: F401 -- a fixture

ROOT = Path(__file__).parents[2]
CONFIG = "[train]\nepochs = 2\nanchors_per_batch = 24\nhidden_dim = 32\nembedding_dim = 16\n"


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_two_processes_make_one_artifact_once(world: object, tmp_path: Path) -> None:  # noqa: F811
    store = ArtifactStore(DataLayout.at(tmp_path / "root"))
    for kind in ("features", "pairs"):
        publish(store.layout.root, kind, getattr(world, kind))
        (folder,) = store.layout.artifacts(kind).iterdir()
        (folder.parent / "LATEST").write_text(folder.name)
    (tmp_path / "my.toml").write_text(CONFIG)
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "tasks.train_together", "--config", str(tmp_path / "my.toml")),
    ]
    environment = {**os.environ, "MMPIPELINE_DATA_ROOT": str(store.layout.root)}
    for words in ("best epoch", "is up to date"):
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(words) == 1
    model = store.latest("model")
    model.verify()
    assert load_model(model.folder).embedding_dim == 16
    assert list(store.layout.temporary.iterdir()) == []
