"""The lines that ``--plan`` prints: each source and stage, whether it would run, and why.

A source's news are known only once it has been asked, so its line says what is there now. What
would run whatever it brings is known before: a section or code that changed, or nothing there yet.
"""

from dataclasses import dataclass
from pathlib import Path

from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.refresh import RefreshRequest
from mmpipeline.errors import ArtifactError
from mmpipeline.planning import keys
from mmpipeline.planning.refresh import (
    FORMER_KEY,
    STAGES,
    RefreshPlan,
    explain,
    is_published,
    plan_refresh,
)
from mmpipeline.planning.settings import settings_of
from mmpipeline.sources import find_source, find_sources
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact
from mmpipeline.storage.provenance import ArtifactKey

NOTHING_NEW = "No stage would run unless the sources bring something new."

MADE_ANEW_ONCE = (
    "Keys now follow the code that a stage reaches: all stages run once more, old artifacts open."
)


@dataclass(frozen=True, slots=True)
class PlannedSource:
    """One source of a refresh.

    Attributes
    ----------
    recipes
        The newest artifact that it left; None when there is none.
    is_asked
        Whether the refresh asks it, or takes what is there.
    why
        Why its recipes will be others than those, whatever it brings; empty when nothing says so.
    """

    kind: str
    recipes: Artifact | None
    is_asked: bool
    why: str

    def line(self) -> str:
        """Return its line."""
        asked = "asked first" if self.is_asked else "not asked"
        what = f"runs: {self.why}" if self.why else f"as of now; {asked}"
        return _line(self.kind, self.recipes.id if self.recipes else "", what)


def describe_plan(data_root: Path, config: PipelineConfig, request: RefreshRequest) -> list[str]:
    """Say what a refresh would do if the sources brought nothing new.

    Parameters
    ----------
    data_root
        The data folder; nothing in it is changed.
    config
        The experiment.
    request
        As of `plan_refresh`; its sources are not asked.

    Returns
    -------
    list of str
        One line a source and a stage, and what is to be said of all.
    """
    lines = _plan_lines(data_root, config, request)
    is_former = any(FORMER_KEY in line for line in lines)
    return [*lines, MADE_ANEW_ONCE] if is_former else lines


def _plan_lines(data_root: Path, config: PipelineConfig, request: RefreshRequest) -> list[str]:
    store = ArtifactStore(DataLayout.at(data_root))
    sources = [plan_source(store, kind, config, request) for kind in find_sources()]
    sources = [source for source in sources if source.is_asked or source.recipes]
    lines = [source.line() for source in sources]
    late = [source.kind for source in sources if source.why]
    if request.sample:
        world = keys.sample_world_key(config.sample)
        why = None if store.find(world) else explain(store, world)
        lines.insert(0, _line("sample_world", world.id, f"runs: {why}" if why else "done"))
        late += ["sample_world"] if why else []
    if late or not sources:
        return lines + _unknown_lines(late)
    recipes = [source.recipes.folder for source in sources if source.recipes]
    return lines + _stage_lines(data_root, plan_refresh(data_root, recipes, config, request))


def plan_source(
    store: ArtifactStore, kind: str, config: PipelineConfig, request: RefreshRequest
) -> PlannedSource:
    """Say what a refresh finds of a source before it is asked.

    Parameters
    ----------
    store
        The artifacts.
    kind
        Of the source's artifacts.
    config, request
        As of `describe_plan`.

    Returns
    -------
    PlannedSource
        Without recipes where there are none, or the refresh would not take them.
    """
    is_asked = any(getattr(request, field) for field in find_source(kind).asked_by)
    try:
        newest = store.latest(kind) if is_asked or request.newest else None
    except ArtifactError:
        newest = None
    if newest is None:
        return PlannedSource(kind, None, is_asked, "none yet" if is_asked else "")
    key = _source_key(newest, config)
    differs = is_asked and key.id != newest.id
    return PlannedSource(kind, newest, is_asked, explain(store, key) if differs else "")


def _source_key(recipes: Artifact, config: PipelineConfig) -> ArtifactKey:
    """Return the key of recipes from the same input as an artifact, made as is asked for now."""
    (state,) = recipes.manifest.inputs.values()
    kind = recipes.manifest.kind
    return keys.recipes_key(kind, state, settings_of(find_source(kind), config))


def _unknown_lines(late: list[str]) -> list[str]:
    """Describe stages whose inputs do not exist yet; other data alone keep the model."""
    why = f"new recipes from {late[0]}" if late else "no recipes yet"
    lines = dict.fromkeys(STAGES, f"runs: {why}")
    if late == ["sample_world"]:
        lines |= dict.fromkeys(("model", "evaluation"), f"{why}: the model is kept, or both run")
    return [_line(kind, "", what) for kind, what in lines.items()]


def _stage_lines(data_root: Path, plan: RefreshPlan) -> list[str]:
    lines = []
    for stage in plan.stages:
        what = "done" if stage.is_done else "runs"
        lines.append(_line(stage.key.kind, stage.key.id, f"{what}: {stage.why}"))
    if plan.kept_model:
        what = "kept: only data changed (or --retrain)"
        lines.append(_line("model", plan.kept_model.name, what))
    return [*lines, NOTHING_NEW] if is_published(data_root, plan) else lines


def _line(kind: str, name: str, what: str) -> str:
    return f"{kind:18} {name:16}  {what}"
