"""Which version a new index is built on."""

from pathlib import Path

from mmpipeline.config import IndexConfig
from mmpipeline.planning.index import plan_index
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, write_text_atomic

CONFIG = IndexConfig()


def make(root: Path, key: ArtifactKey, *, answers: bool = True) -> str:
    store = ArtifactStore(DataLayout.at(root))
    with store.create(key) as draft:
        (draft.folder / "rows").write_text(key.id)
    if answers:
        write_text_atomic(store.layout.current_index, f"{key.id}\n")
    return key.id


def test_the_first_index_has_no_base(tmp_path: Path) -> None:
    key, base = plan_index(tmp_path, "m", "f", "c", CONFIG)
    assert base is None
    assert set(key.inputs) == {"model", "features", "catalog"}


def test_new_recipes_are_added_to_the_version_that_answers(tmp_path: Path) -> None:
    first = make(tmp_path, plan_index(tmp_path, "m", "f", "c", CONFIG)[0])
    key, base = plan_index(tmp_path, "m", "f2", "c2", CONFIG)
    assert key.inputs["previous"] == first
    assert base == tmp_path / "index" / "versions" / first
    make(tmp_path, key)
    assert plan_index(tmp_path, "m", "f2", "c2", CONFIG) == (key, base)  # made already
    assert plan_index(tmp_path, "m", "f", "c", CONFIG)[0].id == first


def test_another_model_shares_nothing(tmp_path: Path) -> None:
    make(tmp_path, plan_index(tmp_path, "m", "f", "c", CONFIG)[0])
    key, base = plan_index(tmp_path, "m2", "f", "c", CONFIG)
    assert base is None
    assert "previous" not in key.inputs
