"""Every stage once on a tiny world, and which of the product's functions ran in it.

``python -m benchmarks.traced_stages FOLDER`` prints one JSON object: by kind of artifact the
functions that ran, the data files that were opened, and the modules that the process had not
imported by then. It tells what a stage reaches without knowing how keys tell it, so keys are held
against it.

Library functions are called as the tasks call them, in this process and its threads; a function
that ran only because a module was being imported is left out. What to expect: half a minute.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.traces import Trace, Tracer
from mmpipeline.config.pipeline import PipelineConfig
from mmpipeline.config.train import FitConfig, TrainConfig
from mmpipeline.parallel.sharing import SharingExecutor
from mmpipeline.parallel.workers import Workers
from mmpipeline.planning import keys
from mmpipeline.sample.site.server import serve_site
from mmpipeline.storage.artifact import ArtifactStore, Draft
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.provenance import ArtifactKey

HERE = Workers(SharingExecutor(1), 1)  # other processes would not be watched
TINY = {
    "sample": {"recipes": 120, "dishes": 8, "photo_size_px": 48},
    "scrape": {"pace_s": 0.0, "allow_loopback": True},
    "features": {"text_dim": 128, "image_size_px": 48},
    "train": {"epochs": 2, "hidden_dim": 32, "embedding_dim": 16},
    "evaluate": {"max_queries": 60, "prototype_draws": 2},
    "index": {"recall_check_queries": 20, "calibration_queries": 30},
    "experiment": {
        "data": {
            "classes": 9,
            "known_classes": 5,
            "scopes": [5, 7, 9],
            "pool_per_class": 40,
            "test_per_class": 10,
        },
        "evaluation": {"references": 10, "reference_sweep": [5, 50], "draws": 2},
        "map_queries": 90,
    },
}


class Stages:
    """Makes an artifact of each kind in a data folder.

    Parameters
    ----------
    root
        An empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.layout = DataLayout.at(root)
        self.store = ArtifactStore(self.layout)
        self.tracer = Tracer()
        self.config = PipelineConfig.model_validate(TINY)

    def make(self, key: ArtifactKey, fill: Callable[[Draft], dict[str, float]]) -> Path:
        """Make an artifact while it is watched; return its folder."""
        with self.store.create(key) as draft, self.tracer.watching(key.kind):
            draft.counts = fill(draft)
        return self.store.folder(key)

    def run(self) -> dict[str, Trace]:
        """Run all stages; return what ran in each."""
        sources = self._recipes()
        catalog = self._catalog(sources)
        features, pairs = self._data(catalog)
        self._model(catalog, features, pairs)
        self._experiment()
        return self.tracer.traces

    def _recipes(self) -> dict[str, Path]:
        from mmpipeline.sample.bayes import oracle_bound
        from mmpipeline.sample.dump import write_recipe1m_dump
        from mmpipeline.sources.recipe1m.folder import digest_dump
        from mmpipeline.sources.recipe1m.normalise import normalize_dump

        config, layout = self.config, self.layout

        def write(draft: Draft) -> dict[str, float]:
            oracle_bound(config.sample)
            return write_recipe1m_dump(draft.folder / "recipe1m", config.sample)

        dump = self.make(keys.sample_world_key(config.sample), write) / "recipe1m"
        key = keys.recipes_key("recipe1m", digest_dump(dump), config.recipe1m)
        recipe1m = self.make(
            key, lambda draft: normalize_dump(dump, draft.folder, layout, config.recipe1m, HERE)
        )
        return {"recipe1m": recipe1m, "tenthousand_recipe": self._pages()}

    def _pages(self) -> Path:
        from mmpipeline.sources.tenthousand.crawl.run import crawl_site
        from mmpipeline.sources.tenthousand.parse.snapshot import parse_snapshot

        config, layout = self.config, self.layout
        scraped = layout.scrape_store("sample_site")
        with serve_site(config.sample) as site:
            scrape = config.scrape.model_copy(update={"base_url": site.base_url})
            crawl_site(scraped, scrape, "")
        key = keys.recipes_key("tenthousand_recipe", "snapshot", config.parse)
        return self.make(
            key,
            lambda draft: parse_snapshot(scraped, draft.folder, layout, config.parse, None, HERE),
        )

    def _catalog(self, sources: dict[str, Path]) -> Path:
        from mmpipeline.catalog.build import build_catalog

        def build(draft: Draft, chosen: dict[str, Path], previous: Path | None) -> dict[str, float]:
            return build_catalog(
                chosen,
                draft.folder,
                self.config.catalog,
                temporary=self.layout.temporary,
                memory_limit="1GB",
                threads=1,
                previous=previous,
            )

        one = {"recipe1m": sources["recipe1m"]}
        first = self.make(
            keys.catalog_key({"recipe1m": sources["recipe1m"].name}, self.config.catalog),
            lambda draft: build(draft, one, None),
        )
        ids = {name: folder.name for name, folder in sources.items()}
        return self.make(
            keys.catalog_key(ids, self.config.catalog, first.name),
            lambda draft: build(draft, sources, first),
        )

    def _data(self, catalog: Path) -> tuple[Path, Path]:
        from mmpipeline.features.extract import extract_features
        from mmpipeline.pairs.build import build_pairs
        from mmpipeline.pairs.page import write_page
        from mmpipeline.pairs.report import read_report

        config, layout = self.config, self.layout
        cache = layout.feature_cache
        features = self.make(
            keys.features_key(catalog.name, config.features),
            lambda draft: extract_features(
                catalog, draft.folder, layout, config.features, cache=cache, processes=1
            ),
        )

        def pair(draft: Draft) -> dict[str, float]:
            counts = build_pairs(catalog, draft.folder, config.pairs, temporary=layout.temporary)
            write_page(read_report(draft.folder), draft.folder)
            return counts

        return features, self.make(keys.pairs_key(catalog.name, config.pairs), pair)

    def _model(self, catalog: Path, features: Path, pairs: Path) -> None:
        from mmpipeline.search.publish.version import build_index

        config = self.config
        models = [
            self._train(features, pairs, config.train.model_copy(update={"batches": batches}))
            for batches in ("pairs", "recipes")
        ]
        model = models[-1]
        self._figures(model, features, catalog)
        self.make(
            keys.index_key(model.name, features.name, catalog.name, config.index),
            lambda draft: build_index(model, features, catalog, draft.folder, config.index, None),
        )

    def _train(self, features: Path, pairs: Path, config: TrainConfig) -> Path:
        from mmpipeline.training.choice import choose_training
        from mmpipeline.training.engine.checkpoints import Checkpoints
        from mmpipeline.training.engine.metric_logger import NullLogger

        train = choose_training(config.batches)
        return self.make(
            keys.model_key(features.name, pairs.name, config),
            lambda draft: train(
                features, pairs, draft.folder, config, NullLogger(), Checkpoints(draft.resume)
            ),
        )

    def _figures(self, model: Path, features: Path, catalog: Path) -> None:
        from mmpipeline.evaluation.suite.evaluate import evaluate_model
        from mmpipeline.evaluation.suite.frozen_scores import score_frozen_set
        from mmpipeline.evaluation.suite.frozen_set import digest_frozen_set, write_frozen_set

        config, layout = self.config, self.layout

        def evaluate(draft: Draft) -> dict[str, float]:
            counts = evaluate_model(
                model, features, catalog, draft.folder, config.evaluate, photos=layout.root
            )
            draft.notes["metrics"] = json.loads((draft.folder / "metrics.json").read_bytes())
            return counts

        key = keys.evaluation_key(model.name, features.name, catalog.name, config.evaluate)
        evaluation = self.make(key, evaluate)
        self._comparison(features, model, evaluation)

        def freeze(draft: Draft) -> dict[str, float]:
            counts = write_frozen_set(catalog, draft.folder, layout, config.frozen)
            draft.notes["sha256"] = digest_frozen_set(draft.folder)
            return counts

        frozen = self.make(keys.frozen_set_key(catalog.name, config.frozen), freeze)
        whole = config.evaluate.model_copy(update={"split": None})
        self.make(
            keys.frozen_scores_key(model.name, frozen.name, whole),
            lambda draft: score_frozen_set(model, frozen, draft.folder, config.features, whole),
        )

    def _comparison(self, features: Path, model: Path, evaluation: Path) -> None:
        from mmpipeline.evaluation.reports.leaderboard import tabulate_results, write_leaderboard
        from mmpipeline.training.grid import list_cells
        from mmpipeline.training.grid_results import TrainedCell, read_result

        config = self.config
        cell = next(iter(list_cells(config.comparison, config.features, config.train)))
        trained = TrainedCell(cell, features, model, evaluation, {"val_score_raw": 0.5})

        def compare(draft: Draft) -> dict[str, float]:
            table = tabulate_results([read_result(trained, None)])
            write_leaderboard(table.drop(columns="run_id"), draft.folder, "Grid")
            return {"cells": float(len(table))}

        self.make(keys.comparison_key([evaluation.name], config.comparison), compare)

    def _experiment(self) -> None:
        from mmpipeline.talk.experiment import evaluate_draw
        from mmpipeline.talk.report.page import write_talk_report
        from mmpipeline.talk.report.tables import gather_tables

        experiment = self.config.experiment
        folders = [self._method(name) for name in ("slides_euc", "slides_cos", "ours")]
        draw = self.make(
            keys.talk_draw_key(experiment.data, [f.name for f in folders], experiment),
            lambda draft: evaluate_draw(experiment.data, folders, draft.folder, experiment),
        )
        self.make(
            keys.talk_report_key([draw.name], experiment),
            lambda draft: write_talk_report(
                gather_tables([draw], [draw], [draw], experiment), draft.folder
            ),
        )

    def _method(self, name: str) -> Path:
        from mmpipeline.talk.data.generator import generate
        from mmpipeline.talk.measure.suite import SyntheticSuite
        from mmpipeline.talk.methods.files import save_method
        from mmpipeline.talk.methods.presets import seed_method
        from mmpipeline.talk.methods.train import train_talk_method
        from mmpipeline.talk.report.tables import LABELS

        data = self.config.experiment.data
        few = FitConfig(rounds=1, steps_per_round=3)
        method = seed_method(name).model_copy(update={"fit": few, "virtual_classes": 4})
        if method.moments is not None:
            moments = method.moments.model_copy(update={"fit": few, "classes": 4})
            method = method.model_copy(update={"moments": moments})

        def train(draft: Draft) -> dict[str, float]:
            bench = SyntheticSuite(generate(data))
            trained = train_talk_method(LABELS.get(name, name), bench, method)
            return {"values": float(save_method(trained, data.modality_dims, method, draft.folder))}

        return self.make(keys.talk_method_key(data, method), train)


def main(arguments: list[str]) -> None:
    """Run the stages and print what ran.

    Parameters
    ----------
    arguments
        The command line without the program's name.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.traced_stages", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="an empty folder")
    parser.add_argument("--json", action="store_true", help="accepted for sameness")
    traces = Stages(parser.parse_args(arguments).folder).run()
    print(
        json.dumps({
            kind: {name: sorted(getattr(trace, name)) for name in ("functions", "data", "absent")}
            for kind, trace in traces.items()
        })
    )


if __name__ == "__main__":
    main(sys.argv[1:])
