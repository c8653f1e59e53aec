"""Hooks at the end of a flow run: a page that says what to do, a log line, a webhook.

A failed stage says stage, cause and next step beside its run in the Prefect UI. The run that was
started (not the stages it called) is also told to ``MMPIPELINE_WEBHOOK``, where that is set. A
hook never fails a run: what it cannot deliver is logged.
"""

from typing import Any, TypedDict
from uuid import UUID

import requests
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import FlowStateHook

from mmpipeline.config.environment import load_settings
from mmpipeline.errors import FetchError, PipelineError
from tasks.runtime.stage import log

WEBHOOK_TIMEOUT_S = 10
NEXT_STEPS = {
    "scrape_recipes": "Run it again: it goes on where it stopped and asks for no page twice.",
    "recheck_recipes": "Run it again: it goes on where it stopped and asks for no page twice.",
}
NEXT_STEP = (
    "Mend the cause and run it again, or press Retry: stages that are done are not run again, and "
    "the published index keeps answering."
)


class Hooks(TypedDict):
    """Keyword arguments of ``@flow``."""

    on_completion: list[FlowStateHook[Any, Any]]
    on_failure: list[FlowStateHook[Any, Any]]
    on_crashed: list[FlowStateHook[Any, Any]]


def explain_failure(stage: str, error: object, message: str | None) -> str:
    """Say in Markdown which stage failed, why, and what to do next.

    Parameters
    ----------
    stage
        Name of the flow.
    error
        What it raised, if that is known.
    message
        What Prefect says of its state.

    Returns
    -------
    str
        Three lines.
    """
    cause = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, BaseException):
        cause = message or "unknown"
    step = NEXT_STEPS.get(stage, NEXT_STEP)
    if isinstance(error, FetchError):
        step = f"The site or the network may be at fault: wait a little. {step}"
    return f"**Stage** {stage}\n\n**Cause** {cause}\n\n**Next** {step}\n"


def tell_end(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Log how a flow run ended, page a failure, and call the webhook for a run that was started.

    Parameters
    ----------
    flow
        The flow.
    flow_run
        Its run.
    state
        How it ended.
    """
    page = None
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        page = explain_failure(flow.name, error, state.message)
        _publish_failure(page, flow_run.id)
    if flow_run.parent_task_run_id is None:
        _call_webhook({
            "flow": flow.name,
            "run": flow_run.name,
            "run_id": str(flow_run.id),
            "state": state.name,
            "message": page or state.message,
        })


def _publish_failure(page: str, flow_run_id: UUID) -> None:
    artifact = ArtifactCreate(
        key="failure", type="markdown", data=page, flow_run_id=flow_run_id, description="What to do"
    )
    try:
        with get_client(sync_client=True) as client:
            client.request("POST", "/artifacts/", json=artifact.model_dump(mode="json"))
    except Exception as error:  # noqa: BLE001  the run's own failure must be what people see
        log.warning("The failure could not be shown in the UI: %s", error)


def _call_webhook(content: dict[str, Any]) -> None:
    address = load_settings().webhook
    if not address:
        return
    try:
        requests.post(str(address), json=content, timeout=WEBHOOK_TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        log.warning("The webhook could not be told: %s", error)


HOOKS: Hooks = {
    "on_completion": [tell_end],
    "on_failure": [tell_end],
    "on_crashed": [tell_end],
}
"""For every flow: ``@flow(name=..., **HOOKS)``."""
