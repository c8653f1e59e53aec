"""Virtual classes: as many training classes as one likes, out of a few known ones.

A net trained on thirty classes learns those thirty and throws away what would tell the others
apart. A virtual class takes the shape of one known class, the place and the width of others:

    u = (x - mean_b) / sd_b          samples of a known class b, in its own units
    u' = permuted and flipped u      one permutation and one set of signs a class, where allowed
    x' = mean' + sd' u'              mean' and sd' of each dimension from known classes, jittered

each modality with a b of its own. Permuting dimensions and flipping signs assumes that dimensions
are alike and symmetric. It holds for the synthetic data and not for embeddings of photos or text,
so it can be switched off. A mean and a deviation stay in their dimension in any case.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmpipeline.config.talk import VirtualClassConfig

Samples = list[Tensor]
"""One entry a modality, shape (C, N, D)."""


class VirtualClasses:
    """Draws virtual and real classes from the pool of the known ones.

    Parameters
    ----------
    pool
        One entry a modality, shape (C, P, D): samples of known classes only, standardised.
    config
        Jitter, and what is assumed exchangeable.

    Raises
    ------
    ValueError
        If there is no class, or fewer than two samples a class.
    """

    def __init__(self, pool: Sequence[Tensor], config: VirtualClassConfig) -> None:
        if not pool or not len(pool[0]) or pool[0].shape[1] < 2:
            raise ValueError("virtual classes need known classes of at least two samples each")
        self._pool = list(pool)
        self._config = config
        self._mean = [rows.mean(dim=1) for rows in pool]
        self._deviation = [rows.std(dim=1) for rows in pool]
        self._units = [
            (rows - mean[:, None]) / deviation[:, None]
            for rows, mean, deviation in zip(pool, self._mean, self._deviation, strict=True)
        ]

    @property
    def known(self) -> int:
        """Number of known classes."""
        return len(self._pool[0])

    def draw_virtual(self, generator: np.random.Generator, classes: int, samples: int) -> Samples:
        """Draw samples of new virtual classes.

        Parameters
        ----------
        generator
            Source of randomness.
        classes, samples
            How many, and how many of each (may repeat pool samples).

        Returns
        -------
        list of Tensor
            One entry a modality, shape (classes, samples, D).
        """
        source = _torch_generator(generator)
        return [
            self._draw_modality(source, number, classes, samples)
            for number in range(len(self._pool))
        ]

    def draw_real(self, generator: np.random.Generator, classes: int, samples: int) -> Samples:
        """Draw samples of known classes as they are.

        Parameters
        ----------
        generator
            Source of randomness.
        classes, samples
            How many classes, and how many different samples of each.

        Returns
        -------
        list of Tensor
            One entry a modality, shape (classes, samples, D).

        Raises
        ------
        ValueError
            If there are not so many classes or samples.
        """
        known, size = self._pool[0].shape[:2]
        if classes > known or samples > size:
            raise ValueError(
                f"{classes} classes of {samples} samples were asked for; the pool has {known} of "
                f"{size}"
            )
        source = _torch_generator(generator)
        chosen = torch.randperm(known, generator=source)[:classes, None]
        rows = torch.rand((classes, size), generator=source).argsort(dim=1)[:, :samples]
        return [pool[chosen, rows] for pool in self._pool]

    def _draw_modality(
        self, source: torch.Generator, number: int, classes: int, samples: int
    ) -> Tensor:
        units = self._units[number]
        known, size, dim = units.shape
        base = torch.randint(known, (classes, 1), generator=source)
        rows = torch.randint(size, (classes, samples), generator=source)
        drawn = units[base, rows]
        if self._config.permute:
            order = torch.rand((classes, dim), generator=source).argsort(dim=1)
            drawn = drawn.gather(2, order[:, None].expand(-1, samples, -1))
        if self._config.flip:
            drawn = drawn * (2 * torch.randint(2, (classes, 1, dim), generator=source) - 1)
        shape, own = (classes, dim), torch.arange(dim)
        mean = self._mean[number][torch.randint(known, shape, generator=source), own]
        deviation = self._deviation[number][torch.randint(known, shape, generator=source), own]
        mean = mean + self._config.mean_jitter * torch.randn(shape, generator=source)
        jitter = self._config.deviation_jitter * torch.randn(shape, generator=source)
        return mean[:, None] + (deviation * jitter.exp())[:, None] * drawn


def _torch_generator(generator: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator.integers(2**63 - 1)))
