"""The English door: a Recipe1M folder becomes one recipe table and a list of its defects."""

from mmpipeline.sources.recipe1m.json.decoding import BadSpan, Record
from mmpipeline.sources.recipe1m.json.reader import read_array
from mmpipeline.sources.recipe1m.normalise import digest_dump, normalize_dump

__all__ = ["BadSpan", "Record", "digest_dump", "normalize_dump", "read_array"]
