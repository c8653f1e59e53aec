"""Published losses, one a file; all take embeddings and masks that say which pairs count."""

from mmpipeline.losses.cosine_pair import cosine_pair_loss
from mmpipeline.losses.cross_subset import cross_subset_loss
from mmpipeline.losses.everything_at_once import disjoint_pairs, everything_at_once_loss
from mmpipeline.losses.gmc import gmc_loss
from mmpipeline.losses.info_nce import info_nce_loss
from mmpipeline.losses.nt_xent import nt_xent_loss
from mmpipeline.losses.prototypical import (
    episode_prototypical_loss,
    leave_one_out_prototypical_loss,
)
from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss
from mmpipeline.losses.temperature import LearnedTemperature

__all__ = [
    "LearnedTemperature",
    "cosine_pair_loss",
    "cross_subset_loss",
    "disjoint_pairs",
    "episode_prototypical_loss",
    "everything_at_once_loss",
    "gmc_loss",
    "info_nce_loss",
    "leave_one_out_prototypical_loss",
    "nt_xent_loss",
    "supervised_contrastive_loss",
]
