"""layer1.json as batches in file order, parsed on all cores.

Blocks are handed to an executor before it is known that they hold whole records. When one does
not, the exact reader takes over at its start, where a record is known to begin, and reads to
the first record behind its end; what was parsed ahead is dropped unless a block starts just
there. So the batches hold what the exact reader alone would have found.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from mmpipeline.sources.recipe1m.json.blocks import (
    Block,
    RawBatch,
    Separator,
    learn_separator,
    make_batch,
    plan_block,
)
from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record
from mmpipeline.sources.recipe1m.json.reader import BLOCK_BYTES, read_array
from mmpipeline.sources.recipe1m.json.records import RawRecipe

T = TypeVar("T")

_EXACT_RECORDS = 1024


@dataclass(frozen=True, slots=True)
class BlockWork(Generic[T]):
    """What is done with the recipes of a file, twice: block by block, and batch by batch.

    Attributes
    ----------
    executor
        Where blocks are parsed.
    on_block
        Parses a block and goes on with it; None sends the block to the exact reader. For an
        executor of processes it must be a function of a module.
    on_batch
        The same for a batch of the exact reader.
    count
        How many records a result stands for.
    max_in_flight
        Blocks parsed in advance.
    """

    executor: Executor
    on_block: Callable[[Block], T | None]
    on_batch: Callable[[RawBatch], T]
    count: Callable[[T], int]
    max_in_flight: int = 3


def read_blocks(
    path: Path,
    work: BlockWork[T],
    *,
    max_record_bytes: int = 128 << 20,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[T]:
    """Read an array of recipes, and do the work on all of it.

    Parameters
    ----------
    path
        A plain file.
    work
        What to do.
    max_record_bytes
        A longer record is withheld.
    block_bytes
        How much is parsed at once.

    Yields
    ------
    T
        Results in file order.

    Raises
    ------
    InputError
        If the file is missing, is no JSON array, or the array is empty.
    TruncatedInputError
        If the file ends before the array does.
    """
    stream = _Stream(path, work, max_record_bytes, min(block_bytes, max_record_bytes))
    yield from stream.run()


class _Stream(Generic[T]):
    def __init__(
        self, path: Path, work: BlockWork[T], max_record_bytes: int, block_bytes: int
    ) -> None:
        self._path = path
        self._work = work
        self._max_record_bytes = max_record_bytes
        self._block_bytes = block_bytes
        self._separator: Separator | None = None
        self._records = 0
        self._position: int | None = None  # where the next record starts; None: behind the array
        self._planned: int | None = None
        self._queue: deque[tuple[Block, Future[T | None]]] = deque()

    def run(self) -> Iterator[T]:
        yield from self._read_exactly(start=None, end=1)
        self._planned = self._position
        try:
            while self._position is not None:
                yield from self._step(self._position)
        finally:
            for _, future in self._queue:
                future.cancel()

    def _step(self, position: int) -> Iterator[T]:
        """Get on by one block, or by a stretch read exactly."""
        self._submit()
        if not self._queue:
            yield from self._read_exactly((position, self._records), position + self._block_bytes)
            self._planned = self._position
            return
        block, future = self._queue.popleft()
        result = future.result()
        if result is not None:
            self._records += self._work.count(result)
            self._position = block.next_start
            yield result
            return
        yield from self._read_exactly((position, self._records), block.end)
        if self._position != block.next_start:
            for _, stale in self._queue:
                stale.cancel()
            self._queue.clear()
            self._planned = self._position

    def _submit(self) -> None:
        while self._planned is not None and len(self._queue) < self._work.max_in_flight:
            if self._separator is None:
                return
            block = plan_block(
                self._path,
                self._planned,
                self._separator,
                self._block_bytes,
                self._max_record_bytes,
            )
            if block is None:
                return
            self._queue.append((block, self._work.executor.submit(self._work.on_block, block)))
            self._planned = block.next_start

    def _read_exactly(self, start: tuple[int, int] | None, end: int) -> Iterator[T]:
        """Read up to the first record that starts at `end` or behind it, and stand there."""
        items = read_array(
            self._path, RawRecipe, max_record_bytes=self._max_record_bytes, start=start
        )
        found: list[Record[RawRecipe] | BadSpan] = []
        self._position = None
        for item in items:
            if isinstance(item, Record):
                if item.offset >= end and (found or start is not None):
                    self._position = item.offset
                    break
                self._separator = self._separator or learn_separator(
                    self._path, item.offset, item.length
                )
            found.append(item)
            if len(found) >= _EXACT_RECORDS:
                yield self._flush(found)
        items.close()
        if found:
            yield self._flush(found)

    def _flush(self, found: list[Record[RawRecipe] | BadSpan]) -> T:
        self._records += sum(isinstance(item, Record) for item in found)
        result = self._work.on_batch(make_batch(found))
        found.clear()
        return result
