"""Settings of the talk's experiment on synthetic data."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mmpipeline.config.base import Section
from mmpipeline.config.train import FitConfig, FusionName

Range = tuple[float, float]
"""Lower and upper end."""


class SyntheticConfig(Section):
    """The talk's data: classes drawn as distributions, samples drawn from the classes.

    The talk states the sizes and that families are uniform and normal; the ranges are ours.
    `SCALAR_DATA` is its other reading.
    """

    seed: int = Field(2021, ge=0)
    modality_dims: tuple[int, ...] = Field((6, 9, 4), min_length=1, max_length=8)
    classes: int = Field(100, ge=2, le=100_000)
    known_classes: int = Field(30, ge=2, description="the first ones: training sees only them")
    scopes: tuple[int, ...] = Field(
        (30, 51, 100), min_length=1, description="queries and candidates: the first classes"
    )
    pool_per_class: int = Field(1000, ge=2, description="to train on and draw references from")
    test_per_class: int = Field(100, ge=1, description="queries")
    parameters: Literal["per_dim", "scalar"] = Field(
        "per_dim", description="scalar: the dimensions of a class and modality share theirs"
    )
    families: tuple[Literal["uniform", "normal", "mixed"], ...] = Field(
        ("mixed",), min_length=1, description="of each modality in turn; mixed: drawn a class"
    )
    mean_range: Range = Field((0.0, 1.0), description="uniform draws")
    deviation_range: Range = Field((0.1, 0.5), description="uniform draws")

    @model_validator(mode="after")
    def _check_sizes_and_ranges(self) -> Self:
        if min(self.modality_dims) < 1:
            raise ValueError("modality_dims must all be at least 1")
        if self.known_classes > self.classes:
            raise ValueError("known_classes must not exceed classes")
        if min(self.scopes) < 2 or max(self.scopes) > self.classes:
            raise ValueError("scopes must lie between 2 and classes")
        for low, high in (self.mean_range, self.deviation_range):
            if not low <= high:
                raise ValueError("a range's lower end must not exceed its upper end")
        if not self.deviation_range[0] > 0:
            raise ValueError("deviation_range must be above 0")
        return self


SCALAR_DATA = SyntheticConfig(
    parameters="scalar", families=("uniform",), mean_range=(-2.0, 2.0), deviation_range=(0.1, 5.0)
)
"""All uniform, one wide mean and deviation a class and modality."""


class SyntheticEvaluationConfig(Section):
    """What is measured on the synthetic data."""

    seed: int = Field(2021, ge=0, description="of the drawn references")
    references: int = Field(200, ge=1, description="K of the talk's table and of the matrix")
    reference_sweep: tuple[int, ...] = Field(
        (1, 5, 20, 200, 2000), description="further K, all modalities shown"
    )
    draws: int = Field(5, ge=1)
    matrix: bool = Field(True, description="every subset as query against every as reference")

    @model_validator(mode="after")
    def _check_sweep(self) -> Self:
        if min(self.reference_sweep, default=1) < 1:
            raise ValueError("reference_sweep must hold numbers from 1")
        return self


class VirtualClassConfig(Section):
    """How training classes are multiplied; see `mmpipeline.talk.methods.virtual_classes`."""

    mean_jitter: float = Field(0.15, ge=0, description="in deviations of the known classes")
    deviation_jitter: float = Field(0.1, ge=0, description="of the logarithm")
    permute: bool = Field(True, description="shuffle dimensions: assumes that they are alike")
    flip: bool = Field(True, description="turn signs: assumes symmetric distributions")


class MomentConfig(Section):
    """Moment-aware prototypes and their training on virtual classes."""

    curves: int = Field(48, ge=1, le=1024, description="learned curves a dimension")
    hidden_dim: int = Field(96, ge=8, le=4096)
    dims_apart: bool = Field(False, description="tell the nets which dimension a value is of")
    classes: int = Field(64, ge=2, description="virtual classes an episode")
    queries: int = Field(8, ge=1, description="of each class")
    largest_k: int = Field(300, ge=1, description="references are 1 to so many, log-uniform")
    fit: FitConfig = FitConfig(
        rounds=15,
        steps_per_round=200,
        learning_rate=3e-3,
        warmup_fraction=0.1,
        weight_decay=1e-4,
        max_gradient_norm=1.0,
    )


class TalkMethodConfig(Section):
    """One way to learn the synthetic data; `mmpipeline.talk.methods.presets` names some.

    The slides' reading is the default: plain layers, the cosine pair loss, known classes alone.
    """

    loss: Literal["cosine_pair", "euclid_pair", "prototypical"] = "cosine_pair"
    plain: bool = Field(True, description="layers as the talk draws them: no norms, no way around")
    fusion: FusionName = Field("concatenation", description="how modalities become one vector")
    bumps: int = Field(0, ge=0, le=256, description="Gaussian bumps beside each value; 0: none")
    hidden_dim: int = Field(128, ge=8, le=8192)
    embedding_dim: int = Field(64, ge=4, le=4096)
    real_classes: int = Field(30, ge=0, description="known classes in a batch")
    virtual_classes: int = Field(0, ge=0, description="virtual classes in a batch")
    samples_per_class: int = Field(8, ge=2)
    cross_weight: float = Field(
        0, ge=0, description="prototypical: of queries of a subset against means of full items"
    )
    full_weight: float = Field(0, ge=0, description="prototypical: of full items among themselves")
    virtual: VirtualClassConfig = VirtualClassConfig()
    moments: MomentConfig | None = Field(None, description="None: no moment-aware prototypes")
    fit: FitConfig = FitConfig(
        rounds=30,
        steps_per_round=100,
        warmup_fraction=0.05,
        weight_decay=1e-4,
        max_gradient_norm=1.0,
    )

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        if self.real_classes + self.virtual_classes < 2:
            raise ValueError("real_classes + virtual_classes must be at least 2")
        return self


class TalkExperimentConfig(Section):
    """The talk's experiment, reproduced and set beside ours over several draws of the data."""

    data: SyntheticConfig = SyntheticConfig()
    data_seeds: tuple[int, ...] = Field((2021, 2022, 2023), min_length=1, description="draws")
    methods: tuple[str, ...] = Field(
        ("slides_euc", "slides_cos", "ours"),
        min_length=1,
        description="names of `mmpipeline.talk.methods.presets`",
    )
    once: tuple[str, ...] = Field(
        ("ours_fixed_axes",), description="further methods, on the first draw only"
    )
    ladder: bool = Field(True, description="each step from the talk to ours, on the first draw")
    training_fraction: float = Field(1.0, gt=0, le=1, description="of the rounds of each training")
    reproduction: bool = Field(True, description="the talk's models also on talk-like data")
    evaluation: SyntheticEvaluationConfig = SyntheticEvaluationConfig()
    map_queries: int = Field(2000, ge=50, description="queries drawn as points of a t-SNE map")

    def quick(self) -> Self:
        """Return the same experiment, small enough for a test; its figures mean nothing."""
        sizes = {"pool_per_class": 60, "test_per_class": 10}
        few = {"references": 20, "reference_sweep": (5, 20, 100), "draws": 1}
        return self.model_copy(
            update={
                "data": self.data.model_copy(update=sizes),
                "data_seeds": self.data_seeds[:1],
                "once": (),
                "training_fraction": 0.001,
                "evaluation": self.evaluation.model_copy(update=few),
                "map_queries": 300,
            }
        )
