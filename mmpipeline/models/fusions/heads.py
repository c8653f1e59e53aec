"""Projection heads behind an embedding, for training only or into a space of their own.

A projection head takes the loss's demands away from the embedding: what the head forgets, the
embedding may keep. A decoder asks the embedding to remember the input.
"""

from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """Two linear layers with layer norm and ReLU between.

    Parameters
    ----------
    input_dim, hidden_dim, output_dim
        Widths.

    References
    ----------
    Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations,
    section 2.1, g(h); layer norm is this project's.
    """

    def __init__(self, input_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            nn.LayerNorm(hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, output_dim),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Project vectors.

        Parameters
        ----------
        vectors
            Shape (..., input_dim).

        Returns
        -------
        Tensor
            Shape (..., output_dim), not normalised.
        """
        projected: Tensor = self.layers(vectors)
        return projected


class ReconstructionDecoder(nn.Module):
    """From an embedding back to a modality's input, for `reconstruction_loss`.

    Parameters
    ----------
    embedding_dim, hidden_dim, input_dim
        Widths; the last is the modality's.
    non_negative
        Whether a ReLU ends it, as published: only for inputs that have no negative entries.

    References
    ----------
    Chen et al. 2021, Multimodal Clustering Networks for Self-supervised Learning from Unlabeled
    Videos, the reconstruction part.
    """

    def __init__(
        self, embedding_dim: int, hidden_dim: int, input_dim: int, non_negative: bool = False
    ) -> None:
        super().__init__()
        end = [nn.ReLU()] if non_negative else []
        self.layers = nn.Sequential(
            nn.Linear(embedding_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, input_dim), *end
        )

    def forward(self, embeddings: Tensor) -> Tensor:
        """Rebuild inputs.

        Parameters
        ----------
        embeddings
            Shape (B, embedding_dim).

        Returns
        -------
        Tensor
            Shape (B, input_dim).
        """
        rebuilt: Tensor = self.layers(embeddings)
        return rebuilt
