import json

import requests


def test_every_refusal_has_one_form(address: str) -> None:
    answers = [
        requests.get(f"{address}/nothing", timeout=20),
        requests.delete(f"{address}/health", timeout=20),
        requests.get(f"{address}/items/r1m:none", timeout=20),
        requests.get(f"{address}/items/x/photo?size=1", timeout=20),
        requests.post(f"{address}/search", data=b"{", timeout=20),
        requests.post(f"{address}/search", json={"title": ""}, timeout=20),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert set(json.loads(answer.content)) == {"reason", "message"}


def test_nothing_is_loaded_from_elsewhere_to_document_it(address: str) -> None:
    for path in ("/docs", "/redoc"):
        assert requests.get(address + path, timeout=20).status_code == 404
