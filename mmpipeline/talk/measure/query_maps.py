"""Maps of queries by t-SNE, as the talk shows them: known beside unknown classes, and all.

Computed in sklearn with a fixed seed and a start from principal components. A map shows whether
classes lie apart, not how far.
"""

import numpy as np
import pandas as pd
import torch
from sklearn.manifold import TSNE
from torch.nn import functional

from mmpipeline.talk.measure.suite import Embed, SyntheticSuite

PERPLEXITY = 30.0


def map_queries(
    suite: SyntheticSuite, method: str, embed: Embed, queries: int, scopes: tuple[int, ...]
) -> pd.DataFrame:
    """Lay queries out in the plane, all modalities shown.

    Parameters
    ----------
    suite
        The data.
    method
        What the panel is called.
    embed
        The embedding.
    queries
        Points of a map, at most; as many of each class.
    scopes
        One map each, of its first classes.

    Returns
    -------
    pandas.DataFrame
        Columns ``method, scope, x, y, label, is_known``.
    """
    vectors = functional.normalize(embed(suite.test, suite.full_subset), dim=1).double()
    frames = []
    for scope in scopes:
        each = min(suite.data.config.test_per_class, max(1, queries // scope))
        place = np.arange(len(vectors)) % suite.data.config.test_per_class
        rows = np.flatnonzero((suite.query_label < scope) & (place < each))
        points = TSNE(
            perplexity=min(PERPLEXITY, (len(rows) - 1) / 3), init="pca", random_state=0
        ).fit_transform(vectors[torch.from_numpy(rows)].numpy())
        frames.append(
            pd.DataFrame({
                "method": method,
                "scope": scope,
                "x": points[:, 0],
                "y": points[:, 1],
                "label": suite.query_label[rows],
                "is_known": suite.is_known[rows],
            })
        )
    return pd.concat(frames, ignore_index=True)
