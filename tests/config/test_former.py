"""Former names of settings are read, and whoever wrote them in a file is told."""

import logging
from pathlib import Path

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate

from flows.train_fusion import train_fusion
from mmpipeline.config import CatalogConfig, FitConfig, PipelineConfig, TrainConfig, load_config
from mmpipeline.config.former import FORMER_NAMES, GONE, use_present_names
from mmpipeline.errors import ConfigError


def settings_of(section: type) -> set[str]:
    """Return the names of all settings of a section and of those within it."""
    names = set(section.model_fields)
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
            names |= settings_of(field.annotation)
    return names


def test_every_former_name_leads_to_a_setting_and_is_none_itself() -> None:
    known = settings_of(PipelineConfig) | set(FitConfig.model_fields)
    assert {*FORMER_NAMES.values(), *GONE.values()} <= known
    assert not {*FORMER_NAMES, *GONE} & known


def test_a_file_with_former_names_is_read_and_each_is_advised_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(
        "[catalog]\nval_share = 0.3\n[train]\nown_dim = 7\nshuffle_labels = true\n"
        "[sample.difficulty]\nstaple_share = 0.5\n"
    )
    with caplog.at_level(logging.WARNING, logger="mmpipeline.run"):
        config = load_config(path)
    assert config.catalog.val_fraction == 0.3
    assert config.train.private_dim == 7
    assert config.sample.difficulty.staple_fraction == 0.5
    advice = "\n".join(caplog.messages)
    assert len(caplog.messages) == 4
    assert "catalog.val_share is called val_fraction now" in advice
    assert "sample.difficulty.staple_share is called staple_fraction now" in advice
    assert "train.shuffle_labels has no effect any more" in advice


def test_present_names_are_read_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text("[catalog]\nval_fraction = 0.3\n")
    assert load_config(path).catalog.val_fraction == 0.3
    assert not caplog.messages


def test_both_names_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text("[catalog]\nval_share = 0.3\nval_fraction = 0.2\n")
    with pytest.raises(ConfigError, match="val_share is the former name of val_fraction"):
        load_config(path)


def test_stored_settings_of_a_former_release_are_understood() -> None:
    stored = CatalogConfig().model_dump() | {"val_share": 0.3}
    del stored["val_fraction"]
    assert CatalogConfig.model_validate(stored).val_fraction == 0.3
    assert TrainConfig.model_validate({"shuffle_labels": False}) == TrainConfig()


def test_a_former_name_of_another_section_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text("[pairs]\nval_share = 0.3\n")
    with pytest.raises(ConfigError, match=r"unknown key 'pairs\.val_share'"):
        load_config(path)


def test_settings_within_a_section_are_compared_under_present_names() -> None:
    stored = {"seed": 1, "difficulty": {"staple_share": 0.6, "habits": 0.9}}
    known = {"seed": 1, "difficulty": {"staple_fraction": 0.6, "habits": 0.9}}
    assert use_present_names(stored, known) == known


def test_what_is_gone_is_unknown_in_other_sections(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text("[serve]\nviews = 3\n")
    with pytest.raises(ConfigError, match=r"unknown key 'serve\.views'"):
        load_config(path)
    path.write_text('[index]\nviews = ["image"]\n')
    assert load_config(path) == PipelineConfig()


def test_prefect_takes_parameters_with_former_names() -> None:
    schema = parameter_schema(train_fusion).model_dump(exclude_unset=True)
    for name in ("warmup_share", "own_dim", "shuffle_labels", "warmup_fraction"):
        validate({"config": {name: 0}}, schema, raise_on_error=True)
    for name in ("val_share", "no_such_setting"):
        with pytest.raises(ValidationError):
            validate({"config": {name: 0}}, schema, raise_on_error=True)
