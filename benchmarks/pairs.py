"""Pair tables: cost, correctness and stability at size, beside numpy and pandas in the same run.

``python -m benchmarks.pairs --recipes 1000000 --dishes 1000 --json``

Every job runs in a process of its own, so that its CPU seconds and its peak memory are its own; a
job's CPU is counted from the start of its work, not of its interpreter. Correctness is counted
from the finished file and the catalogue alone, by other SQL than the one that made it.

What to expect: about three minutes of CPU at a million recipes, and 3 GB of temporary files.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.pairs_catalog import write_catalog
from benchmarks.pairs_peers import numpy_pairs, pandas_pairs
from mmpipeline.config.pairs import PairConfig
from mmpipeline.pairs.build import build_pairs

BLOCKS = 100
PANDAS_ANCHORS = 200
CONFIG = PairConfig()  # 4 positives, 4 negatives, a swap of each sort, 2 hard negatives

AUDIT = """
CREATE TEMP TABLE catalog AS
SELECT
    recipe_id, row_number() OVER ()::INTEGER AS number, split, group_id,
    dish, coalesce(dish_set = 'unknown', false) AS is_held_out
FROM read_parquet('{catalog}');
CREATE TEMP TABLE pair AS
SELECT
    li.number AS li, lt.number AS lt, ri.number AS ri, rt.number AS rt,
    coalesce(li.number, lt.number) AS own, pair.split, pair.label, pair.kind
