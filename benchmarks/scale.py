"""The cost of each stage per million recipes, and what follows for more than was measured.

``python -m benchmarks.scale --json [--figure FILE]``

The costs were measured, each by the command that stands beside it in `docs/scale-costs.csv`; here
they are only multiplied. A stage's work is linear in its items (the tests of each stage hold that),
so CPU hours are; what is not linear, a single machine's memory, is listed as a limit of its own:
the number of recipes at which the stage needs 64 GB. Checking photos is measured in this run.

What to expect: some seconds.
"""

import argparse
import csv
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.process_cost import measure
from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.photos.files import photo_at
from mmpipeline.sample.world.recipes import recipe_at
from mmpipeline.sources.recipe1m.photos import PhotoFolder

COSTS = Path(__file__).parents[1] / "docs" / "scale-costs.csv"
MEMORY_GB = 64.0
NIGHT_CPU_HOURS = 8 * 16
PHOTOS = 24


@dataclass(frozen=True, slots=True)
class Scenario:
    """How much there is of what a stage counts by.

    Attributes
    ----------
    recipes
        Millions.
    photos
        Millions, each an item of its own.
    """

    recipes: float
    photos: float


SCENARIOS = {
    "1 M recipes, a photo each": Scenario(1, 1),
    "Recipe1M+: 1.03 M recipes, 13 M photos": Scenario(1.03, 13),
    "100 M recipes, a photo each": Scenario(100, 100),
}


@dataclass(frozen=True, slots=True)
class StageCost:
    """One row of the table.

    Attributes
    ----------
    per
        ``recipes`` or ``photos``.
    cpu_s
        CPU seconds a million.
    disk_gb
        What a million leave behind.
    is_counted
        Whether it is added up; of two encoders, the dearer one is.
    memory_gb, memory_gb_per_million
        Peak at a million, and what a million more adds; 0 where nothing, or where nobody measured.
    """

    stage: str
    per: str
    is_counted: bool
    cpu_s: float
    disk_gb: float
    memory_gb: float
    memory_gb_per_million: float

    def cpu_hours(self, scenario: Scenario) -> float:
        """Return the CPU hours of a scenario."""
        millions = scenario.recipes if self.per == "recipes" else scenario.photos
        return self.cpu_s * millions / 3600

    @property
    def fits_millions(self) -> float | None:
        """Millions of recipes at which `MEMORY_GB` are full; None: never."""
        if self.memory_gb_per_million == 0:
            return None
        fixed = self.memory_gb - self.memory_gb_per_million
        return (MEMORY_GB - fixed) / self.memory_gb_per_million


def read_costs(path: Path = COSTS) -> list[StageCost]:
    """Read the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            StageCost(
                row["stage"],
                row["per"],
                row["counted"] == "yes",
                float(row["cpu_s_per_million"]),
                float(row["disk_gb_per_million"]),
                float(row["memory_gb_at_a_million"] or 0),
                float(row["memory_gb_per_million_more"] or 0),
            )
            for row in csv.DictReader(file)
        ]


def project(costs: list[StageCost]) -> dict[str, dict[str, float | str]]:
    """Return what each scenario takes.

    Parameters
    ----------
    costs
        Of the stages.

    Returns
    -------
    dict
        By scenario: CPU hours of all stages, the stage that takes most of them and its share, disk.
    """
    found: dict[str, dict[str, float | str]] = {}
    for name, scenario in SCENARIOS.items():
        counted = [cost for cost in costs if cost.is_counted]
        hours = {cost.stage: cost.cpu_hours(scenario) for cost in counted}
        longest = max(hours, key=lambda stage: hours[stage])
        total = sum(hours.values())
        disk = sum(cost.disk_gb * getattr(scenario, cost.per) for cost in counted)
        found[name] = {
            "cpu_hours": round(total, 1),
            "longest_stage": longest,
            "longest_share": round(hours[longest] / total, 3),
            "disk_gb": round(disk),
        }
    return found


def draw(costs: list[StageCost]) -> Figure:
    """Draw the CPU hours of each stage, a bar a scenario, on a logarithmic axis."""
    figure = Figure(figsize=(9, 0.62 * len(costs) + 1.6), layout="constrained")
    axes = figure.subplots()
    colours = mpl.colormaps["viridis"]([0.15, 0.5, 0.8])
    for turn, (name, scenario) in enumerate(SCENARIOS.items()):
        hours = [cost.cpu_hours(scenario) for cost in costs]
        places = [row + (turn - 1) * 0.27 for row in range(len(costs))]
        bars = axes.barh(places, hours, 0.25, color=colours[turn], label=name)
        axes.bar_label(bars, [_short(value) for value in hours], padding=3, fontsize=7)
    axes.axvline(NIGHT_CPU_HOURS, color="grey", linestyle="--", linewidth=1)
    axes.text(NIGHT_CPU_HOURS, -0.62, " a night of 16 cores", color="grey", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 3)
    axes.set_yticks(range(len(costs)), [cost.stage for cost in costs])
    axes.invert_yaxis()
    axes.set_xlabel("CPU hours on cores like this machine's")
    axes.legend(loc="lower right", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _short(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.1f} min" if hours < 0.17 else f"{hours * 60:.0f} min"
    return f"{hours:,.1f} h" if hours < 10 else f"{hours:,.0f} h"


def check_photos(folder: Path) -> float:
    """Return the CPU milliseconds that normalising spends on a photo of 512 pixels."""
    config = SampleConfig(recipes=2 * PHOTOS, photo_size_px=512)
    for number in range(PHOTOS):
        name = f"{number:010x}.jpg"
        path = folder.joinpath("images", "train", *name[:4])
        path.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(photo_at(config, recipe_at(config, number).draw))
    photos = PhotoFolder(folder, 25_000_000, 100_000_000, decode=True)
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for number in range(PHOTOS):
            photos.check(f"{number:010x}.jpg", "train")
        rounds.append((time.process_time() - started) / PHOTOS)
    return 1000 * sorted(rounds)[2]


def run() -> dict[str, object]:
    """Measure and project; return the figures."""
    costs = read_costs()
    with tempfile.TemporaryDirectory() as folder:
        photo_ms = check_photos(Path(folder))
    limits = {cost.stage: cost.fits_millions for cost in costs if cost.fits_millions}
    return {
        "scenarios": project(costs),
        "first_full_stage": min(limits, key=lambda stage: limits[stage]),
        "first_full_millions": round(min(limits.values()), 1),
        "check_photo_ms": round(photo_ms, 2),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="draw the CPU hours into this file")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args()
    cost = measure(run)
    figures = {**cost.value, "peak_rss_mb": round(cost.peak_rss_mb)}
    if options.figure:
        draw(read_costs()).savefig(options.figure, dpi=110, metadata={"Software": None})
    if not options.json:
        for name, scenario in figures["scenarios"].items():
            print(f"{name:42} {scenario}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
