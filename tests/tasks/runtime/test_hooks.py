"""A failure says stage, cause and next step."""

import pytest

from mmpipeline.errors import ArtifactError, FetchError
from tasks.runtime.hooks import explain_failure


@pytest.mark.parametrize(
    ("error", "message", "cause", "step"),
    [
        (ArtifactError("x is cut; run again"), None, "x is cut; run again", "press Retry"),
        (ZeroDivisionError("by 0"), None, "ZeroDivisionError: by 0", "press Retry"),
        (FetchError("no answer"), None, "no answer", "wait a little"),
        (None, "Its process died", "Its process died", "press Retry"),
    ],
)
def test_it_says_what_failed_why_and_what_to_do(
    error: object, message: str | None, cause: str, step: str
) -> None:
    page = explain_failure("build_pairs", error, message)
    assert "**Stage** build_pairs" in page
    assert f"**Cause** {cause}\n" in page
    assert step in page


def test_a_crawl_is_told_that_it_goes_on() -> None:
    assert "asks for no page twice" in explain_failure("scrape_recipes", FetchError("x"), None)
