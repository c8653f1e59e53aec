"""Remove old artifacts that nothing needs any more."""

from pathlib import Path

from prefect import flow

from mmpipeline.config import RetentionConfig
from tasks import pruning
from tasks.hooks import HOOKS
from tasks.newest import default_root


@flow(name="prune_artifacts", **HOOKS)
def prune_artifacts(
    config: RetentionConfig = RetentionConfig(),
    data_root: Path | None = None,
    dry_run: bool = False,
) -> int:
    """Remove expired versions; never what a pointer or a kept manifest names.

    Parameters
    ----------
    config
        How many versions are kept, and how long.
    data_root
        The data folder; None takes the environment's.
    dry_run
        Only name what would go.

    Returns
    -------
    int
        How many artifacts went, or would go.
    """
    return pruning.prune(config, data_root or default_root(), dry_run)
