"""The plan of a refresh: the stages that would run, and why.

Ids follow from inputs, so the whole chain from recipes to index is known as soon as the sources
have named their content. A refresh whose chain exists already stops there.

New recipes alone do not train a new model: the model of the published index is kept as long as
its method (every config section and all code that led to it) is the present one. Training has
its own schedule, or is asked for with ``retrain``. A kept model is evaluated on the data that it
was trained from, once for each way of evaluating.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmpipeline.config.former import use_present_names
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.refresh import RefreshRequest, StageFlow
from mmpipeline.errors import ArtifactError
from mmpipeline.planning import keys
from mmpipeline.planning.catalog import plan_catalog
from mmpipeline.planning.code_record import describe_change
from mmpipeline.planning.frozen import plan_frozen
from mmpipeline.planning.index import plan_index
from mmpipeline.planning.lineage import method_of, method_of_key
from mmpipeline.provenance.code import CODE_MARK
from mmpipeline.search.current import current_version
from mmpipeline.search.release.record import was_refused
from mmpipeline.storage.artifact import ArtifactStore
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import Artifact, open_artifact
from mmpipeline.storage.provenance import ArtifactKey

STAGES: dict[str, StageFlow] = {
    "catalog": "build_catalog",
    "features": "extract_features",
    "pairs": "build_pairs",
    "model": "train_fusion",
    "evaluation": "evaluate_model",
    "index": "publish_index",
}
"""The stages after the sources, in order: kind of artifact and flow."""
EVALUATED = frozenset({"evaluation", "frozen_set", "frozen_scores"})
"""What the flow `evaluate_model` makes; of these, only the evaluation is made anew by force."""


FORMER_KEY = "its key is of the former kind"
"""Said of what was made while keys were digests of whole source files."""


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage of a refresh.

    Attributes
    ----------
    key
        What its artifact is made from.
    is_done
        Whether that artifact exists and was not asked for anew.
    why
        Why it runs, or why not.
    """

    key: ArtifactKey
    is_done: bool
    why: str


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """The stages after the sources.

    Attributes
    ----------
    stages
        In order. Without ``model`` when `kept_model` is set.
    kept_model
        Folder of the published model that is kept; None when the plan's own is used.
    kept_data
        Folders of the features and the catalogue that the kept model is evaluated on: its own.
    """

    stages: tuple[PlannedStage, ...]
    kept_model: Path | None
    kept_data: tuple[Path, Path] | None = None

    @property
    def is_evaluated(self) -> bool:
        """Whether there is nothing for `evaluate_model` to do."""
        return all(stage.is_done for stage in self.stages if stage.key.kind in EVALUATED)

    @property
    def index_id(self) -> str:
        """Id of the index that the plan leads to."""
        return self.stages[-1].key.id


def plan_refresh(
    data_root: Path,
    recipes: Sequence[Path],
    config: PipelineConfig,
    request: RefreshRequest = RefreshRequest(),
) -> RefreshPlan:
    """Return the stages after the sources, in order, and which of them are done.

    Parameters
    ----------
    data_root
        The data folder.
    recipes
        Folders of the recipe artifacts that the sources produced.
    config
        The experiment.
    request
        Whether to train on what is new, and which stages are to run though their artifact exists.

    Returns
    -------
    RefreshPlan
        Catalogue, features, pairs, model, evaluation, index.
    """
    store = ArtifactStore(DataLayout.at(data_root))
    opened = [open_artifact(folder) for folder in recipes]
    catalog, _ = plan_catalog(data_root, opened, config.catalog)
    features = keys.features_key(catalog.id, config.features)
    pairs = keys.pairs_key(catalog.id, config.pairs)
    model = keys.model_key(features.id, pairs.id, config.train)
    kept = None
    if not (request.retrain or "train_fusion" in request.force or store.find(model)):
        kept = find_kept_model(store, opened, [catalog, features, pairs, model])
    kept_data = find_training_data(store, kept) if kept else None
    chain = [catalog, features, pairs, *([] if kept else [model])]
    model_id = kept.id if kept else model.id  # a kept one is evaluated on its own data
    if kept_data is not None:
        chain += _plan_evaluation(store, model_id, kept_data[0].name, kept_data[1].name, config)
    elif kept is None:
        chain += _plan_evaluation(store, model_id, features.id, catalog.id, config)
    index, _ = plan_index(data_root, model_id, features.id, catalog.id, config.index)
    chain.append(index)
    stages = [_plan_stage(store, key, STAGES.get(key.kind) in request.force) for key in chain]
    return RefreshPlan(tuple(stages), kept.folder if kept else None, kept_data)


