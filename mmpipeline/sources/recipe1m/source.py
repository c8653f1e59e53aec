"""The declaration of Recipe1M as a source: a folder that is read where it lies."""

from pathlib import Path
from typing import TYPE_CHECKING

from mmpipeline.config.sources import Recipe1MConfig
from mmpipeline.sources import Reading, Source

if TYPE_CHECKING:
    from mmpipeline.storage.layout import DataLayout


class Recipe1M(Source[Recipe1MConfig]):
    """Recipe1M; its place is a folder with layer1.json, whose state is a digest of its files."""

    kind = "recipe1m"
    title = "Recipe1M"
    prefix = "r1m"
    settings, section = Recipe1MConfig, "recipe1m"
    entries = (
        "mmpipeline.sources.recipe1m.normalise:normalize_dump",
        "mmpipeline.storage.layout:DataLayout",
        "mmpipeline.config.sources:Recipe1MConfig",
    )
    state = "dump"
    flow = "normalize_recipe1m"
    asked_by = ("dump", "sample")
    shown = ("recipes", "photos", "photos_missing", "quarantined")

    def discover(self, place: Path, layout: "DataLayout") -> str:
        """Return the dump's digest and place: photo paths are stored as they lie."""
        from mmpipeline.sources.recipe1m.folder import digest_dump

        return f"{digest_dump(place)} at {layout.relative(place)}"

    def normalise(self, reading: Reading, config: Recipe1MConfig) -> dict[str, float]:
        """Normalise the dump."""
        from mmpipeline.sources.recipe1m.normalise import normalize_dump

        return normalize_dump(
            reading.place, reading.target, reading.layout, config, reading.workers
        )


SOURCE = Recipe1M()
