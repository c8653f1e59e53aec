"""Every setting of an experiment, in frozen sections with bounds; and the environment's few.

One TOML file holds the sections; a key that is not known is an error that names it. A section is
what a stage's artifact id is made from, so a setting that does not change a stage's result (a
pace, a number of threads) lives in a section that no id covers, or in `EnvironmentSettings`.
"""

import math
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from mmpipeline.errors import ConfigError

ImageEncoderName = Literal[
    "descriptors", "efficientnet-lite0", "efficientnet-lite0-layers", "joint-tower"
]
TextEncoderName = Literal["hashed-ngrams", "universal-sentence", "sentence-model", "joint-tower"]

MAX_PORT = 65535
HOST_PATTERN = (
    r"(?P<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
"""A host in small letters, as in a Host header: name or address, IPv6 in brackets, and port."""


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DifficultyConfig(Section):
    """How hard the sample world is.

    Fixed, so that figures compare over time: change it only in a commit of its own that shows
    every baseline before and after.
    """

    unnamed_title_share: float = Field(0.25, ge=0, le=1, description="titles without a dish name")
    misspelt_title_share: float = Field(0.08, ge=0, le=1, description="named, but misspelt: 찌게")
    missing_photo_share: float = Field(0.10, ge=0, le=1)
    ingredient_noise: float = Field(0.35, ge=0, le=1, description="chance of a foreign ingredient")
    photo_noise: float = Field(0.04, ge=0, le=1, description="pixel noise, share of full scale")
    photo_jitter: float = Field(0.12, ge=0, le=1, description="spread of light, crop and colour")
    look_alike_pull: float = Field(0.05, ge=0, le=1, description="0: dishes apart, 1: twins alike")
    staple_share: float = Field(0.6, ge=0, le=1, description="chance of each staple in any dish")
    asides: int = Field(8, ge=0, le=8, description="steps at most that say nothing of the dish")
    habits: float = Field(0.9, ge=0, le=1, description="how often a cook does as always")
    clutter: float = Field(0.5, ge=0, le=1, description="photos: patterns, side dishes, cutlery")


class SampleConfig(Section):
    """The sample world: a fake site and a Recipe1M dump of the same invented dishes."""

    seed: int = Field(2021, ge=0)
    recipes: int = Field(1800, ge=2, description="in all, half Korean and half English")
    dishes: int = Field(60, ge=2, le=60)
    photo_size_px: int = Field(128, ge=32, le=1024)
    difficulty: DifficultyConfig = DifficultyConfig()


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


class ScrapeConfig(Section):
    """How the site is asked, and for what.

    The list of everything is walked newest first. `categories`, `queries` and `rankings` name
    further lists; a recipe's own page does not say its categories, so they are known only when
    the categories' lists are walked (once round all of them is some 27,000 list pages).
    """

    base_url: str = "https://www.10000recipe.com"
    order: Literal["date", "reco"] = "date"
    pace_s: float = Field(1.5, ge=0, description="least time between two requests to one host")
    timeout_s: float = Field(30, gt=0, description="whole request, not a single read")
    retries: int = Field(3, ge=0, le=10)
    whole_site: bool = Field(True, description="walk the list of everything")
    categories: tuple[str, ...] = Field((), description="'all', 'cat4' or 'cat4=55'")
    queries: tuple[str, ...] = Field((), description="words to search for")
    rankings: tuple[Literal["d", "w", "m"], ...] = Field((), description="of a day, week, month")
    recipes: tuple[str, ...] = Field((), description="numbers or addresses of single recipes")
    new_pages: bool = Field(True, description="fetch pages that were never fetched")
    recheck_after_days: float | None = Field(30, ge=0, description="known pages; none: never")
    max_rechecks: int = Field(2000, ge=0, description="known pages asked for again in one run")
    required_field_bound: float = Field(0.2, ge=0, le=1, description="pages that may lack one")
    max_pages: int | None = Field(None, ge=1, description="recipe pages asked for in one run")
    max_minutes: float | None = Field(None, gt=0, description="time that one run may take")
    images: bool = True
    image_hosts: tuple[str, ...] = ("recipe1.ezmember.co.kr",)
    max_page_bytes: int = Field(5_000_000, ge=1)
    max_image_bytes: int = Field(25_000_000, ge=1)
    allow_loopback: bool = Field(False, description="let requests reach 127.0.0.1: the fake site")


class ParseConfig(Section):
    """What parsing of scraped pages may decide."""

    required_field_bound: float = Field(0.2, ge=0, le=1, description="pages that may lack one")


class Recipe1MConfig(Section):
    """How a Recipe1M folder is read."""

    max_record_bytes: int = Field(134_217_728, ge=1024)
    check_images: bool = Field(True, description="decode each photo once and count the failures")
    max_image_bytes: int = Field(25_000_000, ge=1, description="a larger photo is not decoded")
    max_pixels: int = Field(25_000_000, ge=1, description="a larger photo is not decoded")
    max_quarantined_share: float = Field(0.5, ge=0, le=1, description="records withheld, at most")
    standard_filter: bool = Field(
        False, description="drop remove1M.txt, no photo, 20 or more ingredients or steps"
    )
    sparse_filter: bool = Field(
        False, description="drop under 2 ingredients, 2 steps or 20 letters of steps"
    )


class CatalogConfig(Section):
    """How recipes are grouped, labelled and split."""

    seed: int = Field(2021, ge=0)
    val_share: float = Field(0.1, gt=0, lt=1)
    test_share: float = Field(0.2, gt=0, lt=1)
    unknown_dish_share: float = Field(0.15, ge=0, lt=1, description="dishes held out of training")
    min_dish_recipes: int = Field(2, ge=1, description="a name this rare is no dish label")
    near_copy_similarity: float = Field(
        0.7, gt=0, le=1, description="Jaccard of word 3-shingles from which texts are near copies"
    )
    max_photo_sharers: int = Field(5, ge=2, description="a photo of more recipes is no evidence")
    max_untitled_share: float = Field(0.2, ge=0, le=1, description="recipes without a title")
    max_duplicate_share: float = Field(0.5, ge=0, le=1, description="recipes that copy another")
    max_excluded_share: float = Field(0.05, ge=0, le=1, description="recipes that link sides")
    min_labelled_share: float = Field(0, ge=0, le=1, description="recipes with a dish")
    compact_share: float = Field(
        0.2, ge=0, le=1, description="merged, changed or gone recipes from which all is built anew"
    )

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Self:
        if self.val_share + self.test_share >= 1:
            raise ValueError("val_share + test_share must stay below 1")
        return self


class FeatureConfig(Section):
    """How each modality becomes a vector; docs/encoders.md compares the encoders."""

    image_encoders: tuple[ImageEncoderName, ...] = Field(
        ("descriptors",), min_length=1, description="several are joined"
    )
    text_encoders: tuple[TextEncoderName, ...] = Field(
        ("hashed-ngrams",), min_length=1, description="several are joined"
    )
    text_model: str | None = Field(None, description="of sentence-model: a folder or a name")
    joint_model: str | None = Field(None, description="of joint-tower: a folder or a name")
    text_dim: int = Field(1024, ge=16, le=65536, description="hash buckets of a text modality")
    ngram_min: int = Field(2, ge=1, le=8)
    ngram_max: int = Field(4, ge=1, le=8)
    image_size_px: int = Field(96, ge=32, le=512, description="edge that photos are scaled to")
    max_pixels: int = Field(25_000_000, ge=1)

    @model_validator(mode="after")
    def _check_ngram_range(self) -> Self:
        if self.ngram_min > self.ngram_max:
            raise ValueError("ngram_min must not exceed ngram_max")
        return self


class PairConfig(Section):
    """How many pairs of each kind an anchor gets."""

    seed: int = Field(2021, ge=0)
    positives: int = Field(4, ge=1, le=64, description="same dish")
    negatives: int = Field(4, ge=1, le=64, description="image and text both of another dish")
    image_swaps: int = Field(1, ge=0, le=16, description="the anchor's text, another dish's image")
    text_swaps: int = Field(1, ge=0, le=16, description="the anchor's image, another dish's text")
    hard_negatives: int = Field(2, ge=0, le=64, description="from dishes that share ingredients")
    dishes: tuple[str, ...] | None = Field(
        None, min_length=2, description="pair recipes of these dishes only; None takes all recipes"
    )
    max_anchors_per_dish: int | None = Field(None, ge=1, description="cap for class balance")
    class_balance: float = Field(
        1, ge=0, le=1, description="0: anchors weigh alike, 1: dishes weigh alike"
    )
    look_alike_dishes: int = Field(2, ge=1, le=16, description="per dish, for hard negatives")
    core_share: float = Field(
        0.3, gt=0, le=1, description="recipes of a dish that name an ingredient of the dish"
    )
    common_share: float = Field(
        0.2, gt=0, le=1, description="dishes that name it, beyond which it tells none apart"
    )


class FitConfig(Section):
    """How any model is trained: optimiser, schedule, pieces of a step, when to stop.

    A round is what metrics are averaged over and after which the model is scored: an epoch where
    data are walked through, some steps where batches are made on the fly.
    """

    seed: int = Field(2021, ge=0)
    rounds: int = Field(30, ge=1, le=1_000_000)
    steps_per_round: int = Field(100, ge=1)
    learning_rate: float = Field(2e-3, gt=0, le=1)
    warmup_share: float = Field(0, ge=0, lt=1, description="steps in which the rate rises to it")
    final_rate_share: float = Field(0, ge=0, le=1, description="of the rate, where the cosine ends")
    weight_decay: float = Field(1e-2, ge=0, description="of all parameters but single numbers")
    max_gradient_norm: float | None = Field(None, gt=0, description="longer gradients are cut")
    batches_per_step: int = Field(1, ge=1, description="whose mean loss one step goes down")
    chunks_per_batch: int = Field(1, ge=1, description="pieces that a batch is encoded in")
    precision: Literal["float32", "bfloat16"] = "float32"
    patience: int | None = Field(None, ge=1, description="rounds without a better score; none: all")


DeviceName = Literal["auto", "cpu", "cuda"]
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
        warmup_share=0.1,
        weight_decay=1e-4,
        max_gradient_norm=1.0,
    )