def _plan_evaluation(
    store: ArtifactStore, model: str, features: str, catalog: str, config: PipelineConfig
) -> list[ArtifactKey]:
    evaluation = keys.evaluation_key(model, features, catalog, config.evaluate)
    on_frozen = plan_frozen(store.layout, model, catalog, config.evaluate, config.frozen)
    return [evaluation, *on_frozen]


def find_training_data(store: ArtifactStore, model: Artifact) -> tuple[Path, Path] | None:
    """Return the folders of the features that a model was trained on and of their catalogue.

    Parameters
    ----------
    store
        The artifacts.
    model
        A model artifact.

    Returns
    -------
    tuple of Path, or None
        None when one of them is gone.
    """
    try:
        features = store.layout.artifacts("features") / model.manifest.inputs["features"]
        catalog = open_artifact(features, kind="features").manifest.inputs["catalog"]
        recipes = open_artifact(store.layout.artifacts("catalog") / catalog, kind="catalog")
    except (ArtifactError, KeyError):
        return None
    return features, recipes.folder


def find_kept_model(
    store: ArtifactStore, recipes: Sequence[Artifact], keys: Sequence[ArtifactKey]
) -> Artifact | None:
    """Return the published model, if only its data differ from the one that would be trained.

    Parameters
    ----------
    store
        The artifacts.
    recipes
        Recipe artifacts of the refresh.
    keys
        Of its catalogue, features, pairs and model.

    Returns
    -------
    Artifact or None
        The model artifact; None when there is none of the same method.
    """
    try:
        version = store.layout.current_index.read_text(encoding="utf-8").strip()
        index = open_artifact(store.layout.artifacts("index") / version, kind="index")
        folder = store.layout.artifacts("model") / index.manifest.inputs["model"]
        champion = open_artifact(folder, kind="model")
    except (OSError, ArtifactError, KeyError):
        return None
    methods = {artifact.manifest.kind: method_of(store, artifact) or "?" for artifact in recipes}
    for key in keys:
        methods[key.kind] = method_of_key(key, methods)
    return champion if method_of(store, champion) == methods["model"] else None


def _plan_stage(store: ArtifactStore, key: ArtifactKey, is_forced: bool) -> PlannedStage:
    found = store.find(key)
    if found is None:
        return PlannedStage(key, is_done=False, why=explain(store, key))
    if is_forced or store.renewal_requested(key):
        return PlannedStage(key, is_done=False, why="asked for with --force")
    return PlannedStage(key, is_done=True, why=f"made {found.manifest.created_at[:16]}")


def explain(store: ArtifactStore, key: ArtifactKey) -> str:
    """Say why an artifact does not exist: what differs from the newest one of its kind.

    Parameters
    ----------
    store
        The artifacts.
    key
        What it will be made from.

    Returns
    -------
    str
        Such as ``new features; setting epochs is 3 (was 30)``.
    """
    try:
        before = store.latest(key.kind).manifest
    except ArtifactError:
        return "none yet"
    settings = use_present_names(before.config, key.config)
    reasons = [
        f"new {role}" for role, source in key.inputs.items() if before.inputs.get(role) != source
    ]
    reasons += [
        f"setting {name} is {value} (was {settings.get(name)})"
        for name, value in key.config.items()
        if settings.get(name) != value
    ]
    if before.source_digest != key.source_digest:
        is_former = not before.source_digest.startswith(CODE_MARK)
        changed = describe_change(store.layout, key, before.source_digest)
        reasons.append(FORMER_KEY if is_former else f"its code changed{changed}")
    return "; ".join(reasons) or "its artifact is gone"


def request_renewals(data_root: Path, plan: RefreshPlan, request: RefreshRequest) -> None:
    """Note which existing artifacts of a plan are to be made once more."""
    store = ArtifactStore(DataLayout.at(data_root))
    for stage in plan.stages:
        if STAGES.get(stage.key.kind) in request.force:
            store.request_renewal(stage.key)


def is_published(data_root: Path, plan: RefreshPlan) -> bool:
    """Return whether every stage is done, and the plan's index answers or was refused."""
    layout = DataLayout.at(data_root)
    try:
        current = current_version(layout)
    except ArtifactError:
        return False
    is_settled = current == plan.index_id or was_refused(layout, plan.index_id)
    return all(stage.is_done for stage in plan.stages) and current is not None and is_settled
