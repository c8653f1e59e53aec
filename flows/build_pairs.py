"""The flow that builds a catalogue's contrastive pair table."""

from pathlib import Path

from prefect import flow

from mmpipeline.config.pairs import PairConfig
from mmpipeline.planning.newest import default_root, or_newest
from tasks.runtime.hooks import HOOKS
from tasks.stages import pairs


@flow(name="build_pairs", **HOOKS)
def build_pairs(
    catalog: Path | None = None,
    config: PairConfig = PairConfig(),
    data_root: Path | None = None,
    embedding: Path | None = None,
    required: bool = True,
) -> Path | None:
    """Pair recipes of one dish, and set them against recipes of others.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact; None takes the newest.
    config
        How many pairs of each kind an anchor gets.
    data_root
        The data folder; None takes the environment's.
    embedding
        Folder of a published index: hard negatives come from the dishes nearest in its vectors.
        None takes the dishes that share most ingredients.
    required
        Whether a catalogue of too few recipes is an error; else it gets no pair table.

    Returns
    -------
    Path or None
        Folder of the pair artifact; None where none could be made and none was required.
    """
    root = data_root or default_root()
    chosen = or_newest(catalog, "catalog", root)
    return pairs.build(chosen, config, root, embedding, required=required)
