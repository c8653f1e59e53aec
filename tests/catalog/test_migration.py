"""A catalogue of schema version 1 is refused, migrated, and then keeps recipes on their sides."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmpipeline.catalog.build import build_catalog
from mmpipeline.catalog.migration import migrate_catalog
from mmpipeline.cli import app
from mmpipeline.config import CatalogConfig
from mmpipeline.errors import ArtifactError, OutdatedArtifactError
from mmpipeline.schemas import Recipe
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, read_parquet
from mmpipeline.storage.segments import read_recipes

FILES_OF_VERSION_1 = (
    "recipes.parquet",
    "dishes.parquet",
    "tombstones.parquet",
    "quarantine.parquet",
)


@pytest.fixture
def store(
    make_recipe: Callable[..., Recipe], write_source: Callable[..., Path], tmp_path: Path
) -> ArtifactStore:
    """Hold one catalogue, the current one, in the form of schema version 1."""
    store = ArtifactStore(DataLayout.at(tmp_path / "data"))
    key = ArtifactKey("catalog", {"recipe1m": "a" * 16}, {"seed": 2021}, "b" * 16)
    source = write_source("source", [make_recipe(f"10k:{number}") for number in range(9)])
    with store.create(key) as draft:
        made = tmp_path / "made"
        made.mkdir()
        build_catalog({"s": source}, made, CatalogConfig(), tmp_path / "spill", "500MB", 1)
        for name in FILES_OF_VERSION_1:
            shutil.copy(made / name, draft.folder)
        draft.counts = {"recipes": 9.0}
    old = store.layout.artifacts("catalog") / "0123456789abcdef"
    store.folder(key).rename(old)
    (old / "manifest.sha256").unlink()  # which that version did not have
    manifest = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 1, "id": old.name}))
    (old.parent / "CURRENT").write_text(old.name)
    return store


def test_an_old_catalogue_is_refused_then_migrated(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "mmpipeline catalog migrate 0123456789abcdef"
    with pytest.raises(OutdatedArtifactError, match=command):
        store.latest("catalog")
    monkeypatch.setenv("MMPIPELINE_DATA_ROOT", str(store.layout.root))
    result = CliRunner().invoke(app, ["catalog", "migrate"])
    assert result.exit_code == 0, result.output
    artifact = store.latest("catalog")
    artifact.verify()
    assert f"catalogue {artifact.id} has schema version 2" in result.output
    old = store.layout.artifacts("catalog") / "0123456789abcdef"
    assert Path(old / "recipes.parquet").samefile(artifact.file("recipes.parquet"))
    assert artifact.counts == {"recipes": 9.0}
    assert artifact.manifest.notes["migrated_from"] == "0123456789abcdef"
    assert read_recipes(artifact.folder) == read_parquet(old / "recipes.parquet")
    assert migrate_catalog(store).id == migrate_catalog(store, artifact.id).id == artifact.id
    assert migrate_catalog(store, old.name).id == artifact.id


def test_a_migrated_catalogue_keeps_the_sides(
    store: ArtifactStore,
    make_recipe: Callable[..., Recipe],
    write_source: Callable[..., Path],
    tmp_path: Path,
) -> None:
    before = migrate_catalog(store).folder
    sides = dict(
        zip(
            *(read_recipes(before)[name].to_pylist() for name in ("recipe_id", "split")),
            strict=True,
        )
    )
    source = write_source("later", [make_recipe(f"10k:{number}") for number in range(1, 12)])
    target = tmp_path / "after"
    target.mkdir()
    config = CatalogConfig(seed=7)
    build_catalog({"s": source}, target, config, tmp_path / "spill", "500MB", 1, before)
    after = {row["recipe_id"]: row["split"] for row in read_recipes(target).to_pylist()}
    assert {name: after[name] for name in sides if name in after} == {
        name: side for name, side in sides.items() if name != "10k:0"
    }
    assert read_parquet(target / "tombstones.parquet")["recipe_id"].to_pylist() == ["10k:0"]


def test_what_cannot_be_migrated(store: ArtifactStore) -> None:
    old = store.layout.artifacts("catalog") / "0123456789abcdef"
    with pytest.raises(ArtifactError, match="no catalogue to migrate"):
        migrate_catalog(store, "none")
    content = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(content | {"schema_version": 9}))
    with pytest.raises(ArtifactError, match="expected a catalog of version 1 to 2"):
        migrate_catalog(store, old.name)
    (old / "manifest.json").write_text(json.dumps(content))
    size = (old / "recipes.parquet").stat().st_size
    (old / "recipes.parquet").write_bytes(b"x" * size)
    with pytest.raises(ArtifactError, match="does not match its manifest"):
        migrate_catalog(store, old.name)
