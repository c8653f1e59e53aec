"""Features of photos and texts: one matrix a modality, and the same vectors for a query.

`extract` is the stage; `feature_set` reads what it wrote and encodes queries alike. The default
encoders are computed here (`encoders.descriptors`, `encoders.ngrams`): no weights to fetch, no
torch, the same bytes on every run of a machine. The learning happens above them, in the fusion
model.
"""

from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.extract import extract_features
from mmpipeline.features.feature_set import FeatureSet, QueryEncoder
from mmpipeline.features.photo import RejectedPhotoError, load_photo

__all__ = [
    "EncoderSet",
    "FeatureSet",
    "QueryEncoder",
    "RejectedPhotoError",
    "extract_features",
    "load_photo",
]