class SeedMethodConfig(Section):
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
        rounds=30, steps_per_round=100, warmup_share=0.05, weight_decay=1e-4, max_gradient_norm=1.0
    )

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        if self.real_classes + self.virtual_classes < 2:
            raise ValueError("real_classes + virtual_classes must be at least 2")
        return self


LossName = Literal[
    "supervised_contrastive", "prototypical", "info_nce", "sigmoid_pairwise", "cosine_pair"
]
"""Names of `mmpipeline.training.recipes.objective.LOSSES`."""


class TrainConfig(Section):
    """The fusion model and its training."""

    seed: int = Field(2021, ge=0)
    batches: Literal["recipes", "pairs"] = Field(
        "recipes", description="each recipe twice, or the pairs of anchors as the table lists them"
    )
    loss: LossName = Field("supervised_contrastive", description="of batches of recipes")
    single_part_share: float = Field(
        0.5, ge=0, le=1, description="items that show one part alone; others any subset"
    )
    mixed_share: float = Field(0.25, ge=0, le=1, description="mixed tuples, of a batch's recipes")
    self_training_share: float = Field(
        0.8, ge=0, le=1, description="unlabelled recipes that the first training labels; 0: none"
    )
    encoder: Literal["linear", "deep"] = Field("linear", description="of each modality")
    begin: Literal["ridge", "random"] = Field(
        "ridge", description="linear encoders: fitted to the dishes in closed form, or at random"
    )
    own_dim: int = Field(
        96, ge=0, le=4096, description="axes of a place of its own for each modality; 0: none"
    )
    own_share: float = Field(0.6, ge=0, le=1, description="what these places weigh")
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
    warmup_share: float = Field(0, ge=0, lt=1, description="steps in which the rate rises")
    max_gradient_norm: float | None = Field(None, gt=0, description="longer gradients are cut")
    batches_per_step: int = Field(1, ge=1, description="whose mean loss one step goes down")
    chunks_per_batch: int = Field(
        1, ge=1, description="pieces that a batch is encoded in, to save memory; same gradient"
    )
    precision: Literal["float32", "bfloat16"] = "float32"
    patience: int = Field(15, ge=1, description="epochs without a better validation score")
    shuffle_labels: bool = Field(False, description="control experiment: pair labels permuted")


