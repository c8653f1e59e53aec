from pathlib import Path

from mmpipeline.config import ScrapeConfig
from mmpipeline.sources.tenthousand.crawl.run import crawl_site
from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.web.pacing import Pacer
from tests.sources.tenthousand.crawling import NUMBERS, crawl, parse
from tests.sources.tenthousand.local_site import (
    Site,
    fill_site,
    make_photo,
    make_recipe,
    serve,
)


def test_photo_paths_are_relative_to_the_data_folder(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store")
    row = parse(tmp_path / "store", tmp_path / "out")[0]
    images = row["images"]
    assert isinstance(images, list)
    assert images[0]["path"].startswith("store/photos/")
    assert (tmp_path / images[0]["path"]).read_bytes() == make_photo(7000001)
    assert row["url"] == "https://www.10000recipe.com/recipe/7000001"


def test_a_deleted_recipe_takes_its_photos_along(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store")
    files = set((tmp_path / "store" / "photos").rglob("*.jpg"))
    with open_state(tmp_path / "store") as state, state:
        state.mark_page(7000001, "todo", None, "2025-01-01T00:00:00+00:00")
    del site.pages["/recipe/7000001"]
    report = crawl(site, tmp_path / "store")
    assert report.deleted == 1
    assert report.found_something_new
    left = set((tmp_path / "store" / "photos").rglob("*.jpg"))
    assert len(files - left) == 1  # its own; the one it shared stays
    assert len(parse(tmp_path / "store", tmp_path / "out")) == len(NUMBERS) - 1


def test_photos_of_another_host_fill_the_wait_for_the_site(tmp_path: Path) -> None:
    numbers = list(range(7000001, 7000056))  # photos are known when fifty pages are read
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with serve() as site, serve() as photos:
        fill_site(site, numbers)
        fill_site(photos, numbers)
        photos.pages = {path: page for path, page in photos.pages.items() if "cache" in path}
        for number in numbers:
            page = make_recipe(number).replace(b'src="/cache', f'src="{photos.url}/cache'.encode())
            site.pages[f"/recipe/{number}"] = page
        config = ScrapeConfig(base_url=site.url, allow_loopback=True)
        pacer = Pacer(1.5, clock=lambda: clock[0], sleep=sleep)
        assert crawl_site(tmp_path / "store", config, None, pacer=pacer).photos == 56
        last_page = max(asked.at for asked in site.asked)
        assert 3 <= sum(asked.at < last_page for asked in photos.asked) <= 6
