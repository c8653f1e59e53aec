"""Refreshes over a changing kitchen, by the functions that the stages call, and what must hold.

After each step the catalogue is merged into the one before and built anew, the index is built upon
the published one and from nothing, pairs are made of both catalogues; each two must agree. The
published model is kept until a step asks for a new one, as in a refresh of an evening.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmpipeline.catalog import build as catalog_build
from mmpipeline.catalog.build import build_catalog, write_catalog
from mmpipeline.catalog.labels.vocabulary import read_vocabulary
from mmpipeline.config import (
    CatalogConfig,
    EvaluateConfig,
    FeatureConfig,
    FrozenSetConfig,
    IndexConfig,
    PairConfig,
    PromotionConfig,
    TrainConfig,
)
from mmpipeline.errors import StageError, TooFewRecipesError
from mmpipeline.evaluation.suite.evaluate import evaluate_model
from mmpipeline.evaluation.suite.frozen_set import write_frozen_set
from mmpipeline.features import FeatureSet, extract_features
from mmpipeline.pairs import build_pairs
from mmpipeline.pairs.page import write_page
from mmpipeline.pairs.report import read_report
from mmpipeline.schemas import QUARANTINE_SCHEMA, RECIPE_SCHEMA
from mmpipeline.search.current import sound_version
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.load import IndexParts, open_parts
from mmpipeline.search.publish.version import build_index
from mmpipeline.search.query import Query
from mmpipeline.search.release.golden_queries import draw_exam
from mmpipeline.search.release.promotion import release
from mmpipeline.storage import ArtifactKey, ArtifactStore, DataLayout, ParquetSink
from mmpipeline.storage.segments import read_recipes
from mmpipeline.training import train_food_model
from tests.history.kitchen import AT_FIRST, STEPS, Kitchen, open_kitchen

Move = tuple[str, int, int]
"""A step's name, and the two numbers that it chooses by."""

MERGED = CatalogConfig(compact_share=0.6, unknown_dish_share=0.2)
ANEW = MERGED.model_copy(update={"compact_share": 0.0})
FEATURES = FeatureConfig(
    image_encoders=("descriptors",),
    text_encoders=("hashed-ngrams",),
    text_dim=32,
    image_size_px=32,
)
PAIRS = PairConfig(positives=2, negatives=2, hard_negatives=1)
TRAIN = TrainConfig(epochs=2, anchors_per_batch=16, hidden_dim=16, embedding_dim=8, own_dim=4)
EVALUATE = EvaluateConfig(prototype_references=3, prototype_draws=1)
INDEX = IndexConfig(
    recall_check_queries=10,
    max_segments=3,
    subsets={"quick": "SELECT recipe_id FROM recipes WHERE length(title) < 12"},
)
PROMOTION = PromotionConfig(questions=20, tolerance=1, max_lost_items=0.5)
DOORS = ("10k", "r1m")


class Silence:
    """Logs nothing."""

    def log_params(self, params: object) -> None: ...

    def log_metrics(self, metrics: object, step: int) -> None: ...


