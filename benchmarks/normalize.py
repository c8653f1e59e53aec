"""Reading Recipe1M: our block reader beside DuckDB's `read_json` on the same file, in one run.

Both decode every record into the same columns and write Parquet with zstd; neither cleans. Each
runs in a process of its own, alternating, and the best of the rounds counts, for the machine is
shared. `full` is the product's own stage: with cleaning, ingredient parsing and language.
"""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.process_cost import Cost, measure
from benchmarks.recipe1m_file import write_layer1
from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.sources.recipe1m.json.blocks import RAW_SCHEMA, RawBatch, parse_block
from mmpipeline.sources.recipe1m.json.stream import BlockWork, read_blocks
from mmpipeline.sources.recipe1m.normalise import normalize_dump
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

_THREADS = 2
_GROWTH_SHARE = 5
_COPY = """
COPY (SELECT * FROM read_json(?, format = 'array', maximum_object_size = 134217728, columns = {
    id: 'VARCHAR', title: 'VARCHAR', ingredients: 'STRUCT("text" VARCHAR)[]',
    instructions: 'STRUCT("text" VARCHAR)[]', partition: 'VARCHAR', url: 'VARCHAR'
})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_DIGEST = """
SELECT count(*), sum(hash(id, title, ingredients, instructions, partition, url)::HUGEINT)
FROM read_parquet(?)
"""


def decode_ours(layer1: Path, target: Path) -> int:
    """Decode and write with the product's reader; return the number of records."""
    with ThreadPoolExecutor(_THREADS) as executor, ParquetSink(target, RAW_SCHEMA) as sink:
        work: BlockWork[RawBatch] = BlockWork(
            executor, parse_block, lambda batch: batch, lambda batch: batch.records
        )
        for batch in read_blocks(layer1, work):
            sink.write_table(batch.table)
    return sink.rows_written


def decode_duckdb(layer1: Path, target: Path) -> int:
    """Decode and write with DuckDB; return the number of records."""
    import duckdb  # not in ours, whose memory is measured

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        sql = _COPY.replace("{target}", str(target))
        [(rows,)] = connection.execute(sql, [str(layer1)]).fetchall()
    return int(rows)


def normalize_fully(folder: Path, target: Path) -> int:
    """Run the whole stage; return the number of recipes."""
    target.mkdir(exist_ok=True)
    counts = normalize_dump(folder, target, DataLayout.at(folder), Recipe1MConfig())
    return int(counts["recipes"])


def run(records: int, rounds: int, folder: Path) -> dict[str, float | bool]:
    """Measure everything.

    Parameters
    ----------
    records
        Records in the large file; the small one has a fifth.
    rounds
        How often each is run.
    folder
        Where to work.

    Returns
    -------
    dict
        The figures.
    """
    small, large = folder / "small" / "layer1.json", folder / "large" / "layer1.json"
    for path, number in ((small, records // _GROWTH_SHARE), (large, records)):
        path.parent.mkdir()
        write_layer1(path, number)
    ours, theirs = folder / "ours.parquet", folder / "duckdb.parquet"
    our_costs, their_costs = [], []
    for _ in range(rounds):
        their_costs.append(measure(decode_duckdb, large, theirs))
        our_costs.append(measure(decode_ours, large, ours))
    same_content = _digest(ours) == _digest(theirs)
    before = measure(decode_ours, small, ours)
    full = measure(normalize_fully, large.parent, folder / "full")
    size_mb = large.stat().st_size / 1e6
    our_cpu, their_cpu = _least(our_costs, "cpu_s"), _least(their_costs, "cpu_s")
    peak = max(cost.peak_rss_mb for cost in our_costs)
    return {
        "records": records,
        "file_mb": size_mb,
        "mb_per_cpu_s": size_mb / our_cpu,
        "duckdb_mb_per_cpu_s": size_mb / their_cpu,
        "ratio_to_duckdb_cpu": their_cpu / our_cpu,
        "ratio_to_duckdb_wall": _least(their_costs, "wall_s") / _least(our_costs, "wall_s"),
        "peak_rss_mb": max(peak, full.peak_rss_mb),
        "duckdb_peak_rss_mb": max(cost.peak_rss_mb for cost in their_costs),
        "rss_growth_mb": peak - before.peak_rss_mb,
        "same_content": same_content,
        "full_mb_per_cpu_s": size_mb / full.cpu_s,
        "full_peak_rss_mb": full.peak_rss_mb,
        "full_wall_s": full.wall_s,
    }


def _least(costs: list[Cost], name: str) -> float:
    return min(float(getattr(cost, name)) for cost in costs)


def _digest(path: Path) -> tuple[int, int]:
    import duckdb

    with duckdb.connect() as connection:
        [(rows, total)] = connection.execute(_DIGEST, [str(path)]).fetchall()
    return int(rows), int(total)


def main(
    records: Annotated[int, typer.Option(min=100)] = 200_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="one line for machines")] = False,
) -> None:
    """Measure the Recipe1M reader beside DuckDB."""
    with tempfile.TemporaryDirectory() as folder:
        figures = run(records, rounds, Path(folder))
    rounded = {key: round(v, 3) if isinstance(v, float) else v for key, v in figures.items()}
    if as_json:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    typer.run(main)
