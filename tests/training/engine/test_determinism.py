import torch

from mmpipeline.training.engine.determinism import determinism, digest_values


def test_torch_is_seeded_inside_and_as_before_outside() -> None:
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    drawn = []
    for _ in range(2):
        with determinism(7):
            assert torch.are_deterministic_algorithms_enabled()
            drawn.append(torch.randn(2))
    assert torch.equal(*drawn)
    assert torch.equal(torch.randn(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_digests_tell_plain_values_apart() -> None:
    assert digest_values({"a": 1, "b": [2]}) == digest_values({"b": [2], "a": 1})
    assert digest_values({"a": 1}) != digest_values({"a": 2})
    assert len(digest_values(None)) == 16
