"""The deployments that a prefect.yaml declares, in the terms in which the server keeps them.

Read here and not by `prefect deploy`, which sends every deployment anew: it sets switches back to
what the file says, makes automations anew under new ids, and leaves schedules that left the file.
With both sides in the same terms, only what differs is sent (`tasks.deployments.deploying`).

Costs that a file may use only what is listed in `KEYS`; build and push steps, templates and blocks
are for `prefect deploy`. A test holds that both make the same deployment of the same file.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import yaml
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.events import DeploymentTriggerTypes
from prefect.events.schemas.automations import AutomationCore
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, TypeAdapter, ValidationError

from mmpipeline.errors import ConfigError

if TYPE_CHECKING:
    from prefect import Flow


class _Pool(BaseModel, extra="forbid", strict=True):
    name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class _Entry(BaseModel, extra="forbid", strict=True):
    """The form of a deployment in the file; what is in the lists is looked at on its own."""

    name: str
    entrypoint: str
    description: str | None = None
    tags: list[str] | None = None
    parameters: dict[str, Any] | None = None
    schedules: list[dict[str, Any]] | None = None
    triggers: list[dict[str, Any]] | None = None
    concurrency_limit: int | dict[str, Any] | None = None
    work_pool: _Pool | None = None
    version: str | None = None
    paused: bool | None = None
    pull: list[dict[str, Any]]
    enforce_parameter_schema: bool | None = None


KEYS = frozenset(_Entry.model_fields)
SWITCH_KEYS = frozenset({"slug", "active", "parameters"})
"""Of a schedule: what is not about when it is due."""

_SCHEDULES: dict[str, type[CronSchedule | IntervalSchedule | RRuleSchedule]] = {
    "cron": CronSchedule,
    "interval": IntervalSchedule,
    "rrule": RRuleSchedule,
}
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

        Raises
        ------
        ConfigError
            If Prefect knows no such trigger, or two have one name.
        """
        made = []
        for number, trigger in enumerate(self.triggers, 1):
            named = {"name": f"{self.name}__automation_{number}", **_given(trigger)}
            try:
                one = _Trigger.validate_python(named)
            except ValidationError as error:
                raise ConfigError(f"trigger {number}: {_in_a_line(error)}") from error
            if unknown := sorted(named.keys() - type(one).model_fields.keys()):
                raise ConfigError(  # Prefect would start the deployment at any event
                    f"trigger {number}: expected what Prefect knows of it, found "
                    f"{', '.join(unknown)}; correct it or leave it out"
                )
            one.set_deployment_id(deployment_id)
            made.append(one.as_automation())
        _refuse_twins("triggers have the name", (one.name for one in made))
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
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: expected a file of deployments, found {error!r}") from error
    listed = content.get("deployments") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ConfigError(
            f"{path}: expected deployments with a name and an entrypoint each, found {listed!r}; "
            "compare it with the prefect.yaml of this repository"
        )
    named = [_named(one, f"{path}: deployment {number}") for number, one in enumerate(listed, 1)]
    if len({(one["entrypoint"], one["name"]) for one in named}) < len(named):
        raise ConfigError(f"{path}: two deployments of one flow have the same name; rename one")
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(root)}}
    return [{"pull": content.get("pull") or [here], **one} for one in named]


def _named(entry: Any, place: str) -> dict[str, Any]:  # noqa: ANN401  whatever a file holds
    entry = entry if isinstance(entry, dict) else {"name": entry}
    for key, example in (("name", "monthly"), ("entrypoint", "flows/main.py:main")):
        value = entry.get(key)
        if not isinstance(value, str) or not value or (key == "entrypoint" and ":" not in value):
            raise ConfigError(
                f"{place} ({entry.get('name')}): expected {key} as in `{key}: {example}`, "
                f"found {value!r}"
            )
    return _given(entry)


def _given(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as if its keys without a value had been left out."""
    return {key: value for key, value in entry.items() if value is not None}


def declare(config: dict[str, Any]) -> Declared:
    """Say what one deployment of a file means; its flow is imported.

    Parameters
    ----------
    config
        From `read_file`.

    Returns
    -------
    Declared
        In the server's terms, and such that nothing of it is refused when half is on the server.

    Raises
    ------
    ConfigError
        If it has another form, or uses what only `prefect deploy` knows.
    """
    _check_form(config)
    flow: Flow[..., Any] = load_flow_from_entrypoint(config["entrypoint"])
    schedules = [_schedule(one) for one in config.get("schedules") or []]
    _refuse_twins("schedules have the slug", (str(one.slug) for one in schedules))
    declared = Declared(
        flow.name,
        config["name"],
        _fields(config, flow),
        {str(one.slug): one for one in schedules},
        tuple(config.get("triggers") or ()),
        bool(config.get("paused")),
    )
    declared.automations(UUID(int=0))  # refuses what is no trigger
    return declared


def _check_form(config: dict[str, Any]) -> None:
    unknown = sorted(config.keys() - KEYS)
    if unknown or "{{" in str({**config, "triggers": None}):
        raise ConfigError(
            f"expected only {', '.join(sorted(KEYS))} and no templates, found "
            f"{', '.join(unknown) or 'a template'}; leave it out, or use `prefect deploy`"
        )
    try:
        _Entry.model_validate(config)
    except ValidationError as error:
        raise ConfigError(_in_a_line(error)) from error


def _fields(config: dict[str, Any], flow: "Flow[..., Any]") -> dict[str, Any]:
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
    return fields


def _concurrency(limit: int | dict[str, Any] | None) -> dict[str, Any]:
    if not isinstance(limit, dict):
        return {"concurrency_limit": limit, "concurrency_options": None}
    options = {key: value for key, value in limit.items() if key != "limit"}
    return {"concurrency_limit": limit.get("limit"), "concurrency_options": options or None}


def _schedule(entry: dict[str, Any]) -> DeploymentScheduleCreate:
    config = _given(entry)
    if not config.get("slug"):
        raise ConfigError(f"expected a slug, found {config}; its switch is kept under that name")
    when = {key: value for key, value in config.items() if key not in SWITCH_KEYS}
    kinds = [kind for key, kind in _SCHEDULES.items() if key in when]
    if len(kinds) != 1:
        raise ConfigError(
            f"schedule {config['slug']}: expected one of cron, interval or rrule, found {config}"
        )
    try:
        return DeploymentScheduleCreate(
            schedule=kinds[0].model_validate(when),
            slug=config["slug"],
            active=config.get("active", True),
            parameters=config.get("parameters") or {},
        )
    except ValidationError as error:
        raise ConfigError(f"schedule {config['slug']}: {_in_a_line(error)}") from error


def _refuse_twins(what: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise ConfigError(f"two {what} {name}; rename one")


def _in_a_line(error: ValidationError) -> str:
    told = (
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}, found {one['input']!r}"
        for one in error.errors()
    )
    return " ".join("; ".join(told).split())
