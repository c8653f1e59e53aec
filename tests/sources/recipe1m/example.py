"""A small input of the source: the dump of the sample world, with its defects."""

from pathlib import Path

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import write_recipe1m_dump


def write_example(folder: Path) -> Path:
    """Fill a folder with an input in which something is wrong; return its place."""
    write_recipe1m_dump(folder / "dump", SampleConfig(recipes=60))
    return folder / "dump"
