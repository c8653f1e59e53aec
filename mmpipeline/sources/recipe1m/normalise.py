"""A Recipe1M folder becomes `recipes.parquet` and `quarantine.parquet`.

layer1.json is cut into blocks that worker processes parse, clean and take apart; this process
puts the results in file order, tells duplicate ids, left-joins photos by id and checks them in
threads, so the output never depends on which worker was faster. Only a record without a usable
id, or that cannot be decoded, is withheld; any other bad field becomes missing and leaves a row
in the quarantine table.

Memory: 8 bytes for each id seen, 24 for each record of layer2, 12 for each class, one row group
and a few blocks. A gzip file is unpacked beside the output first.
"""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.parallel.sharing import SharingExecutor
from mmpipeline.parallel.workers import Workers
from mmpipeline.schemas import QUARANTINE_SCHEMA, RECIPE_SCHEMA
from mmpipeline.sources.recipe1m.convert import RecipeBatch, convert_batch
from mmpipeline.sources.recipe1m.folder import open_dump
from mmpipeline.sources.recipe1m.images import ImageLists
from mmpipeline.sources.recipe1m.join import RecipeJoiner
from mmpipeline.sources.recipe1m.json.blocks import Block, parse_block
from mmpipeline.sources.recipe1m.json.stream import BlockWork, read_blocks
from mmpipeline.sources.recipe1m.json.unpack import unpack
from mmpipeline.storage.layout import DataLayout
from mmpipeline.storage.parquet import ParquetSink

_MAX_PROCESSES = 8
_MAX_IN_FLIGHT = 4
_ROW_GROUP_ROWS = 4096  # whole recipes: about 8 MB
_BLOCK_BYTES = 1 << 20  # a block's texts as Python objects take many times the memory
_IN_PROCESS_BYTES = 24 << 20  # below it starting workers costs more than they save


def normalize_dump(
    folder: Path,
    target: Path,
    layout: DataLayout,
    config: Recipe1MConfig,
    workers: Workers | None = None,
) -> dict[str, float]:
    """Read a Recipe1M folder into the common schema.

    Parameters
    ----------
    folder
        Folder with layer1.json, optionally layer2.json or layer2+.json (each may be ``.gz``), and
        photos under ``images/PARTITION/a/b/c/d/ID``, ``PARTITION/a/b/c/d/ID`` or ``a/b/c/d/ID``.
    target
        Folder that gets `recipes.parquet` and `quarantine.parquet`.
    layout
        The data folder, which stored photo paths are relative to.
    config
        Limits.
    workers
        That parse blocks, and see the folder and `target` at the same paths; None takes processes
        of this machine when the file is worth their start. Changes no result.

    Returns
    -------
    dict of str to float
        Records read, recipes written, records withheld, quarantine rows, photos by state,
        recipes by language, repairs.

    Raises
    ------
    InputError
        If the folder or a file is missing, is no JSON array, is cut, or holds too little that is
        usable.
    """
    dump = open_dump(folder)
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=target)))
        lists = [
            stack.enter_context(closing(ImageLists(path, temporary, config.max_record_bytes)))
            for path in dump.image_lists
        ]
        quarantine = stack.enter_context(
            ParquetSink(target / "quarantine.parquet", QUARANTINE_SCHEMA)
        )
        recipes = stack.enter_context(
            ParquetSink(target / "recipes.parquet", RECIPE_SCHEMA, _ROW_GROUP_ROWS)
        )
        pool = stack.enter_context(ThreadPoolExecutor(min(8, os.cpu_count() or 1)))
        joiner = RecipeJoiner(dump, lists, pool, quarantine, config)
        layer1 = unpack(dump.layer1, temporary)
        lent = workers or stack.enter_context(_own_workers(layer1))
        progress = stack.enter_context(
            tqdm(desc="recipes", unit="recipe", disable=None, leave=False, ncols=100)
        )
        work = BlockWork(
            lent.executor,
            convert_block,
            convert_batch,
            lambda batch: batch.records,
            max_in_flight=lent.max_in_flight(_MAX_IN_FLIGHT) if workers else _MAX_IN_FLIGHT,
        )
        batches = read_blocks(
            layer1, work, max_record_bytes=config.max_record_bytes, block_bytes=_BLOCK_BYTES
        )
        for batch in batches:
            recipes.write_table(joiner.join(batch, layout))
            progress.update(batch.records)
            pa.default_memory_pool().release_unused()
        if dump.detected is not None:
            plain = unpack(dump.detected, temporary)
            joiner.add_detected(plain, target / "detected.parquet")
        joiner.check_yield()
    return {name: float(value) for name, value in sorted(joiner.counts.items())}


def convert_block(block: Block) -> RecipeBatch | None:
    """Parse a block and convert its recipes; what workers do.

    Parameters
    ----------
    block
        The block.

    Returns
    -------
    RecipeBatch or None
        None when the block needs the exact reader.
    """
    batch = parse_block(block)
    converted = None if batch is None else convert_batch(batch)
    pa.default_memory_pool().release_unused()  # or every process keeps its largest block's memory
    return converted


@contextmanager
def _own_workers(layer1: Path) -> Iterator[Workers]:
    """Lend this machine's processes, or a thread where they are not worth their start."""
    is_small = layer1.stat().st_size < _IN_PROCESS_BYTES
    processes = 1 if is_small else min(_MAX_PROCESSES, os.cpu_count() or 1)
    with ThreadPoolExecutor(1) if is_small else SharingExecutor(processes) as executor:
        yield Workers(executor, processes)
