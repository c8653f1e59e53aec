"""One vector for any nonempty subset of modalities.

Each present modality is encoded, a fusion joins the codes, and the result is scaled to unit length.
The default fusion is concatenation with zeros where a part is absent, the mask bits appended so
that the net can tell an absent part from a zero one, and two fully connected layers; `fusions.py`
has the others. One model serves all subsets.

Only present rows go through an encoder: an absent input is never read, so a NaN there cannot reach
the result or a gradient (a product with a zero mask would let it through), and training on random
subsets costs about half of encoding everything. The price is one gather and one scatter a modality.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmpipeline.models.encoders import ModalityEncoder, build_encoder
from mmpipeline.models.fusions.product_of_experts import ProductOfExpertsFusion
from mmpipeline.models.fusions.shape import FusionShape
from mmpipeline.models.fusions.table import DEFAULT_OPTIONS, ModelOptions, build_fusion
from mmpipeline.models.private_subspace import PrivateSubspace

COARSE_MODALITY = "title"  # names the dish; where there is none, the last modality is coarse


class FusionModel(nn.Module):
    """Embeds items of which any nonempty subset of modalities is given.

    Parameters
    ----------
    dims
        Width of each modality's feature vector, by name; their order is the mask's column order.
    hidden_dim
        Width of the encoders and of the fusion's hidden layer.
    embedding_dim
        Width of the embedding.
    dropout
        Share of hidden values dropped in training.
    options
        The fusion's name and the kind of layers.

    Raises
    ------
    ValueError
        If `dims` is empty, or the fusion is unknown or cannot have these widths.
    """

    def __init__(
        self,
        dims: Mapping[str, int],
        hidden_dim: int,
        embedding_dim: int,
        dropout: float = 0.0,
        options: ModelOptions = DEFAULT_OPTIONS,
    ) -> None:
        super().__init__()
        if not dims:
            raise ValueError("dims names no modality; expected at least one")
        self.dims = dict(dims)
        self.modalities = tuple(dims)
        self.hidden_dim = hidden_dim
        self.learned_dim = embedding_dim
        self.dropout = dropout
        self.options = options
        self.encoders = nn.ModuleDict({
            name: build_encoder(options.encoder, dim, hidden_dim, dropout, plain=options.plain)
            for name, dim in dims.items()
        })
        coarse = self.modalities.index(COARSE_MODALITY) if COARSE_MODALITY in dims else -1
        shape = FusionShape(
            len(dims), hidden_dim, embedding_dim, dropout, plain=options.plain, coarse=coarse
        )
        self.fusion = build_fusion(options.fusion, shape)
        self.private_subspace = (
            PrivateSubspace(len(dims), hidden_dim, options.private_dim, options.private_weight)
            if options.private_dim
            else None
        )

    @property
    def embedding_dim(self) -> int:
        """Length of what `embed` returns: the learned embedding and the private subspaces."""
        return self.learned_dim + (
            0 if self.private_subspace is None else self.private_subspace.output_dim
        )

    def standardize(self, statistics: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        """Set what each modality's inputs are centred and scaled by.

        Parameters
        ----------
        statistics
            By modality, mean and standard deviation of the training inputs, shape (D,) each.

        Raises
        ------
        KeyError
            If a modality is not the model's.
        """
        for name, (mean, deviation) in statistics.items():
            encoder = self.encoders[name]
            assert isinstance(encoder, ModalityEncoder)  # for the type checker
            encoder.standardize(mean, deviation)

    def forward(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        """Embed a batch.

        Parameters
        ----------
        inputs
            By modality, shape (B, D): float feature vectors; rows whose mask bit is off are not
            read. A modality that no row shows may be left out.
        mask
            Shape (B, M), bool, columns in the order of `modalities`: what each item shows.

        Returns
        -------
        Tensor
            Shape (B, E), rows of unit length unless the options say otherwise.

        Raises
        ------
        ValueError
            If the mask has the wrong shape or type, a row shows nothing, or an input that is
            shown is missing or of the wrong shape.
        """
        return self._fuse(self.encode(inputs, mask), mask)

    def encode(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        """Encode each modality of a batch, without fusing them.

        Parameters
        ----------
        inputs, mask
            As for `forward`.

        Returns
        -------
        Tensor
            Shape (B, M, H), zero where absent.

        Raises
        ------
        ValueError
            As for `forward`.
        """
        self._check_mask(mask)
        codes = [self._encode(name, inputs, mask[:, i]) for i, name in enumerate(self.modalities)]
        return torch.stack(codes, dim=1)

    def distribution(self, inputs: Mapping[str, Tensor], mask: Tensor) -> tuple[Tensor, Tensor]:
        """Say where items lie and how surely; for a product of experts only.

        Parameters
        ----------
        inputs, mask
            As for `forward`.

        Returns
        -------
        mean, variance : Tensor
            Shape (B, E) each, before any scaling to unit length.

        Raises
        ------
        ValueError
            As for `forward`, or if the fusion has no variance.
        """
        if not isinstance(self.fusion, ProductOfExpertsFusion):
            raise ValueError(
                f"fusion {self.options.fusion!r} has no variance; train a product_of_experts"
            )
        return self.fusion.distribution(self.encode(inputs, mask), mask)

    def embed(self, inputs: Mapping[str, Tensor], mask: Tensor) -> Tensor:
        """Embed a batch for use: without dropout and gradients, with the private subspaces.

        The model is left in the mode (training or evaluation) it was in.

        Parameters
        ----------
        inputs, mask
            As for `forward`.

        Returns
        -------
        Tensor
            Shape (B, embedding_dim), rows of unit length.

        Raises
        ------
        ValueError
            As for `forward`.
        """
        was_training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                codes = self.encode(inputs, mask)
                vectors = self._fuse(codes, mask)
                if self.private_subspace is not None:
                    vectors = self.private_subspace.join(
                        vectors, self.private_subspace(codes, mask)
                    )
        finally:
            self.train(was_training)
        return vectors

    def _fuse(self, codes: Tensor, mask: Tensor) -> Tensor:
        joined: Tensor = self.fusion(codes, mask)
        return functional.normalize(joined, dim=1) if self.options.unit_length else joined

    def _check_mask(self, mask: Tensor) -> None:
        if mask.dtype != torch.bool or mask.ndim != 2 or mask.shape[1] != len(self.modalities):
            raise ValueError(
                f"mask is {mask.dtype} of shape {tuple(mask.shape)}; "
                f"expected bool of shape (B, {len(self.modalities)})"
            )
        empty = (~mask.any(dim=1)).nonzero().flatten()
        if len(empty):
            raise ValueError(
                f"row {int(empty[0])} of the mask shows no modality; each row needs at least one"
            )

    def _encode(self, name: str, inputs: Mapping[str, Tensor], shown: Tensor) -> Tensor:
        rows = shown.nonzero().flatten()
        codes = next(self.parameters()).new_zeros((len(shown), self.hidden_dim))
        if not len(rows):
            return codes
        features = inputs.get(name)
        if features is None or features.shape != (len(shown), self.dims[name]):
            found = "nothing" if features is None else f"shape {tuple(features.shape)}"
            raise ValueError(
                f"input {name!r}: found {found}; expected shape ({len(shown)}, {self.dims[name]})"
            )
        encoded: Tensor = self.encoders[name](features[rows])
        return codes.to(encoded.dtype).index_copy(0, rows, encoded)
