"""The fusion model: encoders, fusion over any subset of modalities, weights on the disk."""

from mmpipeline.models.encoders import ModalityEncoder
from mmpipeline.models.fusion import FusionModel
from mmpipeline.models.fusions.concatenation import ConcatenationFusion
from mmpipeline.models.fusions.graphs import GraphEmbeddings, GraphFusion
from mmpipeline.models.fusions.heads import ProjectionHead, ReconstructionDecoder
from mmpipeline.models.fusions.product_of_experts import product_of_experts
from mmpipeline.models.fusions.table import FUSIONS, ModelOptions
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
