"""The index stage: publish a version, decide on it, keep the registry's aliases in step."""

from pathlib import Path

from prefect import task

from mmpipeline.config.publish import IndexConfig, PromotionConfig
from mmpipeline.planning.index import plan_index
from mmpipeline.search.current import current_version, sound_version
from mmpipeline.search.release.promotion import release
from mmpipeline.search.release.record import Release, challenger, note_aliases
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.manifest import open_artifact
from mmpipeline.storage.provenance import ArtifactKey
from tasks.runtime.device import chosen_device
from tasks.runtime.stage import log, produce, publish_counts, report


@task
def publish(
    model: Path, features: Path, catalog: Path, config: IndexConfig, data_root: Path
) -> ArtifactKey:
    """Build an index version on what the published one shares with it; return its key."""
    key, base = plan_index(
        data_root,
        open_artifact(model, kind="model").id,
        open_artifact(features, kind="features").id,
        open_artifact(catalog, kind="catalog").id,
        config,
    )

    def make(draft: Draft) -> dict[str, float]:
        from mmpipeline.search.publish.version import build_index

        with chosen_device():
            return build_index(model, features, catalog, draft.folder, config, base)

    shown = ("items", "embedded", "taken_over", "dishes", "segments", "recall_at_10")
    produce(data_root, key, make, shown)
    return key


@task
def decide(key: ArtifactKey, config: PromotionConfig, data_root: Path) -> Path:
    """Let the gate decide whether a version answers; return its folder either way."""
    from mmpipeline.search.release.golden_queries import draw_golden_queries

    layout = DataLayout.at(data_root)
    draw_golden_queries(
        layout, layout.artifacts("catalog") / key.inputs["catalog"], config.questions
    )
    decision = release(layout, key.id, config, sound_version(layout))
    report("index", describe(decision))
    publish_counts("index-gate", decision.figures)
    return ArtifactStore(layout).folder(key)


@task
def apply_aliases(data_root: Path) -> Path:
    """Make the model registry's aliases name what CURRENT and the record of releases say.

    Return the folder of the version that answers; that of all versions when none does.
    """
    from tasks.tracking.registry import name_versions

    layout = DataLayout.at(data_root)
    refused = challenger(layout)
    wanted = {
        "champion": current_version(layout),
        "challenger": refused.version if refused else None,
    }
    if name_versions(layout, wanted):
        note_aliases(layout, wanted)
    return layout.artifacts("index") / (wanted["champion"] or "")


@task
def ask_example(data_root: Path) -> None:
    """Answer one question from the published index and print it."""
    from mmpipeline.serving.terminal import example_answer

    for line in example_answer(DataLayout.at(data_root)):
        log.info("%s", line)


def describe(decision: Release) -> str:
    """Return what the gate decided, with the figures it looked at.

    Parameters
    ----------
    decision
        From `release`.

    Returns
    -------
    str
        One line.
    """
    figures = decision.figures
    shown = [
        f"{name.removesuffix('_recall_at_1')} {value:.3f}"
        + (f" (before {figures[f'{name}_before']:.3f})" if f"{name}_before" in figures else "")
        for name, value in figures.items()
        if name.endswith("recall_at_1")
    ]
    golden = f"; right dish first, golden queries: {', '.join(shown)}" if shown else ""
    return f"{decision.action}: {decision.reason}{golden}"
