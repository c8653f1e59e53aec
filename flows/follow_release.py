"""Let the model registry follow a promotion or rollback by command."""

from pathlib import Path

from prefect import flow

from mmpipeline.planning.newest import default_root
from tasks.runtime.hooks import HOOKS
from tasks.stages import index


@flow(name="follow_release", **HOOKS)
def follow_release(data_root: Path | None = None) -> Path:
    """Make the model registry's aliases name what answers, as `publish_index` does at its end.

    Parameters
    ----------
    data_root
        The data folder; None takes the environment's.

    Returns
    -------
    Path
        Folder of the index version that answers.
    """
    return index.apply_aliases(data_root or default_root())
