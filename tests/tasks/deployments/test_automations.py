"""An automation is known again by name, by content, then by place; its switch stays with it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.events.schemas.automations import Automation
from prefect.server.events.schemas.automations import AutomationCreate, AutomationUpdate

from tasks.deployments import automations
from tasks.deployments.automations import MARK, change_of, match_automations
from tasks.deployments.declared import Declared

DEPLOYMENT = UUID(int=7)

Trigger = dict[str, Any]


def trigger(event: str, **fields: object) -> Trigger:
    return {"posture": "Reactive", "expect": [event], **fields}


def declared(*triggers: Trigger) -> Declared:
    return Declared("flow", "live", {}, {}, triggers)


def served(
    *triggers: Trigger, off: tuple[int, ...] = (), tags: tuple[str, ...] = (MARK,)
) -> list[Automation]:
    """Return what a server holds after these were deployed, in the server's own words."""
    found = []
    for number, one in enumerate(declared(*triggers).automations(DEPLOYMENT)):
        kept = AutomationCreate.model_validate(one.model_dump(mode="json"))
        held = {**kept.model_dump(mode="json"), "id": str(uuid4()), "tags": list(tags)}
        found.append(Automation.model_validate({**held, "enabled": number not in off}))
    return found


def told(found: list[Automation], *triggers: Trigger) -> tuple[list[Any], list[Automation]]:
    wanted = declared(*triggers).automations(DEPLOYMENT)
    pairs, left = match_automations(wanted, found, "live")
    return [other for _, other in pairs], left


def test_a_switch_stays_with_its_trigger_when_one_before_it_leaves() -> None:
    first, second = found = served(trigger("a"), trigger("b"), off=(1,))
    assert told(found, trigger("b")) == ([second], [first])
    assert told(found, trigger("b"), trigger("a")) == ([second, first], [])
    assert told(found, trigger("c"), trigger("a"), trigger("b")) == ([None, first, second], [])


def test_a_trigger_that_changed_is_known_by_its_place() -> None:
    first, second = found = served(trigger("a"), trigger("b"))
    assert told(found, trigger("c"), trigger("b")) == ([first, second], [])
    assert told(found, trigger("a"), trigger("c")) == ([first, second], [])


def test_a_name_of_its_own_comes_before_content() -> None:
    first, second = found = served(trigger("a", name="x"), trigger("b", name="y"))
    assert told(found, trigger("b", name="x"), trigger("a", name="y")) == ([first, second], [])
    assert told(found, trigger("b", name="z")) == ([second], [first])  # renamed
    assert told(found, trigger("b")) == ([second], [first])


def test_what_left_the_file_goes_and_what_was_made_by_hand_stays() -> None:
    named = served(trigger("a", name="x"))
    by_hand = served(trigger("a", name="by hand"), tags=("mine",))
    numbered = served(trigger("b"), tags=())  # of a release that set no mark
    assert told([*named, *by_hand, *numbered]) == ([], [*named, *numbered])
    assert told(by_hand, trigger("a")) == ([None], [])


def test_one_of_two_that_are_alike_goes_and_what_was_started_still_is() -> None:
    (off,) = served(trigger("a"), off=(0,))
    (on,) = served(trigger("a"))
    assert told([off, on], trigger("a")) == ([on], [off])


@pytest.mark.parametrize(
    "fields",
    [
        trigger("a"),
        {"type": "compound", "require": "all", "within": 60, "triggers": [trigger("a")]},
        {"type": "sequence", "within": 60, "triggers": [trigger("a"), trigger("b")]},
    ],
)
def test_a_change_is_what_the_server_takes_and_leaves_the_switch(fields: Trigger) -> None:
    (found,) = served(fields, off=(0,), tags=("mine",))
    (wanted,) = declared({**fields, "description": "new"}).automations(DEPLOYMENT)
    sent = change_of(wanted, found).model_dump(mode="json", exclude_unset=True)
    taken = AutomationUpdate.model_validate(sent)  # refuses what it does not know
    changed = taken.model_dump_for_orm(exclude_unset=True)
    assert "enabled" not in changed
    assert changed["description"] == "new"
    assert set(changed["tags"]) == {"mine", MARK}
    assert told([found], fields) == ([found], [])


def test_events_are_the_same_in_whatever_order_they_are_kept() -> None:
    events = [f"mmpipeline.kind_{number}.made" for number in range(40)]
    (found,) = served({"posture": "Reactive", "expect": events})
    (wanted,) = declared({"posture": "Reactive", "expect": events[::-1]}).automations(DEPLOYMENT)
    dumps = [one.model_dump(mode="json")["trigger"]["expect"] for one in (found, wanted)]
    assert dumps[0] != dumps[1]  # what is compared must not depend on that
    assert automations._content(found) == automations._content(wanted)
    assert automations._work(found) == automations._work(wanted)
