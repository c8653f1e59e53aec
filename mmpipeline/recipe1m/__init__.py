"""The English door: a Recipe1M folder becomes one recipe table and a list of its defects."""

from mmpipeline.recipe1m.normalise import digest_dump, normalize_dump
from mmpipeline.recipe1m.reader import BadSpan, Record, read_array

__all__ = ["BadSpan", "Record", "digest_dump", "normalize_dump", "read_array"]
