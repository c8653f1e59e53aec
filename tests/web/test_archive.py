import gzip
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from mmpipeline.errors import ArtifactError
from mmpipeline.web.archive import ArchivePlace, PageArchive, read_page
from mmpipeline.web.fetcher import Response

BODY = "가짜 국 ".encode() * 100


def respond(url: str = "https://example.org/recipe/1", zipped: bool = False) -> Response:
    raw = gzip.compress(BODY) if zipped else BODY
    headers = [("Content-Type", "text/html; charset=UTF-8"), ("Transfer-Encoding", "chunked")]
    if zipped:
        headers.append(("Content-Encoding", "gzip"))
    return Response(url, 200, "OK", tuple(headers), raw, BODY, "2025-01-02T03:04:05+00:00")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_page_is_read_back_by_its_place(tmp_path: Path, zipped: bool) -> None:
    with PageArchive(tmp_path, {}) as archive:
        archive.append(respond("https://example.org/other"))
        place = archive.append(respond(zipped=zipped))
    page = read_page(tmp_path, place, 10_000)
    assert (page.url, page.status, page.body) == ("https://example.org/recipe/1", 200, BODY)
    assert page.content_type == "text/html; charset=UTF-8"
    assert page.fetched_at == "2025-01-02T03:04:05Z"


def test_other_tools_can_read_the_segments(tmp_path: Path) -> None:
    with PageArchive(tmp_path, {}) as archive:
        archive.append(respond(zipped=True))
        archive.append(respond())
    with (tmp_path / "pages-00001.warc.gz").open("rb") as file:
        records = [
            (record.rec_type, record.content_stream().read())
            for record in ArchiveIterator(file, check_digests="raise")
        ]
    assert [kind for kind, _ in records] == ["warcinfo", "response", "response"]
    assert records[1][1] == records[2][1] == BODY


def test_a_segment_is_cut_to_its_good_part(tmp_path: Path) -> None:
    with PageArchive(tmp_path, {}) as archive:
        first = archive.append(respond())
    path = tmp_path / first.segment
    good = first.offset + first.length
    path.write_bytes(path.read_bytes() + b"\x1f\x8btorn")
    with PageArchive(tmp_path, {first.segment: good}) as archive:
        second = archive.append(respond())
    assert second == ArchivePlace(first.segment, good, first.length) or second.offset == good
    assert read_page(tmp_path, first, 10_000) == read_page(tmp_path, second, 10_000)


def test_an_unknown_segment_is_left_alone(tmp_path: Path) -> None:
    with PageArchive(tmp_path, {}) as archive:
        first = archive.append(respond())
    before = (tmp_path / first.segment).read_bytes()
    with PageArchive(tmp_path, {}) as archive:
        assert archive.append(respond()).segment == "pages-00002.warc.gz"
    assert (tmp_path / first.segment).read_bytes() == before


def test_segments_are_rolled(tmp_path: Path) -> None:
    with PageArchive(tmp_path, {}, segment_bytes=600) as archive:
        places = [archive.append(respond()) for _ in range(4)]
    assert len({place.segment for place in places}) > 1
    assert all(read_page(tmp_path, place, 10_000).body == BODY for place in places)


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    with PageArchive(tmp_path, {}) as archive:
        place = archive.append(respond())
    path = tmp_path / place.segment
    content = bytearray(path.read_bytes())
    content[place.offset + place.length // 2] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40] if damage == "cut" else bytes(content))
    with pytest.raises(ArtifactError, match=str(place.offset)):
        read_page(tmp_path, place, 10_000)