class EvaluateConfig(Section):
    """What is measured on held-out recipes."""

    seed: int = Field(2021, ge=0)
    prototype_references: int = Field(20, ge=1, description="K recipes drawn for a prototype")
    prototype_draws: int = Field(5, ge=1)
    max_queries: int = Field(5000, ge=10, description="that one question is asked with")
    split: Literal["test", "val"] | None = Field(
        None, description="who asks; None: test, or val where there is no test"
    )


class FrozenSetConfig(Section):
    """The set that every model is scored on, whatever catalogue it was trained from."""

    version: int = Field(1, ge=1, description="a new number draws a new set; the old one stays")
    seed: int = Field(2021, ge=0)
    recipes: int = Field(600, ge=4, description="held-out recipes in it, at most")


class IndexConfig(Section):
    """What an index version holds."""

    seed: int = Field(2021, ge=0)
    recall_check_queries: int = Field(200, ge=1)
    min_recall_at_10: float = Field(0.99, ge=0, le=1)
    approximate_above: int = Field(
        1_000_000, ge=1, description="items beyond which lists are made; up to it, exact search"
    )
    approximate: Literal["ivf", "hnsw"] = "ivf"
    views: tuple[Literal["image", "text"], ...] = Field(
        ("image", "text"), description="further embeddings of all items, kept where they help"
    )
    min_view_gain: float = Field(
        0.02, ge=0, le=1, description="precision at 10 on validation recipes that a view must gain"
    )
    calibration_queries: int = Field(300, ge=1, description="validation recipes that ask")
    prototype: Literal["mean", "nearest", "gaussian"] = "mean"
    prototype_references: int = Field(8, ge=1, description="items of a subset kept for `nearest`")
    subsets: dict[str, str] = Field(
        {}, description="named subsets: SQL over the table `recipes` that selects recipe_id"
    )
    max_segments: int = Field(16, ge=1, description="more are made into one")
    max_dead_share: float = Field(
        0.3, ge=0, le=1, description="of a segment; beyond, it is renewed"
    )


