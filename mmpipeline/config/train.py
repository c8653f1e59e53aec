"""Settings of training: the optimiser's for any model, and the fusion model's."""

from typing import Literal

from pydantic import Field

from mmpipeline.config.base import Section

FusionName = Literal[
    "concatenation",
    "learned_absence",
    "masked_mean",
    "weighted_sum",
    "blocks",
    "gated",
    "attention",
    "product_of_experts",
    "shared_graph",
    "disjoint_graph",
    "fine_and_coarse_graph",
]
"""Names of `mmpipeline.models.FUSIONS`."""


LossName = Literal[
    "supervised_contrastive", "prototypical", "info_nce", "sigmoid_pairwise", "cosine_pair"
]
"""Names of `mmpipeline.training.recipes.objective.LOSSES`."""


class OptimizerConfig(Section):
    """The optimiser, its schedule and the pieces of a step: what every training has in common."""

    seed: int = Field(2021, ge=0)
    learning_rate: float = Field(2e-3, gt=0, le=1)
    warmup_fraction: float = Field(0, ge=0, lt=1, description="steps in which the rate rises to it")
    weight_decay: float = Field(1e-2, ge=0, description="of all parameters but single numbers")
    max_gradient_norm: float | None = Field(None, gt=0, description="longer gradients are cut")
    batches_per_step: int = Field(1, ge=1, description="whose mean loss one step goes down")
    chunks_per_batch: int = Field(
        1, ge=1, description="pieces that a batch is encoded in, to save memory; same gradient"
    )
    precision: Literal["float32", "bfloat16"] = "float32"
    patience: int | None = Field(None, ge=1, description="rounds without a better score; none: all")


class FitConfig(OptimizerConfig):
    """How any model is trained: the optimiser, and when to stop.

    A round is what metrics are averaged over and after which the model is scored: an epoch where
    data are walked through, some steps where batches are made on the fly.
    """

    rounds: int = Field(30, ge=1, le=1_000_000)
    steps_per_round: int = Field(100, ge=1)
    final_rate_fraction: float = Field(
        0, ge=0, le=1, description="of the rate, where the cosine ends"
    )


class TrainConfig(OptimizerConfig):
    """The fusion model and its training; what is the optimiser's stands beside it in `[train]`."""

    batches: Literal["recipes", "pairs"] = Field(
        "recipes", description="each recipe twice, or the pairs of anchors as the table lists them"
    )
    loss: LossName = Field("supervised_contrastive", description="of batches of recipes")
    single_part_fraction: float = Field(
        0.5, ge=0, le=1, description="items that show one part alone; others any subset"
    )
    mixed_fraction: float = Field(
        0.25, ge=0, le=1, description="mixed tuples, of a batch's recipes"
    )
    self_training_fraction: float = Field(
        0.8, ge=0, le=1, description="unlabelled recipes that the first training labels; 0: none"
    )
    encoder: Literal["linear", "deep"] = Field("linear", description="of each modality")
    begin: Literal["ridge", "random"] = Field(
        "ridge", description="linear encoders: fitted to the dishes in closed form, or at random"
    )
    private_dim: int = Field(
        96, ge=0, le=4096, description="axes of a place of its own for each modality; 0: none"
    )
    private_weight: float = Field(0.6, ge=0, le=1, description="what these places weigh")
    epochs: int = Field(40, ge=1, le=10_000)
    anchors_per_batch: int = Field(256, ge=2, le=8192)
    anchors_per_dish: int = Field(
        1, ge=1, le=64, description="of one dish in a batch; above 1, all of a dish are positives"
    )
    learning_rate: float = Field(5e-4, gt=0, le=1)
    weight_decay: float = Field(5e-2, ge=0)
    temperature: float = Field(0.1, gt=0)
    fusion: FusionName = Field("weighted_sum", description="how modalities become one vector")
    hidden_dim: int = Field(256, ge=8, le=8192)
    embedding_dim: int = Field(256, ge=4, le=4096)
    dropout: float = Field(0.3, ge=0, lt=1)
    patience: int = Field(15, ge=1, description="epochs without a better validation score")
