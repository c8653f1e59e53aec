"""The pair table of one split, read a row group at a time as numbers.

Opening goes once through the file and keeps what is small: an entry a recipe (its dish, its
duplicate group) and an entry an anchor. The pairs themselves are read again when a batch needs
them, one row group at a time, so memory does not grow with their number; that costs a decoding an
epoch, a hundredth of what training on the row group costs. No anchor crosses a row group.
"""

from pathlib import Path

from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.training.pairs.blocks import PairBlock, PairSummary
from mmpipeline.training.pairs.reader import PairReader


class PairTable:
    """The pairs of one split; `PairTable.open` reads what is small and leaves the rest.

    Attributes
    ----------
    summary
        What going once through the pairs told.
    """

    def __init__(self, reader: PairReader) -> None:
        self.summary: PairSummary = reader.summarise()
        self._reader = reader
        self._last: tuple[int, PairBlock] | None = None

    @classmethod
    def open(cls, folder: Path, features: FeatureSet, split: str) -> "PairTable":
        """Go once through the pairs of one split.

        Parameters
        ----------
        folder
            Of a pairs artifact.
        features
            Features of the same catalogue.
        split
            ``train``, ``val`` or ``test``.

        Returns
        -------
        PairTable
            Without the pairs whose meaning rests on a part that has no features.

        Raises
        ------
        ArtifactError
            If a file is missing or damaged, or names a recipe that the features lack.
        """
        return cls(PairReader(folder, features, split))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.summary.pairs

    @property
    def blocks(self) -> int:
        """Number of row groups with pairs of the split."""
        return len(self.summary.block_bounds) - 1

    def block(self, number: int) -> PairBlock:
        """Read the pairs of one row group; the last one read is kept.

        Parameters
        ----------
        number
            From 0, among the row groups with pairs of the split.

        Returns
        -------
        PairBlock
            Its pairs.

        Raises
        ------
        ArtifactError
            If the file is damaged.
        """
        if self._last is None or self._last[0] != number:
            self._last = (number, self._reader.read_block(number))
        return self._last[1]
