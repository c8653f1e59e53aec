from pathlib import Path

import pytest

from mmpipeline.catalog.labels.title_noise import Chatter
from mmpipeline.catalog.labels.vocabulary import Vocabulary, read_vocabulary, write_vocabulary
from mmpipeline.errors import ArtifactError


def test_round_trip(tmp_path: Path) -> None:
    chatter = {"ko": Chatter(frozenset({"후다닥"})), "en": Chatter(trailing=frozenset({"a", "b"}))}
    vocabulary = Vocabulary(chatter, {"옹심이국": 3})
    write_vocabulary(tmp_path / "v.json", vocabulary)
    assert read_vocabulary(tmp_path / "v.json") == vocabulary


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"chatter": {}, "names": {"a": null}}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_vocabulary(tmp_path / "v.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_vocabulary(tmp_path / "none.json")
