"""The fusion model: encoders, fusion over any subset of modalities, weights on the disk."""

from mmpipeline.models.encoders import ModalityEncoder
from mmpipeline.models.fusion import ConcatenationFusion, FusionModel
from mmpipeline.models.weights import load_model, save_model

__all__ = ["ConcatenationFusion", "FusionModel", "ModalityEncoder", "load_model", "save_model"]
