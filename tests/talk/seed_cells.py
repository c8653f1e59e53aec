"""Made-up figures of a seed experiment: every method, rule and cell that its report expects."""

import numpy as np
import pandas as pd

from mmpipeline.talk.report.published import published_figures

SUBSETS = ("0", "1", "2", "0, 1", "0, 2", "1, 2", "0, 1, 2")
SCOPES = (30, 51, 100)
LEVELS = {
    ("EUC", "mean_euclid"): 0.40,
    ("COS", "mean_cosine"): 0.45,
    ("ours", "mean_cosine"): 0.90,
    ("ours", "gaussian_full"): 0.95,
    ("raw", "mean_euclid"): 0.70,
    ("raw", "gaussian_diagonal"): 0.94,
    ("bayes bound", "density"): 0.99,
    ("chance", "random"): 0.02,
}


def make_cells(seeds: tuple[int, ...] = (1, 2, 3), **levels: float) -> pd.DataFrame:
    """Figures at a level a method; `ours_mean=0.5` and the like set others. COS is the talk's."""
    talk = published_figures("top1")
    rows = []
    for seed in seeds:
        for (method, rule), level in LEVELS.items():
            level = levels.get(f"{method}_{rule.split('_')[0]}", level)
            for k, query, reference in list_places(method):
                for scope in SCOPES:
                    top1 = level + 0.001 * (seed - 2)
                    if method == "COS" and query == reference:
                        top1 = talk[method, query, 200, scope] + levels.get("shift", 0.0)
                    rows.append({
                        "data_seed": seed,
                        "method": method,
                        "rule": rule,
                        "k": k,
                        "query": query,
                        "reference": reference,
                        "scope": scope,
                        "draws": 5,
                        "top1": top1,
                        "top5": min(1.0, top1 + 0.01),
                        "known_top1": top1,
                        "unknown_top1": np.nan if scope == 30 else top1 - 0.1,
                        "harmonic_mean": np.nan if scope == 30 else top1 - 0.05,
                    })
    return pd.DataFrame(rows)


def list_places(method: str) -> list[tuple[int, str, str]]:
    if method in {"bayes bound", "chance"}:
        return [(0, subset, subset) for subset in SUBSETS]
    places = [(200, subset, subset) for subset in SUBSETS]
    places += [(k, SUBSETS[-1], SUBSETS[-1]) for k in (5, 20, 2000)]
    if method == "ours":
        places += [(200, q, r) for q in SUBSETS for r in SUBSETS if q != r]
    return places


def make_open_set() -> pd.DataFrame:
    return pd.DataFrame([
        {"data_seed": seed, "method": "ours", "rule": "mean_cosine", "enrolled": 30}
        | {"strangers": 70, "auroc": 0.8 + 0.01 * seed, "fpr95": 0.4, "oscr": 0.7}
        for seed in (1, 2, 3)
    ])


def make_maps() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame([
        {"method": method, "scope": scope, "x": x, "y": y, "label": label, "is_known": label < 30}
        for method in ("COS", "ours")
        for scope in (51, 100)
        for label in range(scope)
        for x, y in generator.normal(size=(2, 2))
    ])
