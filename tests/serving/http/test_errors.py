import json

import pytest

from mmpipeline.serving.http.errors import RefusedError


@pytest.mark.parametrize(
    ("status", "headers"),
    [(503, {"retry-after": "1"}), (413, {"connection": "close"}), (408, {"connection": "close"}),
     (422, {})],
)  # fmt: skip
def test_a_refusal_says_why_and_what_now(status: int, headers: dict[str, str]) -> None:
    response = RefusedError(status, "word", "A sentence.").response()
    assert response.status_code == status
    assert json.loads(response.body) == {"reason": "word", "message": "A sentence."}
    told = {"retry-after", "connection"} & set(response.headers)
    assert {name: response.headers[name] for name in told} == headers
