import random

from hypothesis import given
from hypothesis import strategies as st

from mmpipeline.catalog.duplicates.copies import group_copies

_names = st.integers(0, 12).map(lambda number: f"10k:{number}")


def test_the_oldest_member_names_the_group() -> None:
    pairs = [("10k:999", "10k:1000"), ("10k:1000", "r1m:00aa"), ("r1m:1", "r1m:2")]
    assert group_copies(pairs) == {
        "10k:999": "10k:999",
        "10k:1000": "10k:999",
        "r1m:00aa": "10k:999",
        "r1m:1": "r1m:1",
        "r1m:2": "r1m:1",
    }


def test_no_pairs() -> None:
    assert group_copies([]) == {}


@given(st.lists(st.tuples(_names, _names), max_size=12), st.randoms())
def test_groups_are_connected_and_independent_of_order(
    pairs: list[tuple[str, str]], rng: random.Random
) -> None:
    groups = group_copies(pairs)
    for left, right in pairs:
        assert groups[left] == groups[right]
    shuffled = [pair if rng.random() < 0.5 else pair[::-1] for pair in pairs]
    rng.shuffle(shuffled)
    assert list(group_copies(shuffled).items()) == list(groups.items())
    # Nothing is joined without a chain of pairs: flood from each group's name.
    for name in set(groups.values()):
        reached = {name}
        while grown := {n for pair in pairs if reached & set(pair) for n in pair} - reached:
            reached |= grown
        assert reached == {member for member, group in groups.items() if group == name}


def test_a_long_chain_is_no_trouble() -> None:
    chain = [(f"10k:{n}", f"10k:{n + 1}") for n in range(20_000)]
    assert set(group_copies(reversed(chain)).values()) == {"10k:0"}
