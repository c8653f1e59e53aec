"""The table of the talk this project goes back to, as published in June 2021.

Figures of another draw of another generator, of which ranges and families are not known: beside
ours for orientation, not to be compared cell by cell.
"""

import pandas as pd

TALK_TABLE = """
0     | 200  | 62.07 91.13 63.27 95.53 | 45.77 83.26 46.02 86.08 | 29.14 64.07 29.78 66.11
1     | 200  | 63.87 92.10 65.07 95.67 | 59.22 90.71 60.10 92.65 | 43.68 83.15 43.62 83.44
2     | 200  | 43.00 80.37 44.23 85.03 | 37.20 72.43 38.39 76.31 | 25.71 59.17 26.12 60.38
0,1   | 200  | 88.27 96.77 93.73 99.93 | 78.65 94.33 83.20 99.12 | 66.75 88.97 71.85 93.98
0,2   | 200  | 79.00 95.30 82.20 99.37 | 66.84 89.98 71.24 95.65 | 52.43 82.30 55.90 87.76
1,2   | 200  | 89.40 98.57 90.10 99.67 | 80.80 97.31 81.00 98.73 | 68.85 93.44 69.20 94.29
0,1,2 | 5    | 95.73 98.23 97.57 99.93 | 80.63 95.75 82.47 97.98 | 69.65 90.61 68.81 92.21
0,1,2 | 20   | 95.87 98.57 97.50 99.97 | 83.49 96.71 83.78 97.16 | 72.01 93.15 71.79 93.40
0,1,2 | 200  | 96.03 98.83 97.53 99.97 | 84.59 96.77 85.16 98.04 | 73.20 93.35 73.56 94.11
0,1,2 | 2000 | 95.83 98.77 97.53 99.97 | 84.49 96.80 85.43 98.02 | 72.82 93.21 73.70 94.21
"""
"""Modalities, K, and for each scope EUC top-1, EUC top-5, COS top-1, COS top-5, in percent."""

TALK_SCOPES = (30, 51, 100)
TALK_K = 200
SUBSETS = ("0", "1", "2", "0, 1", "0, 2", "1, 2", "0, 1, 2")
"""What its rows show, in their order."""
SINGLES, FULL = SUBSETS[:3], SUBSETS[-1]


def talk_table() -> pd.DataFrame:
    """Return the published figures, a row a cell.

    Returns
    -------
    pandas.DataFrame
        Columns ``method`` (COS or EUC), ``query`` (such as ``0, 1``), ``k``, ``scope``, ``top1``
        and ``top5`` (shares, 0 to 1); 60 rows.
    """
    rows = []
    for line in TALK_TABLE.strip().splitlines():
        subset, references, *scopes = (part.strip() for part in line.split("|"))
        for scope, cells in zip(TALK_SCOPES, scopes, strict=True):
            figures = [round(float(cell) / 100, 4) for cell in cells.split()]
            place = {"query": subset.replace(",", ", "), "k": int(references), "scope": scope}
            for method, (first, five) in zip(
                ("EUC", "COS"), (figures[:2], figures[2:]), strict=True
            ):
                rows.append({"method": method, **place, "top1": first, "top5": five})
    return pd.DataFrame(rows)


def published_figures(figure: str) -> dict[tuple[str, str, int, int], float]:
    """Return one published figure of every cell.

    Parameters
    ----------
    figure
        ``top1`` or ``top5``.

    Returns
    -------
    dict
        By method, query, K and scope: a share.
    """
    table = talk_table()
    keys = zip(table["method"], table["query"], table["k"], table["scope"], strict=True)
    return dict(zip(keys, table[figure].tolist(), strict=True))
