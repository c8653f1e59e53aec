"""The vocabulary that a catalogue learnt from its titles: title noise, and names of dishes.

It is learnt when a catalogue is built over all recipes and kept in the artifact, so that recipes
merged later are labelled by the same words without reading all titles again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmpipeline.catalog.labels.title_noise import TitleNoise
from mmpipeline.errors import ArtifactError
from mmpipeline.storage.atomic import write_json_atomic

LANGUAGES = ("ko", "en")
FORMER_KEY = "chatter"  # of title noise, in catalogues that the next release will not read


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words learnt from titles.

    Attributes
    ----------
    title_noise
        By language.
    names
        Mined names of dishes, and how many titles, copies aside, use each.
    """

    title_noise: Mapping[str, TitleNoise] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write a vocabulary as JSON, in a fixed order."""
    title_noise = {
        language: {"leading": sorted(words.leading), "trailing": sorted(words.trailing)}
        for language, words in vocabulary.title_noise.items()
    }
    write_json_atomic(path, {"title_noise": title_noise, "names": dict(vocabulary.names)})


def read_vocabulary(path: Path) -> Vocabulary:
    """Read what `write_vocabulary` wrote.

    Raises
    ------
    ArtifactError
        If the file is missing or holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
        noise = content["title_noise" if "title_noise" in content else FORMER_KEY]
        title_noise = {
            language: TitleNoise(frozenset(words["leading"]), frozenset(words["trailing"]))
            for language, words in noise.items()
        }
        names = {str(name): int(count) for name, count in content["names"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}; build the catalogue anew") from error
    return Vocabulary(title_noise, names)
