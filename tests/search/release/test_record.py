"""The record of releases follows CURRENT, also where a publisher was killed between the two."""

import pytest

from mmpipeline.errors import ArtifactError
from mmpipeline.search.release.record import (
    RELEASES_NAME,
    alias_difference,
    answered_before,
    challenger,
    note_aliases,
    read_releases,
    record,
    repair_record,
    was_refused,
)
from mmpipeline.storage import DataLayout, write_text_atomic

FIRST, SECOND, THIRD = "1" * 16, "2" * 16, "3" * 16


def let_answer(layout: DataLayout, version: str) -> None:
    write_text_atomic(layout.current_index, f"{version}\n")


def test_decisions_are_kept_in_order(layout: DataLayout) -> None:
    assert read_releases(layout) == []
    record(layout, FIRST, "promoted", None, "passed the gate", {"questions": 3.0})
    let_answer(layout, FIRST)
    record(layout, SECOND, "refused", FIRST, "worse")
    assert [entry.version for entry in read_releases(layout)] == [FIRST, SECOND]
    assert read_releases(layout)[0].figures == {"questions": 3.0}
    refused = challenger(layout)
    assert refused is not None
    assert refused.version == SECOND
    assert was_refused(layout, SECOND)
    assert not was_refused(layout, FIRST)


def test_what_answers_unrecorded_is_written_down(layout: DataLayout) -> None:
    record(layout, FIRST, "promoted", None, "passed the gate")
    let_answer(layout, FIRST)
    repair_record(layout)
    assert len(read_releases(layout)) == 1
    let_answer(layout, SECOND)  # and killed
    with pytest.raises(ArtifactError, match="no earlier version is recorded"):
        answered_before(layout, SECOND)
    repair_record(layout)
    assert answered_before(layout, SECOND) == [FIRST]


def test_a_rollback_that_was_killed_is_known_for_one(layout: DataLayout) -> None:
    record(layout, FIRST, "promoted", None, "passed the gate")
    record(layout, SECOND, "promoted", FIRST, "passed the gate")
    let_answer(layout, FIRST)  # by a rollback, and killed
    repair_record(layout)
    assert read_releases(layout)[-1].action == "rolled back"
    with pytest.raises(ArtifactError, match="no earlier version is recorded"):
        answered_before(layout, FIRST)  # not forward to the second


def test_a_record_that_cannot_be_read_is_told(layout: DataLayout) -> None:
    path = layout.current_index.parent / RELEASES_NAME
    path.parent.mkdir(parents=True)
    path.write_text('{"releases": [{}]}')
    with pytest.raises(ArtifactError, match=RELEASES_NAME):
        read_releases(layout)


def test_the_registry_is_compared_with_what_answers(layout: DataLayout) -> None:
    let_answer(layout, FIRST)
    assert alias_difference(layout) is None  # never told anything
    note_aliases(layout, {"champion": FIRST})
    assert alias_difference(layout) is None
    let_answer(layout, THIRD)
    assert alias_difference(layout) == (f"the alias champion names {FIRST}, CURRENT names {THIRD}")
