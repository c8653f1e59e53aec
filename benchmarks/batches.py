"""Training batches from the pair table, beside the training step that consumes them.

``python -m benchmarks.batches --json``

The loader reads row groups, cuts batches, draws masks and gathers feature vectors: all that a step
needs. The step is the default model's on prepared batches, forward to optimiser. Both are counted
in CPU seconds of this process, in items (rows that are encoded), on one thread.

What to expect: about a minute of CPU, and 500 MB of temporary files.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from benchmarks.pairs_catalog import write_catalog
from mmpipeline.config.features import FeatureConfig
from mmpipeline.config.pairs import PairConfig
from mmpipeline.config.train import TrainConfig
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.models.embed import gather_features
from mmpipeline.pairs.build import build_pairs
from mmpipeline.schemas import MODALITIES
from mmpipeline.training.engine.batch_source import GeneratedSource
from mmpipeline.training.engine.fit import Training
from mmpipeline.training.engine.hooks import Hooks
from mmpipeline.training.engine.objective import Metrics
from mmpipeline.training.pairs.batches import PairBatch, PairBatches
from mmpipeline.training.pairs.fusion import fit_config, make_model
from mmpipeline.training.pairs.source import PairSource, ShownItems, pair_objective
from mmpipeline.training.pairs.table import PairTable

BLOCKS = 100
STEPS = 30
LOADS = 300
CONFIG = TrainConfig()
SHARE_PRESENT = (0.9, 1.0, 0.95, 0.95)  # of each modality, in the order of MODALITIES


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", type=int, default=40_000)
    parser.add_argument("--dishes", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="batches-benchmark-") as folder:
        figures = run(Path(folder), arguments.recipes, arguments.dishes)
    if not arguments.json:
        for name, figure in figures.items():
            print(f"{name:32} {figure}")
    print(json.dumps(figures))


def run(folder: Path, recipes: int, dishes: int) -> dict[str, float]:
    """Make a catalogue, its pairs and features, and measure loader and step."""
    write_catalog(folder, recipes // BLOCKS, BLOCKS, dishes, shuffled=False)
    counts = build_pairs(folder, folder, PairConfig(), folder / "tmp")
    write_features(folder)
    features = FeatureSet.open(folder)
    start = time.process_time()
    table = PairTable.open(folder, features, "train")
    opening_s = time.process_time() - start
    say(f"opening {len(table)} of {counts['pairs']:.0f} pairs", opening_s)
    cut = measure_cutting(PairBatches(table, CONFIG.anchors_per_batch, CONFIG.seed))
    say(f"{LOADS} batches from {table.blocks} row groups, {cut[0]} items", cut[1])
    loader = measure_loader(PairSource(features, table, CONFIG), features)
    say(f"{LOADS} batches with feature vectors, {loader[0]} items", loader[1])
    step = measure_steps(features, table)
    say(f"{STEPS} steps, {step[0]} items", step[1])
    per_cpu_s = {
        name: items / cpu_s
        for name, (items, cpu_s) in {"loader": loader, "cutting": cut, "step": step}.items()
    }
    return {
        "loader_over_step": round(per_cpu_s["loader"] / per_cpu_s["step"], 2),
        "cutting_over_step": round(per_cpu_s["cutting"] / per_cpu_s["step"], 2),
        "loader_items_per_cpu_s": round(per_cpu_s["loader"]),
        "step_items_per_cpu_s": round(per_cpu_s["step"]),
        "items_per_batch": round(loader[0] / LOADS),
        "opening_pairs_per_cpu_s": round(len(table) / opening_s),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def say(title: str, cpu_s: float) -> None:
    """Tell on the error stream what a part took."""
    print(f"{title:60} {cpu_s:7.2f} CPU s", file=sys.stderr, flush=True)


def endless(batches: PairBatches) -> Iterator[PairBatch]:
    """Yield the batches of one epoch after the other."""
    for epoch in cycle(range(1, 10_000)):
        yield from batches.epoch(epoch)


def measure_loader(source: PairSource, features: FeatureSet) -> tuple[int, float]:
    """Return the items of some batches and the CPU seconds of loading them."""
    items, start = 0, time.process_time()
    for _ in range(LOADS):
        batch = source.take()
        gather_features(features, batch.image_rows, batch.text_rows)
        items += len(batch.mask)
    return items, time.process_time() - start


def measure_cutting(batches: PairBatches) -> tuple[int, float]:
    """Return the items of some batches and the CPU seconds of cutting them, no vector read."""
    items, start = 0, time.process_time()
    for batch in islice(endless(batches), LOADS):
        items += len(batch.image_rows)
    return items, time.process_time() - start


def measure_steps(features: FeatureSet, table: PairTable) -> tuple[int, float]:
    """Return the items of some steps on prepared batches, and their CPU seconds."""
    source = PairSource(features, table, CONFIG)
    batches = [source.take() for _ in range(STEPS + 1)]
    inputs = {id(b): gather_features(features, b.image_rows, b.text_rows) for b in batches}
    compare = pair_objective(features, CONFIG).compare

    def measure(module: nn.Module, batch: ShownItems) -> tuple[Tensor, Metrics]:
        return compare(module, module(inputs[id(batch)], torch.from_numpy(batch.mask)), batch)

    prepared = iter(batches)
    training = Training(
        make_model(features, table, CONFIG),
        GeneratedSource(lambda _: next(prepared), CONFIG.seed, ""),
        measure,
        fit_config(CONFIG, STEPS),
        Hooks(),
    )
    training.take_step()  # the first one allocates
    start = time.process_time()
    for _ in range(STEPS):
        training.take_step()
    return sum(len(batch.mask) for batch in batches[1:]), time.process_time() - start


def write_features(folder: Path) -> None:
    """Write invented features of the default sizes for the catalogue of a folder."""
    ids = pq.read_table(folder / "recipes.parquet", columns=["recipe_id"])["recipe_id"]
    generator = np.random.default_rng(CONFIG.seed)
    encoders = EncoderSet.build(FeatureConfig())
    encoders.write(folder)
    pq.write_table(pa.table({"recipe_id": ids}), folder / "ids.parquet")
    presence = generator.random((len(ids), len(MODALITIES))) < SHARE_PRESENT
    np.save(folder / "presence.npy", presence)
    for column, name in enumerate(MODALITIES):
        shape = (len(ids), encoders.dims[name])
        matrix = np.lib.format.open_memmap(
            folder / f"{name}.npy", mode="w+", dtype=np.float16, shape=shape
        )
        for start in range(0, len(ids), 4096):
            rows = slice(start, start + 4096)
            block = generator.standard_normal((len(matrix[rows]), shape[1]), dtype=np.float32)
            matrix[rows] = block / np.sqrt(shape[1]) * presence[rows, column, None]
        matrix.flush()


if __name__ == "__main__":
    main()
