"""The layout of the data folder.

One place knows the folder names, so moving a kind of artifact is a change of one line. Of sources
it knows none: whatever kind is not named here is a source's, in a folder called like it. The price:
a misspelt kind is one of which nothing lies here, not an error.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ARTIFACT_FOLDERS = {
    "sample_world": "raw/sample_world",
    "catalog": "processed/catalog",
    "features": "processed/features",
    "pairs": "processed/pairs",
    "model": "models",
    "evaluation": "processed/evaluation",
    "frozen_set": "processed/frozen_set",
    "frozen_scores": "processed/frozen_scores",
    "comparison": "processed/comparison",
    "index": "index/versions",
    "seed_method": "experiment/methods",
    "seed_draw": "experiment/draws",
    "seed_report": "experiment/reports",
}
"""Folder of each kind of artifact but the recipes; its versions are sub-folders named by id."""
RECIPES_FOLDER = "interim"
"""Holds a folder of recipe artifacts for each source, named by its kind."""
ARTIFACT_ID = re.compile(r"[0-9a-f]{16}")
"""Name of a version's folder."""


def folder_of(kind: str) -> str:
    """Return the folder of a kind of artifact, relative to the data folder."""
    return ARTIFACT_FOLDERS.get(kind, f"{RECIPES_FOLDER}/{kind}")


@dataclass(frozen=True, slots=True)
class DataLayout:
    """The data folder and the places in it.

    Attributes
    ----------
    root
        The data folder, absolute.
    """

    root: Path

    @classmethod
    def at(cls, root: Path | str) -> "DataLayout":
        """Return the layout below a folder, which need not exist yet."""
        return cls(Path(root).expanduser().resolve())

    def artifacts(self, kind: str) -> Path:
        """Return the folder that holds the versions of one kind of artifact."""
        return self.root / folder_of(kind)

    def kinds(self) -> list[str]:
        """Return the kinds of artifacts: those of stages, and of recipes those that lie here.

        A source that is no longer installed left its artifacts here all the same.
        """
        folders = (self.root / RECIPES_FOLDER).glob("*/*/")
        recipes = {path.parent.name for path in folders if ARTIFACT_ID.fullmatch(path.name)}
        return [*ARTIFACT_FOLDERS, *sorted(recipes)]

    @property
    def temporary(self) -> Path:
        """Folder of unfinished work; what lies there and nobody holds may be deleted."""
        return self.root / "state" / "tmp"

    @property
    def state(self) -> Path:
        """Folder of databases and settings that live across runs."""
        return self.root / "state"

    def scrape_store(self, site: str) -> Path:
        """Return the append-only store of a scraped site: archive, crawl state, photos."""
        return self.root / "raw" / site

    @property
    def feature_cache(self) -> Path:
        """Folder of what was encoded before, a file an encoder; may be deleted between runs."""
        return self.root / "interim" / "feature_cache"

    @property
    def current_index(self) -> Path:
        """File that names the published index version."""
        return self.root / "index" / "CURRENT"

    def relative(self, path: Path) -> str:
        """Return `path` as it is stored in tables: relative when below the root, else absolute."""
        path = path.resolve()
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def resolve(self, stored: str) -> Path:
        """Return the file that a stored path means; the inverse of `relative`."""
        return self.root / stored
