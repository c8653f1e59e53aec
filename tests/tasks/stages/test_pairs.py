"""A catalogue of too few recipes stops a refresh only if it has to train."""

import logging
from pathlib import Path

import pytest

from mmpipeline.config import PairConfig
from mmpipeline.errors import TooFewRecipesError
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout
from tasks.stages.pairs import build
from tests.pairs.tiny_catalog import Row, write_catalog

TOO_FEW = {
    "none that may pair": [Row("10k:1", has_image=False, has_text=False)],
    "one dish": [Row(f"10k:{number}") for number in range(4)],
    "one recipe": [Row("10k:1")],
    "no recipe of train": [Row(f"10k:{n}", dish=f"dish-{n % 2}", split="test") for n in range(6)],
    "excluded ones": [Row(f"10k:{n}", dish=f"dish-{n % 2}", split="excluded") for n in range(6)],
}


@pytest.mark.parametrize("rows", TOO_FEW.values(), ids=TOO_FEW)
def test_too_few_recipes_to_pair(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rows: list[Row]
) -> None:
    store = ArtifactStore(DataLayout.at(tmp_path))
    key = ArtifactKey("catalog", {}, {}, "")
    with store.create(key) as draft:
        write_catalog(draft.folder, rows)
    with pytest.raises(TooFewRecipesError):
        build.fn(store.folder(key), PairConfig(), tmp_path)
    with caplog.at_level(logging.INFO):
        assert build.fn(store.folder(key), PairConfig(), tmp_path, required=False) is None
    assert "none, and the model is kept: " in caplog.text
    assert not list(store.layout.artifacts("pairs").glob("*/"))
