from pathlib import Path

import pytest

from mmpipeline.catalog.labels.title_noise import TitleNoise
from mmpipeline.catalog.labels.vocabulary import Vocabulary, read_vocabulary, write_vocabulary
from mmpipeline.errors import ArtifactError


def test_round_trip(tmp_path: Path) -> None:
    title_noise = {
        "ko": TitleNoise(frozenset({"후다닥"})),
        "en": TitleNoise(trailing=frozenset({"a", "b"})),
    }
    vocabulary = Vocabulary(title_noise, {"옹심이국": 3})
    write_vocabulary(tmp_path / "v.json", vocabulary)
    assert read_vocabulary(tmp_path / "v.json") == vocabulary


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"chatter": {}, "names": {"a": null}}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_vocabulary(tmp_path / "v.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_vocabulary(tmp_path / "none.json")


def test_a_file_of_a_former_release_is_read(tmp_path: Path) -> None:
    vocabulary = Vocabulary({"ko": TitleNoise(frozenset({"후다닥"}))}, {"옹심이국": 3})
    write_vocabulary(tmp_path / "v.json", vocabulary)
    text = (tmp_path / "v.json").read_text("utf-8").replace("title_noise", "chatter")
    (tmp_path / "v.json").write_text(text, "utf-8")
    assert read_vocabulary(tmp_path / "v.json") == vocabulary