FROM read_parquet('{pairs}') AS pair
LEFT JOIN catalog AS li ON li.recipe_id = pair.left_image
LEFT JOIN catalog AS lt ON lt.recipe_id = pair.left_text
LEFT JOIN catalog AS ri ON ri.recipe_id = pair.right_image
LEFT JOIN catalog AS rt ON rt.recipe_id = pair.right_text;
"""
COUNTS = {
    "pairs": "SELECT count(*) FROM pair",
    "self_pairs": "SELECT count(*) FROM pair WHERE (li = ri AND lt = rt) OR own IS NULL",
    "duplicate_pairs": "SELECT (SELECT count(*) FROM pair)"
    " - (SELECT count(*) FROM (SELECT DISTINCT li, lt, ri, rt FROM pair))",
    "cross_split_pairs": """
        SELECT count(*)
        FROM pair JOIN catalog AS own ON own.number = pair.own
        LEFT JOIN catalog AS i ON i.number = pair.ri
        LEFT JOIN catalog AS t ON t.number = pair.rt
        WHERE own.split <> pair.split OR i.split <> pair.split OR t.split <> pair.split
            OR (pair.split = 'train' AND (own.is_held_out OR i.is_held_out OR t.is_held_out))""",
    "wrong_labels": """
        SELECT count(*)
        FROM pair JOIN catalog AS own ON own.number = pair.own
        LEFT JOIN catalog AS i ON i.number = pair.ri AND i.number <> own.number
        LEFT JOIN catalog AS t ON t.number = pair.rt AND t.number <> own.number
        WHERE CASE WHEN label = 1
            THEN (i.number IS NOT NULL AND (i.dish = own.dish) IS NOT true)
                OR (t.number IS NOT NULL AND (t.dish = own.dish) IS NOT true)
            ELSE coalesce(i.number, t.number) IS NULL
                OR i.group_id = own.group_id OR t.group_id = own.group_id
                OR i.dish = own.dish OR t.dish = own.dish
                OR (own.dish IS NOT NULL AND i.number IS NOT NULL AND i.dish IS NULL)
                OR (own.dish IS NOT NULL AND t.number IS NOT NULL AND t.dish IS NULL)
            END""",
}
UNCHANGED = """
WITH summed AS (
    SELECT
        version, coalesce(left_image, left_text) AS anchor,
        sum(hash(kind, left_image, left_text, right_image, right_text)::HUGEINT) AS digest
    FROM (
        SELECT 0 AS version, * FROM read_parquet('{before}')
        UNION ALL
        SELECT 1, * FROM read_parquet('{after}')
    )
    GROUP BY version, anchor
)
SELECT count(*) FILTER (after.digest = before.digest) / count(*)
FROM (FROM summed WHERE version = 0) AS before
LEFT JOIN (FROM summed WHERE version = 1) AS after USING (anchor)
"""


def main() -> None:
    """Run the benchmark, or one job of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", type=int, default=1_000_000)
    parser.add_argument("--dishes", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        name, *values = arguments.job
        print(json.dumps(measure(JOBS[name], values)))
        return
    if arguments.recipes < 4 * BLOCKS:
        parser.error(f"--recipes must be at least {4 * BLOCKS}")
    with tempfile.TemporaryDirectory(prefix="pairs-benchmark-") as folder:
        figures = run(Path(folder), arguments.recipes, arguments.dishes)
    if not arguments.json:
        for name, figure in figures.items():
            print(f"{name:24} {figure}")
    print(json.dumps(figures))


def run(folder: Path, recipes: int, dishes: int) -> dict[str, float]:
    """Measure everything at `recipes`; growth also at a quarter and a half."""
    rows = recipes // BLOCKS
    catalogs = {
        "quarter": (BLOCKS // 4, 0),
        "half": (BLOCKS // 2, 0),
        "full": (BLOCKS, 0),
        "shuffled": (BLOCKS, 1),
        "grown": (BLOCKS + 1, 0),
    }
    built = {}
    for name, (blocks, shuffled) in catalogs.items():
        start_job("write", folder / name, rows, blocks, dishes, shuffled)
        built[name] = start_job("build", folder / name, 1 if shuffled else 2)
        say(f"{name}: {blocks * rows} recipes", built[name])
    audit = start_job("audit", folder / "full")
    (folder / "numpy").mkdir()
    by_numpy = start_job("numpy", folder / "full", folder / "numpy")
    say("numpy, same pairs, same writer", by_numpy)
    by_pandas = start_job("pandas", folder / "full", PANDAS_ANCHORS)
    say(f"pandas, {PANDAS_ANCHORS} anchors", by_pandas)
    ours = built["full"]
    same = digest(folder / "full") == digest(folder / "numpy")
    print(
        f"numpy's file is the same to the byte: {same}; choosing alone took it "
        f"{by_numpy['choose_s']:.2f} CPU s",
        file=sys.stderr,
    )
    ours_per_pair = ours["cpu_s"] / audit["pairs"]
    return {
        "pairs": audit["pairs"],
        "cpu_s": round(ours["cpu_s"], 2),
        "peak_rss_mb": round(max(job["peak_rss_mb"] for job in built.values())),
        "digest_equal": digest(folder / "full") == digest(folder / "shuffled"),
        **{name: audit[name] for name in COUNTS if name != "pairs"},
        "ratio_to_numpy_cpu": round(ours_per_pair / (by_numpy["cpu_s"] / by_numpy["result"]), 2),
        "ratio_to_numpy_choosing_cpu": round(
            ours_per_pair / (by_numpy["choose_s"] / by_numpy["result"]), 2
        ),
        "ratio_to_pandas_cpu": round(by_pandas["work_s"] / by_pandas["result"] / ours_per_pair, 1),
        "unchanged_anchors": round(
            start_job("unchanged", folder / "full", folder / "grown")["result"], 4
        ),
        "growth": round(ours["cpu_s"] / (4 * built["quarter"]["cpu_s"]), 3),
    }


def say(title: str, job: dict[str, float]) -> None:
    """Tell on the error stream what a job took."""
    memory = round(job["peak_rss_mb"])
    print(f"{title:40} {job['cpu_s']:7.2f} CPU s {memory:6} MB", file=sys.stderr, flush=True)


def start_job(name: str, *values: object) -> dict[str, float]:
    """Run one job in a process of its own and return what it measured."""
    command = [sys.executable, "-m", "benchmarks.pairs", "--job", name, *map(str, values)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(lines.splitlines()[-1])
    return figures


def measure(work: Callable[..., float | dict[str, float]], values: list[str]) -> dict[str, float]:
    """Do a job in this process; return its CPU seconds, its peak memory, and its result."""
    start = time.process_time()
    result = work(*values)
    figures = result if isinstance(result, dict) else {"result": result}
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"cpu_s": time.process_time() - start, "peak_rss_mb": peak_kb / 1024, **figures}


def build(folder: str, threads: str) -> float:
    """Make the pairs with the library."""
    path = Path(folder)
    counts = build_pairs(path, path, CONFIG, path / "tmp", "1GB", int(threads))
    return counts["pairs"]


def write(folder: str, rows: str, blocks: str, dishes: str, shuffled: str) -> float:
    """Write a catalogue."""
    write_catalog(Path(folder), int(rows), int(blocks), int(dishes), bool(int(shuffled)))
    return 0


def audit(folder: str) -> dict[str, float]:
    """Count what must not be there."""
    path = Path(folder)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = '3GB'")
        connection.execute(f"SET temp_directory = '{path / 'tmp'}'")
        connection.execute(
            AUDIT.format(catalog=path / "recipes.parquet", pairs=path / "pairs.parquet")
        )
        return {
            name: (connection.execute(query).fetchone() or (0,))[0]
            for name, query in COUNTS.items()
        }


def unchanged(before: str, after: str) -> float:
    """Return the share of anchors that keep every pair."""
    query = UNCHANGED.format(before=f"{before}/pairs.parquet", after=f"{after}/pairs.parquet")
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET memory_limit = '3GB'")
        connection.execute(f"SET temp_directory = '{before}/tmp'")
        return float((connection.execute(query).fetchone() or (0,))[0])


def by_numpy(folder: str, target: str) -> dict[str, float]:
    """Make the pairs with numpy."""
    return numpy_pairs(Path(folder), Path(target), CONFIG)


def by_pandas(folder: str, anchors: str) -> dict[str, float]:
    """Make the pairs of some anchors with pandas."""
    return pandas_pairs(Path(folder), CONFIG, int(anchors))


def digest(folder: Path) -> str:
    """Return the sha256 of the pair table in a folder."""
    with (folder / "pairs.parquet").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


JOBS: dict[str, Callable[..., float | dict[str, float]]] = {
    "write": write,
    "build": build,
    "audit": audit,
    "unchanged": unchanged,
    "numpy": by_numpy,
    "pandas": by_pandas,
}

if __name__ == "__main__":
    main()