StageFlow = Literal[
    "build_catalog",
    "extract_features",
    "build_pairs",
    "train_fusion",
    "evaluate_model",
    "publish_index",
]
"""The flows after the two doors, in order."""


class PromotionConfig(Section):
    """When a new index version may answer instead of the current one."""

    questions: int = Field(200, ge=1, description="validation recipes that both are asked with")
    tolerance: float = Field(0.03, ge=0, le=1, description="how much worse each figure may be")
    max_lost_items: float = Field(0.1, ge=0, le=1, description="items that may be gone")
    min_recall_at_10: float = Field(0.99, ge=0, le=1)


class RetentionConfig(Section):
    """How long artifacts are kept that nothing needs any more."""

    keep_versions: int = Field(3, ge=1, description="newest of each kind, kept whatever their age")
    keep_days: float = Field(14, ge=0, description="younger ones are kept, however many")


class RefreshRequest(Section):
    """What one run of the parent flow is asked to do; not part of the experiment."""

    scrape: bool = Field(True, description="ask the site what is new")
    dump: Path | None = Field(None, description="folder in Recipe1M's layout to normalise")
    sample: bool = Field(False, description="take the sample world's site and dump")
    newest: bool = Field(
        False, description="of a door that stays shut, take the recipes it brought last"
    )
    retrain: bool = Field(
        False, description="train on what is new; else the published model is kept while it may"
    )
    force: tuple[StageFlow, ...] = Field((), description="run though the artifact exists")
    wait_minutes: float = Field(0, ge=0, description="for another run on the data folder to end")

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if not (self.scrape or self.dump or self.sample or self.newest):
            raise ValueError("no source of recipes: set scrape, sample or newest, or name a dump")
        return self


class ServeConfig(Section):
    """What the search service takes from outside, and how much of it at once."""

    max_upload_bytes: int = Field(10_000_000, ge=1, description="of a photo")
    max_pixels: int = Field(25_000_000, ge=1, description="of a photo")
    max_k: int = Field(100, ge=1, le=10_000, description="items and dishes of an answer")
    max_text_chars: int = Field(50_000, ge=1, description="of all texts of a query together")
    request_timeout_s: float = Field(15, gt=0, description="until a request has come in whole")
    places: int = Field(64, ge=1, description="questions worked on or waiting; more get a 503")
    max_connections: int = Field(512, ge=1, description="open at once; more get a 503")
    max_buffered_bytes: int = Field(
        200_000_000, ge=1, description="uploads held in memory at once; more get a 503"
    )
    workers: int = Field(0, ge=0, le=64, description="threads that answer; 0: one a core")
    poll_s: float = Field(1, gt=0, description="between two looks for a newly promoted version")
    map_recipes: int = Field(5000, ge=2, le=20_000, description="drawn on the map, at most")


