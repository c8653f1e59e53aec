"""A config is right, or the message says which key is wrong and what is known there."""

from pathlib import Path

import pytest

from mmpipeline.config import PipelineConfig, load_config, load_settings
from mmpipeline.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_file() -> None:
    assert load_config() == PipelineConfig()


def test_a_section_overrides_its_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[train]\nepochs = 3\n[sample.difficulty]\nphoto_noise=0"))
    assert (config.train.epochs, config.sample.difficulty.photo_noise) == (3, 0)
    assert config.catalog == PipelineConfig().catalog


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nepoch = 3", r"unknown key 'train\.epoch' \(known here: .*epochs"),
        ("[sample.difficulty]\nnoise = 0", r"unknown key 'sample\.difficulty\.noise' \(known"),
        ("[training]\nepochs = 3", r"unknown key 'training' \(known here: .*train"),
        ("[train]\nepochs = 0", r"'train\.epochs' = 0: input should be greater"),
        ("[features]\nngram_min = 5\nngram_max = 2", "ngram_min must not exceed"),
        ("[catalog]\nval_share = 0.6\ntest_share = 0.5", "must stay below 1"),
        ("[train\n", "is no TOML"),
        ("[comparison]\nloses = []", r"unknown key 'comparison\.loses' \(known here: .*losses"),
        ("[comparison]\nlosses = ['supcon']", r"'comparison\.losses\.0' = 'supcon': .*info_nce"),
        ("[comparison]\nseeds = [1, 1]", "seeds names something twice: 1, 1"),
        ("[comparison]\nseeds = [1, 2]\nmax_cells = 3", "more than max_cells = 3"),
        (
            "[comparison.feature_sets.small]\ntext_dims = 9",
            r"unknown key 'comparison\.feature_sets\.small\.text_dims' \(known here: .*text_dim",
        ),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: No such file"):
        load_config(tmp_path / "nothing.toml")


def test_the_environment_is_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMPIPELINE_PREFECT_PORT", "80")
    with pytest.raises(ConfigError, match="MMPIPELINE_PREFECT_PORT"):
        load_settings()
    for wrong in ("lots", "0", "-5GB"):
        monkeypatch.setenv("MMPIPELINE_DUCKDB_MEMORY", wrong)
        with pytest.raises(ConfigError, match="MMPIPELINE_DUCKDB_MEMORY"):
            load_settings()
    monkeypatch.setenv("MMPIPELINE_DUCKDB_MEMORY", "500 MB")
    monkeypatch.setenv("MMPIPELINE_PREFECT_PORT", "4321")
    assert load_settings().prefect_port == 4321


@pytest.mark.parametrize(
    "wrong",
    ["*", "*.example.org", "https://a.example", "a.example/path", "user@a.example", "a.example:0",
     "a.example:65536", "a b", "a.example:", "a.example.", "[::1", "::1", "a" * 2001],
)  # fmt: skip
def test_a_wrong_host_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("MMPIPELINE_ALLOWED_HOSTS", f"fine.example, {wrong}")
    with pytest.raises(ConfigError, match="MMPIPELINE_ALLOWED_HOSTS"):
        load_settings()


def test_hosts_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().allowed_hosts == ""
    monkeypatch.setenv("MMPIPELINE_ALLOWED_HOSTS", "A.example, 10.0.0.5:8080,[fd00::5]:1,a_b")
    assert load_settings().allowed_hosts == "a.example, 10.0.0.5:8080,[fd00::5]:1,a_b"
