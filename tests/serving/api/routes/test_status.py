import time
from collections.abc import Callable

import requests

from mmpipeline.search.index import SearchIndex
from mmpipeline.storage import DataLayout


def test_what_is_running(address: str, index: SearchIndex) -> None:
    version = requests.get(f"{address}/version", timeout=20).json()
    assert version["index"] == index.version
    assert (version["items"], version["dishes"], version["embedding_dim"]) == (24, 3, 16)
    assert requests.get(f"{address}/ready", timeout=20).json() == {"index": index.version}
    health = requests.get(f"{address}/health", timeout=20).json()
    assert health == {"status": "ok", "index": index.version, "problem": None}


def test_without_an_index_it_lives_and_is_not_ready(
    serve: Callable[..., str], layout: DataLayout
) -> None:
    address = serve(layout)
    health = requests.get(f"{address}/health", timeout=20)
    assert health.status_code == 200
    assert "run `make run` first" in health.json()["problem"]
    assert str(layout.root) not in health.text
    for path in ("/ready", "/version", "/filters", "/items/x", "/items/x/photo", "/map.json"):
        answer = requests.get(address + path, timeout=20)
        assert answer.status_code == 503, path
        assert answer.headers["Retry-After"] == "1"
        assert str(layout.root) not in answer.text
    assert requests.post(f"{address}/search", json={"title": "a"}, timeout=20).status_code == 503
    assert requests.get(f"{address}/", timeout=20).status_code == 200


def test_a_damaged_version_is_told_and_the_old_one_answers(
    serve: Callable[..., str],
    published: DataLayout,
    index: SearchIndex,
    publish_another: Callable[[], str],
) -> None:
    address = serve(published)
    newer = publish_another()
    wait_for(address, newer)
    published.current_index.write_text(f"{index.version}\n")
    wait_for(address, index.version)
    folder = published.artifacts("index") / newer
    victim = next(path for path in folder.iterdir() if path.name.startswith("model.safe"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    published.current_index.write_text(f"{newer}\n")
    until = time.monotonic() + 20
    while (health := requests.get(f"{address}/health", timeout=20).json())["problem"] is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "model.safetensors" in health["problem"]
    assert health["index"] == index.version
    answer = requests.post(f"{address}/search", json={"title": "국"}, timeout=20)
    assert answer.json()["version"] == index.version


def wait_for(address: str, version: str) -> None:
    until = time.monotonic() + 20
    while requests.get(f"{address}/ready", timeout=20).json()["index"] != version:
        assert time.monotonic() < until
        time.sleep(0.05)
