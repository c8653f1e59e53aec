"""Moment-aware prototypes as a method of the suite."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mmpipeline.arrays import Int64Array
from mmpipeline.talk.data.subsets import Subset
from mmpipeline.talk.measure.suite import SyntheticSuite
from mmpipeline.talk.models.moment_prototypes import MomentPrototypes

BLOCK_ROWS = 2048


class MomentMethod:
    """Scores by the inner product of item vectors with class vectors.

    Only modalities that both sides show count: references of full items serve any query as well
    as references of the query's own subset; a query that shares no modality with the references has
    no answer.

    Parameters
    ----------
    name
        What tables call it.
    suite
        The data.
    module
        The trained prototypes.
    """

    rule = "moment_aware"

    def __init__(self, name: str, suite: SyntheticSuite, module: MomentPrototypes) -> None:
        self.name = name
        self._bench = suite
        self._module = module.eval()
        self._queries: dict[Subset, Tensor] = {}

    def scores(
        self, rows: Int64Array, query: Subset, reference: Subset
    ) -> Iterator[tuple[str, Tensor]]:
        """Score the queries; see `mmpipeline.talk.measure.suite.Method`."""
        shared = tuple(number for number in query if number in reference)
        if not shared:
            return
        with torch.inference_mode():
            classes = self._module.class_vectors(self._bench.gather(rows))
            yield self.rule, self._query_vectors(shared) @ classes.T

    def _query_vectors(self, subset: Subset) -> Tensor:
        if subset not in self._queries:
            shown = torch.tensor([number in subset for number in range(len(self._bench.test))])
            blocks = zip(*(torch.split(part, BLOCK_ROWS) for part in self._bench.test), strict=True)
            self._queries = {
                subset: torch.cat([
                    self._module.item_vectors(block, shown.expand(len(block[0]), -1))
                    for block in blocks
                ])
            }  # one subset at a time: 40 MB for 10,000 queries
        return self._queries[subset]
