import hashlib
import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from mmpipeline.config import ParseConfig, ScrapeConfig
from mmpipeline.errors import ArtifactError, LayoutChangedError, StageError
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.parse.snapshot import check_layout, parse_snapshot
from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.storage import DataLayout, read_parquet
from tests.sources.tenthousand.local_site import Answer, Site, fill_site, make_photo, make_recipe


def test_parsing_twice_gives_the_same_bytes(site: Site, tmp_path: Path) -> None:
    fill_site(site, [1, 2, 30])
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True)
    crawl_site(tmp_path / "store", config, None)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        counts = parse_snapshot(
            tmp_path / "store", tmp_path / name, DataLayout.at(tmp_path), ParseConfig()
        )
        assert counts == {
            "pages": 3.0, "parsed": 3.0, "recipes": 3.0, "quarantined": 0.0, "findings": 0.0,
            "photos": 6.0,
        }  # fmt: skip
    for file in ("recipes.parquet", "details.parquet", "quarantine.parquet", "pages.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_field_that_vanished_from_many_pages_stops_parsing(site: Site, tmp_path: Path) -> None:
    numbers = list(range(1, 31))
    fill_site(site, numbers)
    for number in numbers[:10]:
        page = make_recipe(number).replace(b"divConfirmedMaterialArea", b"renamed")
        site.pages[f"/recipe/{number}"] = page
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True, images=False)
    crawl_site(tmp_path / "store", config, None)
    layout = DataLayout.at(tmp_path)
    with pytest.raises(LayoutChangedError, match="10 of 30 pages have no ingredients: selector"):
        parse_snapshot(tmp_path / "store", tmp_path / "a", layout, ParseConfig())
    relaxed = ParseConfig(required_field_bound=0.5)
    assert parse_snapshot(tmp_path / "store", tmp_path / "a", layout, relaxed)["recipes"] == 30


def test_few_pages_prove_nothing_about_the_layout() -> None:
    check_layout(Counter(title=19), 19, 0.2)
    check_layout(Counter(title=4), 20, 0.2)
    with pytest.raises(LayoutChangedError):
        check_layout(Counter(title=5), 20, 0.2)


def test_an_empty_store_is_told_from_none(tmp_path: Path) -> None:
    layout = DataLayout.at(tmp_path)
    with pytest.raises(ArtifactError, match="run the scraper first"):
        parse_snapshot(tmp_path / "store", tmp_path / "a", layout, ParseConfig())
    with open_state(tmp_path / "store"):
        pass
    with pytest.raises(StageError, match="no recipe page"):
        parse_snapshot(tmp_path / "store", tmp_path / "a", layout, ParseConfig())


def test_details_keep_what_the_common_schema_does_not(site: Site, tmp_path: Path) -> None:
    fill_site(site, [7])
    golden = Path(__file__).parents[3] / "golden" / "tenthousand_recipe" / "ingre_unit_2020.html"
    site.pages["/recipe/7"] = golden.read_bytes()
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True, images=False)
    crawl_site(tmp_path / "store", config, None)
    (tmp_path / "a").mkdir()
    parse_snapshot(tmp_path / "store", tmp_path / "a", DataLayout.at(tmp_path), ParseConfig())
    recipe = read_parquet(tmp_path / "a" / "recipes.parquet").to_pylist()[0]
    details = read_parquet(tmp_path / "a" / "details.parquet").to_pylist()[0]
    assert details["recipe_id"] == recipe["recipe_id"] == "10k:7"
    assert [step["text"] for step in details["steps"]] == recipe["instructions"]
    notes = {note["kind"] for step in details["steps"] for note in step["notes"]}
    assert notes == {"ingredients", "tools", "heat", "tip"}
    known = {image["id"] for image in recipe["images"]}
    assert {name for step in details["steps"] for name in step["image_ids"]} <= known
    assert details["tools"]


def test_sizes_of_kept_photos_reach_the_details(site: Site, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    made: dict[str, dict[str, Image.Exif]] = {
        "JPEG": {"exif": exif},
        "PNG": {},
        "WEBP": {},
        "GIF": {},
    }
    fill_site(site, list(range(1, 6)))
    files: dict[int, bytes] = {}
    for number, (kind, options) in enumerate(made.items(), 1):
        out = io.BytesIO()
        Image.new("RGB", (20 + number, 10), "red").save(out, kind, **options)
        files[number] = out.getvalue()
        name = hashlib.md5(str(number).encode()).hexdigest()
        site.pages[f"/cache/recipe/2025/01/01/{name}.jpg"] = Answer(200, files[number])
    del site.pages[f"/cache/recipe/2025/01/01/{hashlib.md5(b'5').hexdigest()}.jpg"]
    config = ScrapeConfig(base_url=site.url, pace_s=0, allow_loopback=True)
    crawl_site(tmp_path / "store", config, None)
    (tmp_path / "a").mkdir()
    parse_snapshot(tmp_path / "store", tmp_path / "a", DataLayout.at(tmp_path), ParseConfig())
    rows = read_parquet(tmp_path / "a" / "details.parquet").to_pylist()
    kept = [[tuple(photo.values())[1:] for photo in row["photos"]] for row in rows]
    shared = (8, 6, len(make_photo(1)))
    assert kept == [
        [(10, 21, len(files[1])), shared],  # upright
        [(22, 10, len(files[2])), shared],
        [(23, 10, len(files[3])), shared],
        [(24, 10, len(files[4])), shared],
        [shared],  # the main photo could not be had
    ]
    recipes = read_parquet(tmp_path / "a" / "recipes.parquet").to_pylist()
    for recipe, row in zip(recipes, rows, strict=True):
        files_of = {image["id"]: image["path"] for image in recipe["images"] if image["path"]}
        assert [photo["image_id"] for photo in row["photos"]] == list(files_of)
        for photo in row["photos"]:
            assert (tmp_path / files_of[photo["image_id"]]).stat().st_size == photo["size_bytes"]
