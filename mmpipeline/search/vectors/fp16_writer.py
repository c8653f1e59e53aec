"""Half-precision codes of a segment's vectors, as `fp16_scan` searches them, and what they cost.

The codes are faiss's own flat index of float16 numbers, so one query is a scan by faiss. The
largest distance of a vector to its code is measured here, once: it is the bound that proves every
later answer exact.
"""

from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import torch

from mmpipeline.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class CodeErrors:
    """Largest distance of a vector to its code, over the rows of a segment.

    Attributes
    ----------
    float16
        To the stored code.
    bfloat16
        To the stored code rounded to bfloat16.
    """

    float16: float
    bfloat16: float


class CodeWriter:
    """Turns vectors into float16 codes, a batch at a time, and measures what that costs.

    Parameters
    ----------
    dim
        E.
    """

    def __init__(self, dim: int) -> None:
        self._index = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._errors = [0.0, 0.0]

    def add(self, vectors: Float32Array) -> None:
        """Add rows.

        Parameters
        ----------
        vectors
            Shape (B, E), of unit length.
        """
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        codes = torch.from_numpy(vectors.astype(np.float32)).half()
        exact = torch.from_numpy(vectors.astype(np.float64))
        for position, rounded in enumerate((codes, codes.bfloat16())):
            distance = torch.linalg.vector_norm(exact - rounded.double(), dim=1)
            self._errors[position] = max(self._errors[position], float(distance.max()))

    def write(self, path: Path) -> CodeErrors:
        """Write the codes to a file; return the errors of all rows."""
        faiss.write_index(self._index, str(path))
        return CodeErrors(*self._errors)
