import pytest

from mmpipeline.errors import ConfigError
from mmpipeline.talk.methods.presets import (
    LADDER,
    LADDER_STEPS,
    TALK_METHODS,
    seed_method,
    shorten,
)


def test_each_step_of_the_ladder_changes_something() -> None:
    configs = list(LADDER.values())
    assert len({config.model_dump_json() for config in configs}) == len(configs)
    assert list(LADDER)[-1] == "ours"
    assert list(LADDER_STEPS) == list(LADDER)[:-1]


def test_every_preset_is_a_valid_config() -> None:
    for config in TALK_METHODS.values():
        assert type(config).model_validate(config.model_dump()) == config


def test_names_are_looked_up_or_listed() -> None:
    assert seed_method("slides_cos").loss == "cosine_pair"
    with pytest.raises(ConfigError, match=r"'mine'; known: slides_euc, .*ours"):
        seed_method("mine")


def test_nothing_is_assumed_exchangeable_with_fixed_axes() -> None:
    config = seed_method("ours_fixed_axes")
    assert not config.virtual.permute
    assert not config.virtual.flip
    assert config.moments is not None
    assert config.moments.dims_apart


def test_shortening_cuts_rounds_alone() -> None:
    ours = seed_method("ours")
    short = shorten(ours, 0.5)
    assert short.moments is not None
    assert ours.moments is not None
    assert short.fit.rounds == ours.fit.rounds // 2
    assert short.moments.fit.rounds == round(ours.moments.fit.rounds / 2)
    assert shorten(ours, 1.0) == ours
    assert shorten(ours, 1e-9).fit.rounds == 1
    with pytest.raises(ValueError, match="more than 0"):
        shorten(ours, 0)
