"""Proxy anchor: one learned vector a class, and each gathers its rows and repels the others."""

import torch
from torch import Tensor
from torch.nn import functional


def proxy_anchor_loss(
    vectors: Tensor, labels: Tensor, proxies: Tensor, scale: float = 32.0, margin: float = 0.1
) -> Tensor:
    """Mean over proxies of a soft maximum of their rows' violations.

    With p a proxy, X+ the rows of its class and X- the others, P+ the proxies with a row::

        1/|P+| sum_{p in P+} log(1 + sum_{x in X+} e^( -a (cos(x,p) - d) ))
        + 1/|P| sum_{p in P} log(1 + sum_{x in X-} e^(  a (cos(x,p) + d) ))

    When not to use it: for classes that are never trained on (their proxies do not exist, and the
    trained ones say nothing of them); with very many classes, as all proxies meet every batch.

    Parameters
    ----------
    vectors
        Shape (B, E), any length; cosines are taken.
    labels
        Shape (B,), int64: number of each row's proxy.
    proxies
        Shape (P, E), learned.
    scale
        a; large values look at the hardest rows.
    margin
        d.

    Returns
    -------
    Tensor
        Shape (); 0 with zero gradient without rows.

    Raises
    ------
    ValueError
        If a label is no proxy's number, or there is not one a row.

    References
    ----------
    Kim et al. 2020, Proxy Anchor Loss for Deep Metric Learning, equation 4.
    """
    if labels.shape != (len(vectors),) or labels.dtype != torch.long:
        raise ValueError(
            f"labels is {labels.dtype} of shape {tuple(labels.shape)}; "
            f"expected int64 of shape ({len(vectors)},)"
        )
    if not len(vectors):
        return vectors.sum() + proxies[:0].sum()
    if int(labels.min()) < 0 or int(labels.max()) >= len(proxies):
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}; "
            f"expected 0 to {len(proxies) - 1}, the numbers of the proxies"
        )
    cosines = functional.normalize(vectors, dim=1) @ functional.normalize(proxies, dim=1).T
    own = functional.one_hot(labels, len(proxies)).to(torch.bool)
    has_rows = own.any(dim=0)
    pull = _soft_excess(-scale * (cosines - margin), own)[has_rows]
    push = _soft_excess(scale * (cosines + margin), ~own)
    return pull.mean() + push.mean()


def _soft_excess(values: Tensor, chosen: Tensor) -> Tensor:
    """Return log(1 + sum of exp) of the chosen values of each column."""
    kept = values.masked_fill(~chosen, float("-inf"))
    one = torch.zeros_like(kept[:1])
    return torch.cat([one, kept]).logsumexp(dim=0)
