import dataclasses

import pytest

from mmpipeline.features.encoders.descriptors import CARD


def test_a_card_is_data_and_cannot_change() -> None:
    assert set(dataclasses.asdict(CARD)) >= {"name", "version", "dim", "licence", "languages"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        CARD.name = "other"  # type: ignore[misc]