class SeedExperimentConfig(Section):
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
    training_share: float = Field(1.0, gt=0, le=1, description="of the rounds of each training")
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
                "training_share": 0.001,
                "evaluation": self.evaluation.model_copy(update=few),
                "map_queries": 300,
            }
        )


class ComparisonConfig(Section):
    """A grid of trainings: every loss with every fusion, encoder, feature set and seed.

    What the grid does not name is as in `[train]` and `[features]`.
    """

    name: str = Field(
        "grid",
        pattern=r"^[\w-]{1,64}$",
        description="its MLflow run; one that grows keeps its name",
    )
    losses: tuple[LossName, ...] = Field(
        ("supervised_contrastive", "prototypical", "sigmoid_pairwise"), min_length=1
    )
    fusions: tuple[FusionName, ...] = Field(("weighted_sum", "gated"), min_length=1)
    encoders: tuple[Literal["linear", "deep"], ...] = Field(
        ("linear",), min_length=1, description="of each modality, in the model"
    )
    seeds: tuple[int, ...] = Field((2021, 2022), min_length=1)
    feature_sets: dict[str, FeatureConfig] = Field(
        {}, description="by name, as `[features]`; none: the one of `[features]`"
    )
    max_cells: int = Field(200, ge=1, description="a larger grid is refused")

    @property
    def cells(self) -> int:
        """How many trainings the grid asks for."""
        axes = (self.losses, self.fusions, self.encoders, self.seeds)
        return math.prod(map(len, axes)) * max(1, len(self.feature_sets))

    @model_validator(mode="after")
    def _check_axes(self) -> Self:
        for axis in ("losses", "fusions", "encoders", "seeds"):
            values = getattr(self, axis)
            if len(set(values)) < len(values):
                raise ValueError(f"{axis} names something twice: {', '.join(map(str, values))}")
        if min(self.seeds) < 0:
            raise ValueError("seeds must be at least 0")
        if self.cells > self.max_cells:
            raise ValueError(
                f"the grid has {self.cells} cells, more than max_cells = {self.max_cells}; "
                "name fewer values or raise max_cells"
            )
        return self


class PipelineConfig(Section):
    """The whole experiment: one section a stage."""

    sample: SampleConfig = SampleConfig()
    scrape: ScrapeConfig = ScrapeConfig()
    parse: ParseConfig = ParseConfig()
    recipe1m: Recipe1MConfig = Recipe1MConfig()
    catalog: CatalogConfig = CatalogConfig()
    features: FeatureConfig = FeatureConfig()
    pairs: PairConfig = PairConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    frozen: FrozenSetConfig = FrozenSetConfig()
    comparison: ComparisonConfig = ComparisonConfig()
    index: IndexConfig = IndexConfig()
    promotion: PromotionConfig = PromotionConfig()
    retention: RetentionConfig = RetentionConfig()
    synthetic: SyntheticConfig = SyntheticConfig()
    serve: ServeConfig = ServeConfig()
    experiment: SeedExperimentConfig = SeedExperimentConfig()