class History:
    """Refreshes of one data folder, one after the other.

    Parameters
    ----------
    root
        The data folder.
    promotion
        The gate.
    recipes
        How many the kitchen begins with.

    Attributes
    ----------
    outcomes
        What each refresh ended with.
    """

    def __init__(
        self, root: Path, promotion: PromotionConfig = PROMOTION, recipes: int = AT_FIRST
    ) -> None:
        self.kitchen: Kitchen = open_kitchen(root / "data", recipes)
        self.layout = DataLayout.at(root / "data")
        self.store = ArtifactStore(self.layout)
        self.outcomes: list[str] = []
        self._work, self._spill, self._promotion = root / "work", root / "spill", promotion
        self.catalog: Path | None = None
        self._model: Path | None = None
        self._base: str | None = None
        self._turn = 0

    def live(self, moves: Sequence[Move]) -> None:
        """Refresh once, then after each step."""
        self.refresh(retrain=True)
        for name, first, second in moves:
            if not self.kitchen.recipes:  # else most steps would do nothing for the rest of it
                STEPS["restore"](self.kitchen, first, 1)
            STEPS[name](self.kitchen, first, second)
            self.refresh(retrain=first % 7 == 3)

    @property
    def answering(self) -> str:
        """The index version that answers."""
        version = sound_version(self.layout)
        assert version is not None
        return version

    def made(self, name: str) -> Path:
        """Return what the newest refresh made."""
        return self._work / f"{self._turn:02}-{name}"

    def refresh(self, *, retrain: bool = False) -> None:
        """Bring what the kitchen holds through all stages, and check each against a fresh build."""
        self._turn += 1
        sources = self._write_sources()
        if not self.kitchen.recipes:
            self._meet_an_empty_kitchen(sources)
            return
        catalog, anew = self._build_catalog(sources)
        features = self._folder("features")
        extract_features(
            catalog, features, self.layout, FEATURES, cache=self._work / "cache", processes=1
        )
        pairs = self._build_pairs(catalog, anew)
        outcome = "kept" if self._model is not None else "no model"
        if pairs is not None and (retrain or self._model is None):
            outcome = self._train(features, pairs, catalog)
        if self._model is not None:
            outcome += f", {self._publish(features, catalog)}"
        self.outcomes.append(outcome)
        self.catalog = catalog

    @property
    def _draws(self) -> bool:
        """Whether this refresh draws its reports too, which takes longer than all the rest."""
        return self._turn % 6 == 2 or len(self.kitchen.recipes) < 4

    def _folder(self, name: str) -> Path:
        folder = self._work / f"{self._turn:02}-{name}"
        folder.mkdir(parents=True)
        return folder

    def _write_sources(self) -> dict[str, Path]:
        sources = {}
        for door in DOORS:
            sources[door] = self._folder(door)
            with ParquetSink(sources[door] / "recipes.parquet", RECIPE_SCHEMA) as sink:
                for name in sorted(self.kitchen.recipes):
                    if self.kitchen.recipes[name].source == door:
                        sink.append(self.kitchen.recipes[name].to_row())
            with ParquetSink(sources[door] / "quarantine.parquet", QUARANTINE_SCHEMA):
                pass  # nothing was wrong
        return sources

    def _meet_an_empty_kitchen(self, sources: dict[str, Path]) -> None:
        """The catalogue says that there is nothing; whatever answers goes on to answer."""
        with pytest.raises(StageError, match="no recipes in "):
            self._merge(build_catalog, sources, self._folder("catalog"), MERGED)
        self._ask()
        self.outcomes.append("no recipes")

    def _merge(
        self,
        build: Callable[..., Any],
        sources: dict[str, Path],
        target: Path,
        config: CatalogConfig,
    ) -> None:
        build(sources, target, config, self._spill, "500MB", 1, self.catalog)

    def _build_catalog(self, sources: dict[str, Path]) -> tuple[Path, Path]:
        """Merge, and build anew with the same sides and the same learnt names."""
        catalog, anew = self._folder("catalog"), self._folder("anew")
        self._merge(build_catalog if self._draws else write_catalog, sources, catalog, MERGED)
        known = read_vocabulary(catalog / "vocabulary.json")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catalog_build, "learn_vocabulary", _always(known))
            self._merge(write_catalog, sources, anew, ANEW)
        rows = [
            sorted(read_recipes(folder).to_pylist(), key=lambda row: str(row["recipe_id"]))
            for folder in (catalog, anew)
        ]
        for merged, fresh in zip(*rows, strict=True):
            assert merged == fresh
        for name in ("dishes.parquet", "tombstones.parquet", "quarantine.parquet"):
            assert pq.read_table(catalog / name) == pq.read_table(anew / name), name
        self._check_rows(rows[0])
        return catalog, anew

    def _check_rows(self, rows: list[dict[str, Any]]) -> None:
        """All recipes are there as they came; groups have one side; nobody changes sides."""
        for row in rows:
            came = self.kitchen.recipes[row["recipe_id"]].to_row()
            assert {name: _plain(row[name]) for name in came} == {
                name: _plain(value) for name, value in came.items()
            }
        assert len(rows) == len(self.kitchen.recipes)
        sides: dict[str, set[str]] = {}
        for row in rows:
            if row["split"] != "excluded":
                sides.setdefault(row["group_id"], set()).add(row["split"])
        assert all(len(found) == 1 for found in sides.values()), sides
        if self.catalog is None:
            return
        before = {row["recipe_id"]: row["split"] for row in _read_sides(self.catalog)}
        for row in rows:
            was = before.get(row["recipe_id"], "excluded")
            assert row["split"] in {was, "excluded"} or was == "excluded", row["recipe_id"]

    def _build_pairs(self, catalog: Path, anew: Path) -> Path | None:
        made = []
        for place in (catalog, anew)[: 2 if self._turn % 3 == 0 else 1]:
            target = self._folder(f"pairs-of-{place.name}")
            try:
                build_pairs(place, target, PAIRS, self._spill, "500MB", 1)
            except TooFewRecipesError as error:
                made.append(str(error).replace(str(place), ""))
                continue
            if self._draws:
                write_page(read_report(target), target)
            made.append(target)
        if isinstance(made[0], str):
            assert made[0] == made[-1]
            return None
        tables = [pq.read_table(target / "pairs.parquet") for target in made]
        assert tables[0] == tables[-1]
        sides = {row["recipe_id"]: row["split"] for row in _read_sides(catalog)}
        table = tables[0]
        for part in ("left_image", "left_text", "right_image", "right_text"):
            shown = {sides[name] for name in table[part].unique().to_pylist() if name is not None}
            assert "excluded" not in shown
        return made[0]

    def _train(self, features: Path, pairs: Path, catalog: Path) -> str:
        """Train a model and measure it; where recipes do not suffice for that, keep the old one."""
        target = self._folder("model")
        try:
            train_food_model(features, pairs, target, TRAIN, Silence())
            evaluate_model(target, features, catalog, self._folder("evaluation"), EVALUATE)
        except StageError as error:
            return f"not trained: {error}"
        self._model = target
        with suppress(StageError):  # no dish has two held-out recipes
            write_frozen_set(catalog, self._folder("frozen"), self.layout, FrozenSetConfig())
        return "trained"

    def _publish(self, features: Path, catalog: Path) -> str:
        model = self._model
        assert model is not None
        if not FeatureSet.open(features).presence.any():
            with pytest.raises(StageError, match="there is nothing to find"):
                build_index(model, features, catalog, self._folder("index"), INDEX)
            self._ask()
            return "nothing to find"
        seen = sound_version(self.layout)
        base = self.layout.artifacts("index") / seen if seen and self._base == model.name else None
        key = ArtifactKey("index", {"model": model.name, "turn": str(self._turn)}, {}, "")
        with self.store.create(key) as draft:
            draft.counts = build_index(model, features, catalog, draft.folder, INDEX, base)
        anew = self._folder("index")
        build_index(model, features, catalog, anew, INDEX)
        _check_index(open_parts(self.store.folder(key)), open_parts(anew))
        draw_exam(self.layout, catalog, self._promotion.questions)
        decision = release(self.layout, key.id, self._promotion, seen)
        if decision.action == "promoted":
            self._base = model.name
        self._ask()
        return str(decision.action)

    def _ask(self) -> None:
        """Whatever answers, answers."""
        if (version := sound_version(self.layout)) is not None:
            index = SearchIndex.open(self.layout, version)
            assert index.search(Query(title="김치찌개"), 5).items


def _always(known: object) -> Callable[..., object]:
    def learn(connection: Any, *_: object) -> object:  # noqa: ANN401 -- DuckDB's connection
        from mmpipeline.catalog.labels.names import load_cores

        load_cores(connection, known.chatter)  # type: ignore[attr-defined]
        return known

    return learn


def _plain(value: object) -> object:
    return list(value) if isinstance(value, (list, tuple)) else value


def _read_sides(catalog: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = read_recipes(catalog, ["recipe_id", "split"]).to_pylist()
    return rows + pq.read_table(catalog / "tombstones.parquet").to_pylist()


def _check_index(built_upon: IndexParts, from_nothing: IndexParts) -> None:
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
