"""The flow that removes artifacts and feature caches that nothing needs any more."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.publish import RetentionConfig
from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import pruning


@flow(name="prune_artifacts", **HOOKS)
def prune_artifacts(
    config: RetentionConfig = RetentionConfig(),
    data_root: Path | None = None,
    dry_run: bool = False,
    wait_minutes: float = 0,
) -> int:
    """Remove expired versions and unused caches; never what a pointer or a kept manifest names.

    Parameters
    ----------
    config
        How many versions are kept, and how long.
    data_root
        The data folder; None takes the environment's.
    dry_run
        Only name what would go.
    wait_minutes
        How long to wait for a run on the data folder to end.

    Returns
    -------
    int
        How many artifacts went, or would go.
    """
    return pruning.prune(config, data_root or default_root(), dry_run, wait_minutes)
