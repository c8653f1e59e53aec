"""Two builds of the same recipes, and what must be equal in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from mmpipeline.search.load import IndexParts
from mmpipeline.storage.segments import read_recipes


def always(known: object) -> Callable[..., object]:
    def learn(connection: Any, *_: object) -> object:  # noqa: ANN401 -- DuckDB's connection
        from mmpipeline.catalog.labels.names import load_title_cores

        load_title_cores(connection, known.title_noise)  # type: ignore[attr-defined]
        return known

    return learn


def plain(value: object) -> object:
    return list(value) if isinstance(value, (list, tuple)) else value


def read_sides(catalog: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = read_recipes(catalog, ["recipe_id", "split"]).to_pylist()
    return rows + pq.read_table(catalog / "tombstones.parquet").to_pylist()


def check_index(built_upon: IndexParts, from_nothing: IndexParts) -> None:
    """What an index answers follows from its inputs, whatever it was built upon."""
    found = []
    for parts in (built_upon, from_nothing):
        rows = parts.living_rows()
        items = parts.items.take(rows).to_pylist()
        order = np.argsort([item["recipe_id"] for item in items])
        vectors = parts.space.take(rows)
        found.append(([items[place] for place in order], vectors[order]))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], atol=2e-3)
    prototypes = [parts.prototypes for parts in (built_upon, from_nothing)]
    assert prototypes[0].infos == prototypes[1].infos
    np.testing.assert_allclose(prototypes[0].means, prototypes[1].means, atol=2e-3)
    members = [
        {name: ids.to_pylist() for name, ids in parts.members.items()}
        for parts in (built_upon, from_nothing)
    ]
    assert members[0] == members[1]
