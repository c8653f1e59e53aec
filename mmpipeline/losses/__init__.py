"""Published losses, one a file; all take embeddings and masks that say which pairs count."""

from mmpipeline.losses.cosine_pair import cosine_pair_loss
from mmpipeline.losses.supervised_contrastive import supervised_contrastive_loss

__all__ = ["cosine_pair_loss", "supervised_contrastive_loss"]
