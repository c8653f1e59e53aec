"""The training loop, beside its compute alone and beside a torch DataLoader that goes item by item.

``python -m benchmarks.train --json`` trains the fusion model on the talk's synthetic data;
with ``--food``, on the newest pair tables below a data folder, such as `make run` leaves.

Three loops take the same steps in turn, several times over: the full loop (`fit`: batches, checks,
metrics, schedule, a checkpoint folder), compute alone (the bare step on batches that lie
prepared), and the bare step fed by a DataLoader per item with default collate. CPU seconds of this
process on one thread; ratios are medians over the turns, the first turn warms up and does not
count. The GEMM peak is that of square float32 products in the same run.

What to expect: two minutes of CPU.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.train_worlds import World, food_world, synthetic_world
from mmpipeline.training.engine.checkpoints import Checkpoints
from mmpipeline.training.engine.fit import fit
from mmpipeline.training.engine.hooks import Hooks
from mmpipeline.training.engine.optimizer import make_optimizer

TURNS = 7
GEMM_EDGE = 1024
GEMM_PRODUCTS = 12


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--food", action="store_true", help="on pair tables")
    parser.add_argument("--data-root", type=Path, default=Path("data"), help="for --food")
    parser.add_argument("--steps", type=int, default=40, help="that a loop takes in its turn")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    world = food_world(arguments.data_root) if arguments.food else synthetic_world()
    figures = run(world, arguments.steps)
    if not arguments.json:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")
    print(json.dumps(figures))


def run(world: World, steps: int) -> dict[str, float]:
    """Measure all loops on one world."""
    prepared = world.prepare(steps)
    loops: dict[str, Callable[[], float]] = {
        "full": lambda: full_loop(world, steps),
        "compute": lambda: bare_loop(world, lambda: iter(prepared), "float32"),
        "per item": lambda: bare_loop(world, lambda: world.item_by_item(steps), "float32"),
        "compute in bfloat16": lambda: bare_loop(world, lambda: iter(prepared), "bfloat16"),
        "gemm": gemm_cpu_s,
    }
    turns: list[dict[str, float]] = []
    for number in range(TURNS + 1):
        turn = {name: loop() for name, loop in loops.items()}
        say("warm-up" if number == 0 else f"turn {number}", turn)
        turns += [turn] if number else []

    def median(one: str, other: str) -> float:
        return statistics.median(turn[one] / turn[other] for turn in turns)

    items = sum(world.items(batch) for batch in prepared)
    full_s = statistics.median(turn["full"] for turn in turns)
    gemm_flops = 2 * GEMM_EDGE**3 * GEMM_PRODUCTS
    exact, rounded = (world.learn(precision) for precision in ("float32", "bfloat16"))
    print(f"score {exact:.4f} in float32, {rounded:.4f} in bfloat16", file=sys.stderr)
    return {
        "rows_per_cpu_s": round(items / full_s),
        "ratio_to_compute_only": round(median("compute", "full"), 3),
        "ratio_to_per_item_loader": round(median("per item", "full"), 3),
        "gemm_share": round(world.flops(prepared) / gemm_flops * median("gemm", "full"), 3),
        "bf16_speedup": round(median("compute", "compute in bfloat16"), 3),
        "bf16_metric_delta": round(rounded - exact, 4),
        "metric": round(exact, 4),
        "rows_per_step": round(items / steps),
    }


def say(title: str, turn: dict[str, float]) -> None:
    """Tell on the error stream what a turn took."""
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in turn.items())
    print(f"{title:8} CPU s: {parts}", file=sys.stderr, flush=True)


def full_loop(world: World, steps: int) -> float:
    """Return the CPU seconds of `fit` over some steps."""
    module, source = world.make_module(), world.make_source()
    config = world.config.model_copy(update={"rounds": 1, "steps_per_round": steps})
    with tempfile.TemporaryDirectory(prefix="train-benchmark-") as folder:
        hooks = Hooks(checkpoints=Checkpoints(Path(folder)))
        start = time.process_time()
        fit(module, source, world.objective, config, hooks)
        return time.process_time() - start


def bare_loop(world: World, batches: Callable[[], object], precision: str) -> float:
    """Return the CPU seconds of forward, loss, backward and optimiser on some batches."""
    module = world.make_module()
    module.train()
    optimizer = make_optimizer(module, world.config)
    start = time.process_time()
    for batch in batches():  # type: ignore[attr-defined]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            vectors = world.encode_prepared(module, batch)
        loss, _ = world.objective.compare(module, vectors.float(), world.compared(batch))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return time.process_time() - start


def gemm_cpu_s() -> float:
    """Return the CPU seconds of some square products."""
    left, right = torch.randn(2, GEMM_EDGE, GEMM_EDGE).unbind()
    start = time.process_time()
    for _ in range(GEMM_PRODUCTS):
        torch.mm(left, right)
    return time.process_time() - start


if __name__ == "__main__":
    main()
