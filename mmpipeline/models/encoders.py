"""One encoder a modality: from its feature vector to a hidden vector of common width.

Inputs are standardised by the statistics of the training recipes, kept beside the weights: raw
vectors of one modality mostly point the same way (photos: mean cosine 0.8), and without centring
the contrastive loss settles at the point where all embeddings are one. Then three fully connected
layers, as in the talk this project goes back to, beside one linear layer around them. The linear
way around keeps what raw vectors already tell apart, which three layers would first have to learn
again; with few recipes it is worth more than the layers. It costs a third more in the first step.
"""

import torch
from torch import Tensor, nn

DEVIATION_FLOOR = 0.3  # of the root mean square: nearly constant columns are not blown up
INPUT_LENGTH = 8.0  # of a standardised input, about, before the linear encoder's layer


class ModalityEncoder(nn.Module):
    """Standardisation, then three fully connected layers beside a linear one.

    Parameters
    ----------
    input_dim
        Width of the modality's feature vector.
    hidden_dim
        Width of all layers.
    dropout
        Share of hidden values dropped in training.
    plain
        Three layers with ReLU alone, as the talk draws them: no layer norms, no way around.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, input_dim: int, hidden_dim: int, dropout: float, plain: bool = False
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(input_dim))
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            *_norm(hidden_dim, plain),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
            *_norm(hidden_dim, plain),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
            *([nn.ReLU()] if plain else []),
        )
        self.shortcut = None if plain else nn.Linear(input_dim, hidden_dim)

    def standardize(self, mean: Tensor, deviation: Tensor) -> None:
        """Set what inputs are centred and scaled by.

        Parameters
        ----------
        mean, deviation
            Shape (input_dim,), mean and standard deviation of the training inputs. Deviations
            below `DEVIATION_FLOOR` of their root mean square are lifted to it.
        """
        root_mean_square = deviation.square().mean().sqrt()
        floor = DEVIATION_FLOOR * root_mean_square if root_mean_square > 0 else 1.0
        self.mean.copy_(mean)
        self.scale.copy_(1 / deviation.clamp(min=float(floor)))

    def forward(self, features: Tensor) -> Tensor:
        """Encode a batch.

        Parameters
        ----------
        features
            Shape (B, input_dim), float.

        Returns
        -------
        Tensor
            Shape (B, hidden_dim).
        """
        standardized = (features - self.mean) * self.scale
        hidden: Tensor = self.layers(standardized)
        return hidden if self.shortcut is None else hidden + self.shortcut(standardized)


def _norm(width: int, plain: bool) -> list[nn.Module]:
    return [] if plain else [nn.LayerNorm(width)]


class LinearEncoder(ModalityEncoder):
    """Standardisation, dropout of inputs, one linear layer: an embedding bag of what is counted.

    On hashed n-grams it is the sum of one trained vector a bucket. Inputs are brought to one length
    whatever their width, so that one learning rate fits wide and narrow features.

    Parameters
    ----------
    input_dim
        Width of the modality's feature vector.
    hidden_dim
        Width of the result.
    dropout
        Share of input values dropped in training.
    """

    def __init__(self, input_dim: int, hidden_dim: int, dropout: float) -> None:
        nn.Module.__init__(self)
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("scale", torch.ones(input_dim))
        self._length = INPUT_LENGTH / input_dim**0.5
        self.drop = nn.Dropout(dropout)
        self.layer = nn.Linear(input_dim, hidden_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Encode a batch.

        Parameters
        ----------
        features
            Shape (B, input_dim), float.

        Returns
        -------
        Tensor
            Shape (B, hidden_dim).
        """
        hidden: Tensor = self.layer(self.drop(self.standardized(features)))
        return hidden

    def standardized(self, features: Tensor) -> Tensor:
        """Return what the layer is given, before dropout: shape (B, input_dim) as well."""
        standardized: Tensor = (features - self.mean) * (self.scale * self._length)
        return standardized


def build_encoder(
    kind: str, input_dim: int, hidden_dim: int, dropout: float, *, plain: bool = False
) -> ModalityEncoder:
    """Build the encoder of one modality.

    Parameters
    ----------
    kind
        ``deep`` or ``linear``.
    input_dim, hidden_dim, dropout
        As the encoder takes them.
    plain
        For a deep one.

    Returns
    -------
    ModalityEncoder
        With fresh weights.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    if kind == "linear":
        return LinearEncoder(input_dim, hidden_dim, dropout)
    if kind == "deep":
        return ModalityEncoder(input_dim, hidden_dim, dropout, plain)
    raise ValueError(f"encoder {kind!r} is unknown; known are deep and linear")
