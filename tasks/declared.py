"""The deployments that a prefect.yaml declares, in the terms in which the server keeps them.

Read here and not by `prefect deploy`, which sends every deployment anew: it sets switches back to
what the file says, makes automations anew under new ids, and leaves schedules that left the file.
With both sides in the same terms, only what differs is sent (`tasks.deploying`).

Costs that a file may use only what is listed in `KEYS`; build and push steps, templates and blocks
are for `prefect deploy`. A test holds that both make the same deployment of the same file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import yaml
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import SCHEDULE_TYPES
from prefect.events import DeploymentTriggerTypes
from prefect.events.schemas.automations import AutomationCore
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter

from mmpipeline.errors import ConfigError

if TYPE_CHECKING:
    from prefect import Flow

KEYS = frozenset({
    *("name", "entrypoint", "description", "tags", "parameters", "schedules", "triggers"),
    *("concurrency_limit", "work_pool", "version", "paused", "pull", "enforce_parameter_schema"),
})
SWITCH_KEYS = frozenset({"slug", "active", "parameters"})
"""Of a schedule: what is not about when it is due."""

_Schedule: TypeAdapter[SCHEDULE_TYPES] = TypeAdapter(SCHEDULE_TYPES)
_Trigger: TypeAdapter[DeploymentTriggerTypes] = TypeAdapter(DeploymentTriggerTypes)


@dataclass(frozen=True)
class Declared:
    """One deployment of the file.

    Parameters
    ----------
    flow_name, name
        Together they name it.
    fields
        What the server keeps of it, less schedules and switches.
    schedules
        By slug.
    triggers
        As the file has them; `automations` gives them a deployment.
    is_paused
        Whether it begins paused.
    """

    flow_name: str
    name: str
    fields: dict[str, Any]
    schedules: dict[str, DeploymentScheduleCreate]
    triggers: tuple[dict[str, Any], ...] = ()
    is_paused: bool = False

    @property
    def full_name(self) -> str:
        """Flow and name, as commands take them."""
        return f"{self.flow_name}/{self.name}"

    def automations(self, deployment_id: UUID) -> list[AutomationCore]:
        """Return the automations of its triggers.

        Parameters
        ----------
        deployment_id
            Of the deployment that they start.

        Returns
        -------
        list of AutomationCore
            Named as Prefect names them.
        """
        made = []
        for number, trigger in enumerate(self.triggers, 1):
            named = {"name": f"{self.name}__automation_{number}", **trigger}
            one = _Trigger.validate_python(named)
            one.set_deployment_id(deployment_id)
            made.append(one.as_automation())
        return made


def read_file(path: Path, root: Path) -> list[dict[str, Any]]:
    """Read a prefect.yaml.

    Parameters
    ----------
    path
        The file.
    root
        The folder in which its entrypoints lie.

    Returns
    -------
    list of dict
        A deployment each, with the file's own pull steps where it has none: by default workers
        look for the code in `root`.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no list of named deployments.
    """
    try:
        content = yaml.safe_load(path.read_bytes())
        listed = [dict(one) for one in content["deployments"]]
        names = [(one["entrypoint"], one["name"]) for one in listed]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path}: expected deployments with a name and an entrypoint each, found {error!r}; "
            "compare it with the prefect.yaml of this repository"
        ) from error
    if len(set(names)) < len(names):
        raise ConfigError(f"{path}: two deployments of one flow have the same name; rename one")
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(root)}}
    return [{"pull": content.get("pull") or [here], **one} for one in listed]


def declare(config: dict[str, Any]) -> Declared:
    """Say what one deployment of a file means; its flow is imported.

    Parameters
    ----------
    config
        From `read_file`.

    Returns
    -------
    Declared
        In the server's terms.

    Raises
    ------
    ConfigError
        If it uses what only `prefect deploy` knows.
    """
    unknown = sorted(config.keys() - KEYS)
    if unknown or "{{" in str({**config, "triggers": None}):
        raise ConfigError(
            f"expected only {', '.join(sorted(KEYS))} and no templates, found "
            f"{', '.join(unknown) or 'a template'}; leave it out, or use `prefect deploy`"
        )
    flow: Flow[..., Any] = load_flow_from_entrypoint(config["entrypoint"])
    pool = config.get("work_pool") or {}
    fields = {
        "version": config.get("version") or flow.version,
        "description": config.get("description") or flow.description,
        "tags": config.get("tags") or [],
        "parameters": config.get("parameters") or {},
        "entrypoint": config["entrypoint"],
        "pull_steps": config["pull"],
        "work_pool_name": pool.get("name"),
        "job_variables": pool.get("job_variables") or {},
        "parameter_openapi_schema": parameter_schema(flow).model_dump(exclude_unset=True),
        "enforce_parameter_schema": config.get("enforce_parameter_schema", True),
        **_concurrency(config.get("concurrency_limit")),
    }
    if "work_queue_name" in pool:
        fields["work_queue_name"] = pool["work_queue_name"]
    schedules = [_schedule(one) for one in config.get("schedules") or []]
    return Declared(
        flow.name,
        config["name"],
        fields,
        {str(one.slug): one for one in schedules},
        tuple(config.get("triggers") or ()),
        bool(config.get("paused")),
    )


def _concurrency(limit: int | dict[str, Any] | None) -> dict[str, Any]:
    if not isinstance(limit, dict):
        return {"concurrency_limit": limit, "concurrency_options": None}
    options = {key: value for key, value in limit.items() if key != "limit"}
    return {"concurrency_limit": limit.get("limit"), "concurrency_options": options or None}


def _schedule(config: dict[str, Any]) -> DeploymentScheduleCreate:
    if not config.get("slug"):
        raise ConfigError(f"expected a slug, found {config}; its switch is kept under that name")
    when = {key: value for key, value in config.items() if key not in SWITCH_KEYS}
    return DeploymentScheduleCreate(
        schedule=_Schedule.validate_python(when),
        slug=config["slug"],
        active=config.get("active", True),
        parameters=config.get("parameters") or {},
    )
