"""An interval counts from where it has counted; what is wrong is said in a line."""

from typing import Any

import pytest
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from mmpipeline.errors import ConfigError
from tasks.deployments.deploying import anchored, reason

LONG_AGO = "2026-01-01T00:07:00+09:00"


def interval(**fields: object) -> IntervalSchedule:
    """Return a schedule as it comes from the server."""
    made: Any = IntervalSchedule.model_validate({"interval": 3600, **fields})
    return IntervalSchedule.model_validate_json(made.model_dump_json())


def declared(**fields: object) -> IntervalSchedule:
    return IntervalSchedule.model_validate({"interval": 3600, **fields})


def test_an_interval_keeps_the_servers_anchor_where_the_file_has_none() -> None:
    found = interval()
    assert anchored(declared(), found) == found
    changed = anchored(declared(interval=60), found)
    assert isinstance(changed, IntervalSchedule)
    assert changed.interval.total_seconds() == 60
    assert changed.anchor_date == found.anchor_date


def test_the_anchor_of_the_file_counts() -> None:
    fixed = declared(anchor_date=LONG_AGO)
    assert anchored(fixed, interval()) is fixed
    assert anchored(fixed, interval(anchor_date=LONG_AGO)) == interval(anchor_date=LONG_AGO)


@pytest.mark.parametrize("other", [CronSchedule(cron="0 1 * * *"), declared()])
def test_a_schedule_of_another_kind_is_as_the_file_says(
    other: CronSchedule | IntervalSchedule,
) -> None:
    wanted = declared() if isinstance(other, CronSchedule) else CronSchedule(cron="0 2 * * *")
    assert anchored(wanted, other) is wanted


def test_our_own_words_are_said_without_the_name_of_a_class() -> None:
    assert reason(ConfigError("expected a slug")) == "expected a slug"
    assert reason(ValueError("odd")) == "ValueError: odd"
