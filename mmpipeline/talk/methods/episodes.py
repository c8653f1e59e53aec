"""Batches of classes for training on synthetic data: some known, some virtual.

Each batch follows from a generator alone, so `GeneratedSource` can make it again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmpipeline.config.talk import MomentConfig, TalkMethodConfig
from mmpipeline.talk.data.subsets import all_subsets
from mmpipeline.talk.methods.virtual_classes import Samples, VirtualClasses


@dataclass(frozen=True, slots=True)
class ClassBatch:
    """Items of several classes.

    Attributes
    ----------
    inputs
        One entry a modality, shape (N, D).
    mask
        Shape (N, M), bool: what each item shows.
    label
        Shape (N,): class of each item.
    """

    inputs: Samples
    mask: Tensor
    label: Tensor


@dataclass(frozen=True, slots=True)
class MomentEpisode:
    """Queries of several classes and the references that the classes are known by.

    Attributes
    ----------
    queries
        As of `ClassBatch`.
    references
        One entry a modality, shape (C, K, D); none of them is a query.
    """

    queries: ClassBatch
    references: Samples


class ClassBatches:
    """Makes batches of known and virtual classes.

    Parameters
    ----------
    classes
        Where samples come from.
    config
        How many classes of which kind, and of how many samples.
    """

    def __init__(self, classes: VirtualClasses, config: TalkMethodConfig) -> None:
        self._classes = classes
        self._config = config

    def make(self, generator: np.random.Generator) -> ClassBatch:
        """Make a batch; with `cross_weight`, all items show one subset, else each its own.

        Parameters
        ----------
        generator
            Source of randomness.

        Returns
        -------
        ClassBatch
            Of (real + virtual classes) times samples items, class after class. With
            `cross_weight` the common subset is never the full one.
        """
        config, samples = self._config, self._config.samples_per_class
        real = min(config.real_classes, self._classes.known)
        parts = []
        if real:
            parts.append(self._classes.draw_real(generator, real, samples))
        if config.virtual_classes:
            parts.append(self._classes.draw_virtual(generator, config.virtual_classes, samples))
        inputs = [torch.cat(rows).flatten(0, 1) for rows in zip(*parts, strict=True)]
        items, modalities = len(inputs[0]), len(inputs)
        label = torch.arange(items // samples).repeat_interleave(samples)
        if config.cross_weight:
            mask = draw_masks(1, modalities, generator, proper=True).expand(items, -1)
        else:
            mask = draw_masks(items, modalities, generator)
        return ClassBatch(inputs, mask, label)


class MomentEpisodes:
    """Makes episodes of virtual classes with K references each, K drawn an episode.

    Parameters
    ----------
    classes
        Where samples come from.
    config
        How many classes, queries and references.
    """

    def __init__(self, classes: VirtualClasses, config: MomentConfig) -> None:
        self._classes = classes
        self._config = config

    def make(self, generator: np.random.Generator) -> MomentEpisode:
        """Make an episode.

        Parameters
        ----------
        generator
            Source of randomness.

        Returns
        -------
        MomentEpisode
            K is log-uniform from 1 to `largest_k`; each query shows a subset of its own.
        """
        config = self._config
        drawn = round(np.exp(generator.uniform(0, np.log(config.largest_k))))
        samples = self._classes.draw_virtual(generator, config.classes, drawn + config.queries)
        queries = [rows[:, drawn:].flatten(0, 1) for rows in samples]
        items = config.classes * config.queries
        batch = ClassBatch(
            inputs=queries,
            mask=draw_masks(items, len(samples), generator),
            label=torch.arange(config.classes).repeat_interleave(config.queries),
        )
        return MomentEpisode(batch, [rows[:, :drawn] for rows in samples])


def draw_masks(
    items: int, modalities: int, generator: np.random.Generator, *, proper: bool = False
) -> Tensor:
    """Draw a nonempty subset of modalities for each item, uniformly.

    Parameters
    ----------
    items, modalities
        N and M.
    generator
        Source of randomness.
    proper
        Leave out the full subset.

    Returns
    -------
    Tensor
        Shape (N, M), bool.
    """
    subsets = all_subsets(modalities)
    table = np.array([[m in subset for m in range(modalities)] for subset in subsets])
    choices = len(subsets) - 1 if proper and len(subsets) > 1 else len(subsets)
    return torch.from_numpy(table[generator.integers(choices, size=items)])
