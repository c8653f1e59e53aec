"""Deployments put on a server, with what an operator switched there left as it is.

The file says what runs and when; the operator says whether. So description, parameters, cron,
triggers and the like follow the file, and what is switched (a schedule on or off, a deployment
paused, an automation on or off) stays as the server has it, ids included; only what is new begins
as the file says. Nothing but differences is sent, so there is no moment at which a switch is wrong,
whenever this process dies, and a second deployment sends nothing.

A schedule that was added by hand has no slug and is left alone. One deployment after another: what
is wrong with one is told at the end and hides nothing of the others.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import SCHEDULE_TYPES, IntervalSchedule
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from mmpipeline.errors import PipelineError
from tasks.deployments.automations import KEPT, on_or_off, settle_automations
from tasks.deployments.declared import Declared


def put(client: SyncPrefectClient, declared: Declared) -> Iterator[str]:
    """Put one deployment on the server.

    Parameters
    ----------
    client
        Of the server.
    declared
        The deployment.

    Yields
    ------
    str
        What was changed, or kept against the file, as it is done.
    """
    try:
        found = client.read_deployment_by_name(declared.full_name)
    except ObjectNotFound:
        deployment_id = client.create_deployment(
            flow_id=client.create_flow_from_name(declared.flow_name),
            name=declared.name,
            schedules=list(declared.schedules.values()),
            paused=declared.is_paused,
            **declared.fields,
        )
        yield "created"
        found = client.read_deployment(deployment_id)
    else:
        yield from _update_fields(client, declared, found)
    yield from _settle_schedules(client, declared, found)
    yield from settle_automations(client, declared, found.id)


def strangers(
    client: SyncPrefectClient, declared: list[Declared], unread: Iterable[str] = ()
) -> list[str]:
    """Return the deployments that were made from the same code and are not declared any more.

    Parameters
    ----------
    client
        Of the server.
    declared
        All that the file declares.
    unread
        Whole names of those in the file that are wrong: none of such a name is a stranger, for the
        flow, which gives the first half, may not have been imported.

    Returns
    -------
    list of str
        Their whole names.
    """
    names = {one.full_name for one in declared}
    places = [one.fields["pull_steps"] for one in declared]
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(offset=len(found)):
        found += page
    flows = {flow_id: client.read_flow(flow_id).name for flow_id in {one.flow_id for one in found}}
    whole = [(f"{flows[one.flow_id]}/{one.name}", one) for one in found]
    spared = {name.rpartition("/")[2] for name in unread}
    return sorted(
        name
        for name, one in whole
        if one.pull_steps in places and name not in names and one.name not in spared
    )


def reason(error: Exception) -> str:
    """Say what is wrong with a deployment; what a server refused in its own words and in full.

    Parameters
    ----------
    error
        What deploying raised.

    Returns
    -------
    str
        Of one line or more.
    """
    if isinstance(error, PipelineError):
        return str(error)
    if not isinstance(error, PrefectHTTPStatusError):
        return f"{type(error).__name__}: {error}"
    try:
        said = error.response.json()
    except ValueError:
        said = error.response.text
    detail = said.get("detail", said) if isinstance(said, dict) else said
    words = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
    return f"{error.response.status_code}: {words}"


def anchored(wanted: SCHEDULE_TYPES, found: SCHEDULE_TYPES) -> SCHEDULE_TYPES:
    """Return a schedule that counts from where it has counted, unless the file says from where.

    Parameters
    ----------
    wanted
        Of the file.
    found
        Of the server.

    Returns
    -------
    CronSchedule, IntervalSchedule, RRuleSchedule or NoSchedule
        The wanted one; of two intervals without an ``anchor_date`` in the file, with the server's:
        Prefect's own is the moment at which the file was read.
    """
    if not (isinstance(wanted, IntervalSchedule) and isinstance(found, IntervalSchedule)):
        return wanted
    if "anchor_date" in wanted.model_fields_set:
        return wanted
    return wanted.model_copy(update={"anchor_date": found.anchor_date})


def _update_fields(
    client: SyncPrefectClient, declared: Declared, found: DeploymentResponse
) -> Iterator[str]:
    limit = found.global_concurrency_limit
    now = {**found.model_dump(mode="json"), "concurrency_limit": limit and limit.limit}
    changed = {key: value for key, value in declared.fields.items() if _differs(value, now[key])}
    if changed:
        client.update_deployment(found.id, DeploymentUpdate(**changed))
        yield f"updated {', '.join(sorted(changed))}"
    if found.paused != declared.is_paused:
        yield f"{KEPT} {'paused' if found.paused else 'unpaused'}"


def _differs(wanted: Any, found: Any) -> bool:  # noqa: ANN401  fields of any JSON type
    if isinstance(wanted, dict) and isinstance(found, dict):  # the server adds defaults
        found = {key: value for key, value in found.items() if value is not None or key in wanted}
    return bool(json.loads(json.dumps(wanted, default=str)) != found)


def _settle_schedules(
    client: SyncPrefectClient, declared: Declared, found: DeploymentResponse
) -> Iterator[str]:
    known = {one.slug: one for one in found.schedules if one.slug}
    for slug, wanted in declared.schedules.items():
        one = known.get(slug)
        if one is None:
            client.create_deployment_schedules(found.id, [wanted])
            yield f"added schedule {slug}"
            continue
        schedule = anchored(wanted.schedule, one.schedule)
        if (schedule, wanted.parameters) != (one.schedule, one.parameters):
            client.update_deployment_schedule(
                found.id, one.id, schedule=schedule, parameters=wanted.parameters
            )
            yield f"updated schedule {slug}"
        if one.active != wanted.active:
            yield f"schedule {slug} {KEPT} {on_or_off(one.active)}"
    for slug, one in known.items():
        if slug not in declared.schedules:
            client.delete_deployment_schedule(found.id, one.id)
            yield f"removed schedule {slug}"
