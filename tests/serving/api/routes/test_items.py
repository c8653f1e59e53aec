import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from PIL import Image

from mmpipeline.search.index import SearchIndex
from mmpipeline.storage import DataLayout
from tests.serving.raw_client import send

TRAVERSALS = [
    "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
    "%2fetc%2fpasswd", "....//etc/passwd", "..%5c..%5cwindows", "r1m:..%2f..", "%00", "a%00.jpg",
    "C:%5cx", "CURRENT", "%ff%fe", "x" * 5000, "%252e%252e%252fetc",
]  # fmt: skip


def test_an_item_and_its_photo(address: str, recipe_id: str) -> None:
    item = requests.get(f"{address}/items/{recipe_id}", timeout=20).json()
    assert item["recipe_id"] == recipe_id
    for size, edge in ((None, 64), ("320", 64), ("960", 64)):
        query = f"?size={size}" if size else ""
        answer = requests.get(address + item["photo"] + query, timeout=20)
        assert answer.headers["Content-Type"] == "image/jpeg"
        photo = Image.open(io.BytesIO(answer.content))
        assert (photo.format, max(photo.size)) == ("JPEG", edge)
    assert requests.get(f"{address}{item['photo']}?size=5000", timeout=20).status_code == 422


@pytest.mark.parametrize("name", TRAVERSALS)
@pytest.mark.parametrize("path", ["/items/{}", "/items/{}/photo", "/static/{}", "/{}"])
def test_a_name_is_never_a_path(address: str, name: str, path: str) -> None:
    head = f"GET {path.format(name)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = send(address, head.encode())
    assert answer.status == 404
    assert b"root:" not in answer.body


def test_a_photo_that_is_gone_or_none_is_404(
    serve: Callable[..., str], published: DataLayout, index: SearchIndex, recipe_id: str
) -> None:
    address = serve(published)
    path = published.resolve(index.item(recipe_id).image_path or "")
    path.write_bytes(b"<svg><script>alert(1)</script></svg>")
    assert requests.get(f"{address}/items/{recipe_id}/photo", timeout=20).status_code == 404
    path.unlink()
    answer = requests.get(f"{address}/items/{recipe_id}/photo", timeout=20)
    assert answer.status_code == 404
    assert str(published.root) not in answer.text


def test_the_map_is_drawn_once_and_kept(
    serve: Callable[..., str], published: DataLayout, index: SearchIndex
) -> None:
    address = serve(published)
    first = requests.get(f"{address}/map.json", timeout=20)
    assert first.status_code in {200, 202}
    until = time.monotonic() + 30
    while (answer := requests.get(f"{address}/map.json", timeout=20)).status_code == 202:
        assert answer.json()["points"] is None
        assert answer.headers["Retry-After"] == "1"
        assert time.monotonic() < until
        time.sleep(0.05)
    drawn = answer.json()
    assert len(drawn["points"]["ids"]) == len(index)
    assert {dish["name_ko"] for dish in drawn["dishes"]} == {"비빔밥", "김치찌개", "냉면"}
    kept = published.state / "maps" / f"{index.version}.json"
    assert Path(kept).is_file()
