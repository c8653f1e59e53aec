import hashlib
import sqlite3
from collections import Counter
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from mmpipeline.sources.tenthousand.store.store import open_state
from mmpipeline.web.archive import SAME_RECIPE
from tests.sources.tenthousand.crawling import (
    NUMBERS,
    crawl,
    parse,
    set_checked,
)
from tests.sources.tenthousand.local_site import (
    Answer,
    Asked,
    Site,
    fill_site,
    make_recipe,
)


def test_a_page_that_only_looks_new_is_no_change(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    crawl(site, tmp_path / "store", images=False)
    pages = {7000001: b"<!-- advert --></html>", 7000002: b"<h3>other</h3></html>"}
    site.pages["/recipe/7000001"] = make_recipe(7000001).replace(b"</html>", pages[7000001])
    site.pages["/recipe/7000002"] = make_recipe(7000002, "다른 국")
    with open_state(tmp_path / "store") as state, state:
        for number in pages:
            state.mark_page(number, "todo", None, "2025-01-01T00:00:00+00:00")
    report = crawl(site, tmp_path / "store", images=False)
    assert (report.fetched, report.not_modified, report.changed, report.new) == (1, 1, 1, 0)


def test_an_unchanged_page_is_asked_for_conditionally(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    page = make_recipe(7000001)
    site.pages["/recipe/7000001"] = lambda request: (
        Answer(304)
        if request.headers.get("If-None-Match") == '"v1"'
        else Answer(200, page, {"ETag": '"v1"'})
    )
    crawl(site, tmp_path / "store", images=False)
    with open_state(tmp_path / "store") as state, state:
        state.mark_page(7000001, "todo", None, "2025-01-01T00:00:00+00:00")
    report = crawl(site, tmp_path / "store", images=False)
    assert (report.not_modified, report.fetched) == (1, 0)
    assert not report.found_something_new


def test_an_unchanged_site_adds_no_page_body_without_any_etag(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    before = crawl(site, store)
    for number in NUMBERS:
        set_checked(store, number, "2025-01-01T00:00:00+00:00")
    after = crawl(site, store)
    assert (after.not_modified, after.fetched, after.photos) == (len(NUMBERS), 0, 0)
    assert after.snapshot_id == before.snapshot_id
    bodies: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    with (store / "archive" / "pages-00001.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            if "/recipe/7" in url:
                kinds[record.rec_type] += 1
                bodies[url] += len(record.raw_stream.read()) > 0
    assert set(bodies.values()) == {1}
    assert kinds == {"response": len(NUMBERS), "revisit": len(NUMBERS)}
    assert len(parse(store, tmp_path / "out")) == len(NUMBERS)


def make_noisy(number: int, noise: int) -> bytes:
    """Make a page whose advert, views and comments differ from request to request."""
    top = (
        f'<div class="view_cate_num"><span class="hit font_num">{noise:,}</span></div>'
        f'<ins class="adsbygoogle" data-ad-slot="{noise}"></ins>'
    )
    reply = (
        f'<div class="view_reply"><div class="media reply_list"><div class="media-body">'
        f"<h4>손님{noise}</h4>간장 {noise}큰술 넣으니 맛있네요</div></div></div></body>"
    )
    page = make_recipe(number).decode()
    return page.replace("<body>", f"<body>{top}").replace("</body>", reply).encode()


def archived_records(store: Path) -> list[tuple[str, str | None, str | None, bytes]]:
    """Return kind, profile, payload digest and body of every record of a recipe page."""
    found = []
    with (store / "archive" / "pages-00001.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            header = record.rec_headers.get_header
            if "/recipe/7" in (header("WARC-Target-URI") or ""):
                body = record.raw_stream.read()
                digest = header("WARC-Payload-Digest")
                found.append((record.rec_type, header("WARC-Profile"), digest, body))
    return found


def test_noise_at_every_request_adds_no_page_body(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    served: list[bytes] = []

    def noisy(request: Asked) -> Answer:
        served.append(make_noisy(int(request.path[-7:]), 1000 + len(served)))
        return Answer(200, served[-1], {"Content-Type": "text/html; charset=UTF-8"})

    for number in NUMBERS:
        site.pages[f"/recipe/{number}"] = noisy
    store = tmp_path / "store"
    before = crawl(site, store)
    rows = parse(store, tmp_path / "a")
    for _ in range(2):
        for number in NUMBERS:
            set_checked(store, number, "2025-01-01T00:00:00+00:00")
        after = crawl(site, store)
        assert (after.not_modified, after.fetched, after.changed) == (len(NUMBERS), 0, 0)
        assert (after.photos, after.left, after.failed) == (0, 0, {})
        assert after.snapshot_id == before.snapshot_id
    assert len(set(served)) == len(served) == 3 * len(NUMBERS)
    records = archived_records(store)
    first, later = records[: len(NUMBERS)], records[len(NUMBERS) :]
    assert [body for *_, body in first] == served[: len(NUMBERS)]
    assert {record[:2] for record in later} == {("revisit", SAME_RECIPE)}
    assert not any(body for *_, body in later)
    told = [f"sha256:{hashlib.sha256(body).hexdigest()}" for body in served[len(NUMBERS) :]]
    assert [digest for _, _, digest, _ in later] == told
    assert parse(store, tmp_path / "b") == rows


def test_a_changed_recipe_under_noise_is_archived(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store)
    other = make_noisy(7000003, 5).replace("무를 썬다.".encode(), "무를 찐다.".encode())
    site.pages["/recipe/7000003"] = other
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    report = crawl(site, store)
    assert (report.fetched, report.changed, report.not_modified) == (1, 1, 0)
    assert archived_records(store)[-1][3] == other


def test_photos_wanted_later_are_found_under_noise(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store, images=False)
    site.pages["/recipe/7000003"] = make_noisy(7000003, 5)
    set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
    report = crawl(site, store)
    assert (report.fetched, report.changed, report.photos) == (1, 0, 2)


def test_a_new_etag_of_the_same_recipe_is_kept(site: Site, tmp_path: Path) -> None:
    fill_site(site, NUMBERS)
    store = tmp_path / "store"
    crawl(site, store)
    noisy = make_noisy(7000003, 5)
    site.pages["/recipe/7000003"] = lambda request: (
        Answer(304)
        if request.headers.get("If-None-Match") == '"v2"'
        else Answer(200, noisy, {"ETag": '"v2"'})
    )
    for status in (200, 304):
        set_checked(store, 7000003, "2025-01-01T00:00:00+00:00")
        assert crawl(site, store).not_modified == 1
        with sqlite3.connect(store / "state.sqlite") as connection:
            last = connection.execute("SELECT status FROM responses ORDER BY id DESC").fetchone()
        connection.close()
        assert last == (status,)