class EnvironmentSettings(BaseSettings):
    """What the machine decides, from variables named ``MMPIPELINE_*``.

    Attributes
    ----------
    data_root
        Folder of everything that runs leave behind.
    contact
        Mail address or URL that the scraper names in its User-Agent; the live site requires it.
    prefect_port, mlflow_port
        Loopback ports of `make ui`.
    mlflow_uri
        MLflow server that runs are logged to; none means the embedded store.
    checkpoint_s
        Seconds of training between two checkpoints; no result depends on it.
    train_processes
        That train together; the last bits of a model depend on how many they are.
    device
        Where models are trained and recipes embedded: ``cpu``, ``cuda``, or ``auto`` for GPUs
        where there are enough; the last bits depend on it.
    duckdb_memory
        Memory limit of one DuckDB connection.
    threads
        Threads of DuckDB and torch; 0 means all cores.
    webhook
        Gets a POST with JSON whenever a flow run that was started ends; unset: nobody is told.
    dask
        Cluster for the map stages: the address of a scheduler (``tcp://10.0.0.5:8786``), or
        ``local:4`` for a temporary one of 4 processes; unset: processes of this machine.
    allowed_hosts
        Further names, with or without a port, that the servers of `make ui` and `make run` are
        asked by, separated by commas (``prefect.example.org,10.0.0.5:8080``): those of a proxy
        with logins in front of them. Pages under these names may ask and write.
    shared
        URL of a storage that machines share artifacts in (``s3://bucket/prefix``,
        ``file:///mnt/shared``), credentials from its own variables; unset: none.
    """

    model_config = SettingsConfigDict(env_prefix="MMPIPELINE_", frozen=True, extra="ignore")

    data_root: Path = Path("data")
    contact: str | None = None
    prefect_port: int = Field(4200, ge=1024, le=65535)
    mlflow_port: int = Field(5000, ge=1024, le=65535)
    mlflow_uri: str | None = Field(None, pattern=r"^https?://")
    checkpoint_s: float = Field(60, ge=0)
    train_processes: int = Field(1, ge=1, le=64)
    device: DeviceName = "auto"
    duckdb_memory: str = Field("1GB", pattern=r"^[1-9]\d*(\.\d+)? ?[KMGT]i?B$")
    threads: int = Field(0, ge=0)
    webhook: HttpUrl | None = None
    dask: str | None = Field(None, pattern=r"^(local(:[1-9]\d{0,3})?|(tcp|tls|ucx|wss?)://\S+)$")
    shared: str | None = None
    allowed_hosts: str = Field("", max_length=2000)

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, listed: str) -> str:
        for entry in filter(None, map(str.strip, listed.split(","))):
            found = re.fullmatch(HOST_PATTERN, entry.lower())
            if found is None or int(found["port"] or 1) > MAX_PORT:
                raise ValueError(
                    f"{entry!r} is no host; expected names such as prefect.example.org or "
                    "10.0.0.5:8080, without scheme, path or wildcard"
                )
        return listed.lower()


def load_settings() -> EnvironmentSettings:
    """Read the environment.

    Returns
    -------
    EnvironmentSettings
        Validated settings.

    Raises
    ------
    ConfigError
        If a variable has a value that cannot be used.
    """
    try:
        return EnvironmentSettings()
    except ValidationError as error:
        raise ConfigError(
            f"environment: {describe_problems(error, prefix='MMPIPELINE_')}"
        ) from error


def load_config(path: Path | None = None) -> PipelineConfig:
    """Read a config file.

    Parameters
    ----------
    path
        TOML file with one table a section; None gives the defaults.

    Returns
    -------
    PipelineConfig
        The validated config.

    Raises
    ------
    ConfigError
        If the file is missing, is no TOML, or holds an unknown key or a value out of bounds.
    """
    if path is None:
        return PipelineConfig()
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError(f"config file {path}: {reason}; give the path of a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is no TOML: {error}") from error
    try:
        return PipelineConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"config file {path}: {describe_problems(error)}") from error


def describe_problems(error: ValidationError, prefix: str = "") -> str:
    """Say on one line what pydantic found wrong.

    Parameters
    ----------
    error
        The validation error.
    prefix
        Prefix of environment variables, when that is where the values came from.

    Returns
    -------
    str
        Such as ``unknown key 'train.epoch' (known: epochs, seed, ...)``.
    """
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        key = prefix + key.upper() if prefix else key
        if problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(_known_keys(problem["loc"][:-1])))
            problems.append(f"unknown key '{key}' (known here: {known})")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            problems.append(f"'{key}' = {problem.get('input')!r}: {message}")
    return "; ".join(problems)


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = PipelineConfig
    parts = iter(place)
    for part in parts:
        annotation: Any = section.model_fields[str(part)].annotation
        if get_origin(annotation) is dict:  # of named sections: the next part is a name
            next(parts, None)
            annotation = get_args(annotation)[1]
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        section = annotation
    return list(section.model_fields)
