"""The shape of a fusion, widths and modalities, and the layers that all fusions end with."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class FusionShape:
    """The widths around a fusion.

    Attributes
    ----------
    parts
        Number of modalities, M.
    hidden_dim
        Width of each encoded modality, H.
    embedding_dim
        Width of the result, E.
    dropout
        Share of hidden values dropped in training.
    plain
        Without layer norms.
    coarse
        Number of the modality that only the coarse space of a graph holds (a title says what a
        dish is, not what it looks like).
    """

    parts: int
    hidden_dim: int
    embedding_dim: int
    dropout: float = 0.0
    plain: bool = False
    coarse: int = -1


def output_layers(shape: FusionShape) -> nn.Sequential:
    """Build what makes an embedding of a hidden vector.

    Parameters
    ----------
    shape
        The widths.

    Returns
    -------
    torch.nn.Sequential
        From shape (B, H) to shape (B, E).
    """
    norm = [] if shape.plain else [nn.LayerNorm(shape.hidden_dim)]
    return nn.Sequential(
        *norm,
        nn.ReLU(),
        nn.Dropout(shape.dropout),
        nn.Linear(shape.hidden_dim, shape.embedding_dim),
    )
