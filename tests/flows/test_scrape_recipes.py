"""The Korean source as flows, against the fake site: what they count, find, and leave out."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
import requests

from mmpipeline.catalog.build import build_catalog
from mmpipeline.config import (
    CatalogConfig,
    FeatureConfig,
    IndexConfig,
    SampleConfig,
    ScrapeConfig,
)
from mmpipeline.features.extract import extract_features
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models import FusionModel, save_model
from mmpipeline.sample.site.faults import Fault
from mmpipeline.sample.site.server import serve_site
from mmpipeline.sample.world.recipes import site_id_at
from mmpipeline.search.load import open_parts
from mmpipeline.search.publish.version import build_index
from mmpipeline.storage import DataLayout, open_artifact, read_parquet
from mmpipeline.storage.segments import read_recipes
from tasks.servers.prefect import prefect_server, quiet_environment

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
CODE = """
import sys
from pathlib import Path
from mmpipeline.config import ScrapeConfig
from flows.recheck_recipes import recheck_recipes
from flows.scrape_recipes import scrape_recipes
config = ScrapeConfig.model_validate_json(sys.argv[2])
root = Path(sys.argv[3])
if sys.argv[1] == "scrape":
    print("ARTIFACT", scrape_recipes(scrape=config, data_root=root))
else:
    print("ARTIFACT", recheck_recipes(0, 1000, scrape=config, data_root=root))
"""


def test_a_deleted_recipe_leaves_recipes_photos_catalogue_and_index(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path / "data")
    layout.state.mkdir(parents=True)
    gone, disturbed = site_id_at(4), site_id_at(6)

    with (
        serve_site(SampleConfig(recipes=60, photo_size_px=32), page_chars=3_000) as fake,
        prefect_server(layout.root) as api,
    ):
        config = ScrapeConfig(
            base_url=fake.base_url,
            pace_s=0,
            allow_loopback=True,
            retries=0,
            categories=("cat4=55",),
        )

        def run(flow: str) -> Path:
            done = subprocess.run(
                [sys.executable, "-c", CODE, flow, config.model_dump_json(), str(layout.root)],
                env={**os.environ, **quiet_environment(layout.root), "PREFECT_API_URL": api},
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return Path(done.stdout.rpartition("ARTIFACT ")[2].strip())

        first = run("scrape")
        fake.site.delete(gone)
        fake.site.break_page(f"/recipe/{disturbed}", Fault("server_error"))
        time.sleep(1.1)  # the state's clock ticks in seconds
        second = run("recheck")
        tables = requests.post(
            f"{api}/artifacts/filter",
            json={"artifacts": {"key": {"like_": "scrape"}}, "sort": "CREATED_DESC"},
            timeout=10,
        ).json()

    assert "details.parquet" in set(open_artifact(first).manifest.files)
    rows = {
        str(row["recipe_id"]): row for row in read_parquet(first / "recipes.parquet").to_pylist()
    }
    left = {str(row["recipe_id"]) for row in read_parquet(second / "recipes.parquet").to_pylist()}
    assert set(rows) - left == {f"10k:{gone}"}
    photos = [layout.resolve(image["path"]) for image in rows[f"10k:{gone}"]["images"]]
    assert not any(photo.exists() for photo in photos)
    counted = {row["what"]: row["value"] for row in _rows(tables[0]["data"])}
    assert (counted["deleted"], counted["failed_status_500"]) == (1, 1)
    assert counted["not_modified"] == 28
    assert {"fetched", "new", "changed", "skipped_robots"} <= set(counted)

    before = _catalogue(first, tmp_path / "before", None)
    after = _catalogue(second, tmp_path / "after", before)
    assert f"10k:{gone}" in _ids(read_recipes(before, ["recipe_id"]))
    assert _ids(read_recipes(after, ["recipe_id"])) == left
    parts = open_parts(_index(after, layout, tmp_path))
    assert _ids(parts.items.take(pa.array(parts.living_rows()))) == left


def _catalogue(recipes: Path, folder: Path, previous: Path | None) -> Path:
    folder.mkdir()
    sources, temporary = {"tenthousand_recipe": recipes}, folder.parent / "tmp"
    build_catalog(sources, folder, CatalogConfig(), temporary, "500MB", 1, previous=previous)
    return folder


def _index(catalogue: Path, layout: DataLayout, folder: Path) -> Path:
    """Publish what a model that learned nothing makes of a catalogue."""
    features, model, index = (folder / name for name in ("features", "model", "index"))
    for made in (features, model, index):
        made.mkdir()
    extract_features(
        catalogue,
        features,
        layout,
        FeatureConfig(
            image_encoders=("descriptors",), text_encoders=("hashed-ngrams",), text_dim=64
        ),
    )
    save_model(FusionModel(FeatureSet.open(features).dims, 16, 8), model)
    build_index(model, features, catalogue, index, IndexConfig())
    return index


def _ids(table: pa.Table) -> set[str]:
    return set(table["recipe_id"].to_pylist())


def _rows(data: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(data) if isinstance(data, str) else data  # type: ignore[assignment]
    return found
