"""Methods for the synthetic data, trained by the common loop: the talk's, ours, and the ladder.

`train_talk_method` takes a suite and a config and gives the methods that
`mmpipeline.talk.measure.table.evaluate_methods` measures. Only the known classes' pool is
ever seen by a training. No weights are chosen by a score: a training runs its steps and ends, and
its settings were fixed on generator seeds that no report shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from mmpipeline.config.talk import MomentConfig, TalkMethodConfig
from mmpipeline.config.train import FitConfig
from mmpipeline.talk.data.subsets import Subset
from mmpipeline.talk.measure.moments import MomentMethod
from mmpipeline.talk.measure.rules import (
    GaussianRule,
    MeanRule,
    NearestRule,
    PrototypeRule,
)
from mmpipeline.talk.measure.suite import (
    EmbeddingMethod,
    Inputs,
    Method,
    SyntheticSuite,
)
from mmpipeline.talk.methods.episodes import ClassBatches, MomentEpisodes
from mmpipeline.talk.methods.objectives import EmbeddingLoss, SeedEmbedding, moment_loss
from mmpipeline.talk.methods.virtual_classes import VirtualClasses
from mmpipeline.talk.models.moment_prototypes import MomentPrototypes
from mmpipeline.talk.models.numeric_fusion import NumericFusionModel
from mmpipeline.training.engine.batch_source import GeneratedSource
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.determinism import digest_values
from mmpipeline.training.engine.fit import fit
from mmpipeline.training.engine.hooks import Hooks

Module = TypeVar("Module", bound=nn.Module)
EMBED_ROWS = 4096
GAUSSIAN_SHRINKAGE = 0.2


@dataclass(frozen=True, slots=True)
class TrainedMethod:
    """A trained method: its embedding and, where it has them, its moment-aware prototypes.

    Attributes
    ----------
    name
        What tables call it.
    embedding
        In evaluation mode.
    moments
        In evaluation mode, or None.
    """

    name: str
    embedding: NumericFusionModel
    moments: MomentPrototypes | None

    def embed(self, inputs: Inputs, subset: Subset) -> Tensor:
        """Embed items as far as a subset shows them.

        Parameters
        ----------
        inputs
            One entry a modality, shape (N, D), standardised.
        subset
            The modalities shown.

        Returns
        -------
        Tensor
            Shape (N, E), float32.
        """
        shown = torch.tensor([number in subset for number in range(len(inputs))])
        with torch.inference_mode():
            blocks = zip(*(torch.split(part, EMBED_ROWS) for part in inputs), strict=True)
            vectors = [self.embedding(block, shown.expand(len(block[0]), -1)) for block in blocks]
        return torch.cat(vectors)

    def methods(self, suite: SyntheticSuite, *, every_rule: bool = False) -> list[Method]:
        """Give what the suite measures.

        Parameters
        ----------
        suite
            The data.
        every_rule
            Also the nearest of K and a Gaussian in the embedding, which take minutes, not seconds.

        Returns
        -------
        list of Method
            The embedding with its rules and, where there are some, the moment-aware prototypes.
        """
        unit = self.embedding.fusion_model.options.unit_length
        rules: list[PrototypeRule] = [MeanRule("euclid")]
        if unit:
            rules.insert(0, MeanRule("cosine"))
        if every_rule:
            rules += [
                NearestRule("cosine" if unit else "euclid"),
                GaussianRule("full", GAUSSIAN_SHRINKAGE),
            ]
        methods: list[Method] = [EmbeddingMethod(self.name, suite, self.embed, rules)]
        if self.moments is not None:
            methods.append(MomentMethod(self.name, suite, self.moments))
        return methods


def train_talk_method(
    name: str,
    suite: SyntheticSuite,
    config: TalkMethodConfig,
    hooks: Hooks = Hooks(),
) -> TrainedMethod:
    """Train a method on the known classes.

    Parameters
    ----------
    name
        What tables call it.
    suite
        The data; only the known classes' pool is read.
    config
        The method.
    hooks
        Logger and checkpoints of the embedding's training. Checkpoints of the moment-aware
        prototypes go to a folder ``moments`` inside; the logger gets the embedding's rounds first,
        then theirs.

    Returns
    -------
    TrainedMethod
        In evaluation mode.

    Raises
    ------
    CheckpointError
        If a checkpoint is damaged, or of other data or another config.
    StageError
        If a loss is not finite.
    """
    known = suite.data.config.known_classes
    classes = VirtualClasses([pool[:known] for pool in suite.pool], config.virtual)
    dims = suite.data.config.modality_dims
    digest = digest_values({
        "data": suite.data.config.model_dump(mode="json"),
        "method": config.model_dump(mode="json"),
    })
    embedding = _build(lambda: SeedEmbedding(dims, config), config.fit)
    source = GeneratedSource(ClassBatches(classes, config).make, config.fit.seed, digest)
    fit(embedding, source, EmbeddingLoss(config), config.fit, hooks)
    moments = None
    if config.moments is not None:
        moments = _train_moments(classes, dims, config.moments, _inside(hooks), digest)
    return TrainedMethod(name, embedding.model.eval(), moments)


def _train_moments(
    classes: VirtualClasses,
    dims: Sequence[int],
    config: MomentConfig,
    hooks: Hooks,
    digest: str,
) -> MomentPrototypes:
    module = _build(
        lambda: MomentPrototypes(
            dims, config.curves, config.hidden_dim, dims_apart=config.dims_apart
        ),
        config.fit,
    )
    source = GeneratedSource(MomentEpisodes(classes, config).make, config.fit.seed, digest)
    fit(module, source, moment_loss, config.fit, hooks)
    return module.eval()


def _build(make: Callable[[], Module], config: FitConfig) -> Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return make()


def _inside(hooks: Hooks) -> Hooks:
    if hooks.checkpoints is None:
        return hooks
    return replace(hooks, checkpoints=Checkpoints(hooks.checkpoints.folder / "moments"))
