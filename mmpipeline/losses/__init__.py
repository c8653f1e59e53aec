"""Published losses, one a file; all take embeddings and masks that say which pairs count."""

from mmpipeline.losses.centroid_queue import CentroidQueue
from mmpipeline.losses.cosine_pair import cosine_pair_loss
from mmpipeline.losses.cross_subset import cross_subset_loss
from mmpipeline.losses.euclid_pair import euclid_pair_loss
from mmpipeline.losses.everything_at_once import disjoint_pairs, everything_at_once_loss
from mmpipeline.losses.gmc import gmc_loss
from mmpipeline.losses.info_nce import info_nce_loss
from mmpipeline.losses.matryoshka import matryoshka_loss
from mmpipeline.losses.mil_nce import mil_nce_loss
from mmpipeline.losses.mms import mms_loss
from mmpipeline.losses.multimodal_clustering import (
    centroid_loss,
    mean_embedding,
    multimodal_clustering_loss,
    pairwise_contrast_loss,
    reconstruction_loss,
)
from mmpipeline.losses.nt_xent import nt_xent_loss
from mmpipeline.losses.prototypical import (
    episode_prototypical_loss,
    leave_one_out_prototypical_loss,
)
from mmpipeline.losses.proxy_anchor import proxy_anchor_loss
from mmpipeline.losses.sigmoid_pairwise import sigmoid_pairwise_loss
from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss
from mmpipeline.losses.temperature import LearnedTemperature
from mmpipeline.losses.versatile import versatile_loss

__all__ = [
    "CentroidQueue",
    "LearnedTemperature",
    "centroid_loss",
    "cosine_pair_loss",
    "cross_subset_loss",
    "disjoint_pairs",
    "episode_prototypical_loss",
    "euclid_pair_loss",
    "everything_at_once_loss",
    "gmc_loss",
    "info_nce_loss",
    "leave_one_out_prototypical_loss",
    "matryoshka_loss",
    "mean_embedding",
    "mil_nce_loss",
    "mms_loss",
    "multimodal_clustering_loss",
    "nt_xent_loss",
    "pairwise_contrast_loss",
    "proxy_anchor_loss",
    "reconstruction_loss",
    "sigmoid_pairwise_loss",
    "supervised_contrastive_loss",
    "versatile_loss",
]
