"""Automations of a deployment's triggers, each found again on the server whatever became of it.

A trigger of a file has no id and often no name, so an automation is known again by its own name,
by what it does, and by its place in the file only at last. That way its switch and id stay with
it when triggers before it leave the file. What came from a file is marked by a tag, or has the
name that Prefect gives to triggers without one; all else was made by hand and is never removed.

Costs that a trigger without a name that changed and moved in one step is taken for a new one, or
takes the switch of the one whose place it has now.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import Automation, AutomationCore

from tasks.deployments.declared import Declared

MARK = "prefect.yaml"
"""Tag of what came from a file."""
KEPT = "stays"  # what a line says of a switch that differs from the file

_SENT = frozenset({"name", "description", "tags", "trigger", "actions"})
"""Of a change; not the switch, and not the owner, which the server takes only at the start."""


def settle_automations(
    client: SyncPrefectClient, declared: Declared, deployment_id: UUID
) -> Iterator[str]:
    """Put the automations of a deployment's triggers on the server.

    Parameters
    ----------
    client
        Of the server.
    declared
        The deployment.
    deployment_id
        Of the deployment on the server.

    Yields
    ------
    str
        What was changed, or kept against the file, as it is done.
    """
    known = client.read_resource_related_automations(f"prefect.deployment.{deployment_id}")
    pairs, left = match_automations(declared.automations(deployment_id), known, declared.name)
    for wanted, found in pairs:
        if found is None:
            client.create_automation(wanted.model_copy(update={"tags": [MARK]}))
            yield f"added automation {wanted.name}"
            continue
        if found.enabled != wanted.enabled:
            yield f"automation {wanted.name} {KEPT} {on_or_off(found.enabled)}"
        if _content(found) != _content(wanted) or not _came_from_a_file(found, declared.name):
            client.update_automation(found.id, change_of(wanted, found))
            yield f"updated automation {wanted.name}"
    for one in left:
        client.delete_automation(one.id)
        yield f"removed automation {one.name}"


def match_automations(
    wanted: list[AutomationCore], known: list[Automation], deployment: str
) -> tuple[list[tuple[AutomationCore, Automation | None]], list[Automation]]:
    """Find the automations of a file among those of a server.

    Parameters
    ----------
    wanted
        Of the file, no two of one name.
    known
        All that start the deployment, whoever made them.
    deployment
        Its name.

    Returns
    -------
    pairs : list of (AutomationCore, Automation or None)
        Each of the file with the one that it is on the server; None where that is missing.
    left : list of Automation
        Those that once came from a file and are in it no more, or twice on the server.
    """
    # Of two that are alike, one that is on goes on: so much was started before as is after.
    rest = sorted(known, key=lambda one: (not _came_from_a_file(one, deployment), not one.enabled))
    found: dict[str, Automation] = {}
    for alike in (_is_the_same, _has_the_own_name, _does_the_same, _has_the_name):
        for one in wanted:
            if one.name not in found:
                fit = next((other for other in rest if alike(one, other, deployment)), None)
                if fit is not None:
                    rest.remove(fit)
                    found[one.name] = fit
    left = [one for one in rest if _came_from_a_file(one, deployment)]
    return [(one, found.get(one.name)) for one in wanted], left


def change_of(wanted: AutomationCore, found: Automation) -> AutomationCore:
    """Return what is sent to make an automation as the file has it.

    Parameters
    ----------
    wanted
        As the file has it.
    found
        As the server has it.

    Returns
    -------
    AutomationCore
        Without the switch, which so stays as it is, and with the tags that it has.
    """
    content = wanted.model_dump(include=set(_SENT))
    return AutomationCore.model_validate({**content, "tags": sorted({*found.tags, MARK})})


def on_or_off(is_on: bool) -> str:
    """Say how a switch stands."""
    return "on" if is_on else "off"


def _is_the_same(wanted: AutomationCore, found: Automation, deployment: str) -> bool:
    return _has_the_name(wanted, found, deployment) and _does_the_same(wanted, found, deployment)


def _has_the_own_name(wanted: AutomationCore, found: Automation, deployment: str) -> bool:
    return wanted.name == found.name and not _is_numbered(found.name, deployment)


def _does_the_same(wanted: AutomationCore, found: Automation, deployment: str) -> bool:
    return _came_from_a_file(found, deployment) and _work(wanted) == _work(found)


def _has_the_name(wanted: AutomationCore, found: Automation, _: str) -> bool:
    return wanted.name == found.name


def _came_from_a_file(automation: Automation, deployment: str) -> bool:
    return MARK in automation.tags or _is_numbered(automation.name, deployment)


def _is_numbered(name: str, deployment: str) -> bool:
    """Return whether a name is one that Prefect gives to a trigger without a name."""
    return re.fullmatch(rf"{re.escape(deployment)}__automation_\d+", name) is not None


def _content(automation: AutomationCore) -> dict[str, Any]:
    # As values, not as JSON: the events that a trigger expects are a set, whose order is chance.
    return automation.model_dump(include={"name", "description", "trigger", "actions"})


def _work(automation: AutomationCore) -> dict[str, Any]:
    return automation.model_dump(include={"trigger", "actions"})
