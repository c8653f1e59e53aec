"""The fusion model: encoders, fusion over any subset of modalities, weights on the disk."""

from mmpipeline.models.concatenation import ConcatenationFusion
from mmpipeline.models.encoders import ModalityEncoder
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions import FUSIONS, ModelOptions
from mmpipeline.models.graphs import GraphEmbeddings, GraphFusion
from mmpipeline.models.heads import ProjectionHead, ReconstructionDecoder
from mmpipeline.models.product_of_experts import product_of_experts
from mmpipeline.models.weights import load_model, save_model

__all__ = [
    "FUSIONS",
    "ConcatenationFusion",
    "FusionModel",
    "GraphEmbeddings",
    "GraphFusion",
    "ModalityEncoder",
    "ModelOptions",
    "ProjectionHead",
    "ReconstructionDecoder",
    "load_model",
    "product_of_experts",
    "save_model",
]
