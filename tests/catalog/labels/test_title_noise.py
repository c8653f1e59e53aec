"""TitleNoise is learnt from use; what is a dish, an ingredient, a head or rare stays."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from mmpipeline.catalog.labels.title_noise import DressedTitle, TitleNoise, learn_title_noise

NAMES = [f"{a} {b}" for a in ("red", "odd", "old", "low") for b in ("guk", "jeon", "bap")]
NOTHING = TitleNoise()


def dress(name: str, before: str = "", behind: str = "", ingredients: str = "") -> DressedTitle:
    head = f"{before} {name}".split()
    return DressedTitle([*head, *behind.split()], ingredients, name, len(head))


def test_phrases_are_peeled_word_by_word() -> None:
    titles = [dress(name, "picky eater approved", "you will crave") for name in NAMES]
    assert learn_title_noise(titles, NOTHING) == TitleNoise(
        frozenset({"picky", "eater", "approved"}), frozenset({"you", "will", "crave"})
    )


def test_titles_without_a_known_dish_teach_what_stands_before() -> None:
    titles = [DressedTitle(["lazy", f"head{number}"]) for number in range(9)]
    assert learn_title_noise(titles, NOTHING) == TitleNoise(frozenset({"lazy"}))


def test_what_is_used_otherwise_is_no_chatter() -> None:
    ingredients = [dress(name, "chicken", ingredients="500 g chicken") for name in NAMES]
    inside = [dress(f"{name} summer rolls", "") for name in NAMES]
    outside = [dress(name, "summer") for name in NAMES[:8]]
    one_dish = [dress("red guk", "spicy", "bowl") for _ in range(20)]
    rare = [dress(name, "seldom") for name in NAMES[:7]]
    titles = [*ingredients, *inside, *outside, *one_dish, *rare]
    assert learn_title_noise(titles, NOTHING) == NOTHING


def test_heads_and_what_is_known_are_not_learnt() -> None:
    titles = [dress(name, "easy", "bowl") for name in NAMES]
    known = TitleNoise(frozenset({"easy"}))
    assert learn_title_noise(titles, known) == TitleNoise(trailing=frozenset({"bowl"}))
    assert learn_title_noise(titles, known, frozenset({"bowl"})) == NOTHING


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_titles_does_not_matter(chance: random.Random) -> None:
    titles = [dress(name, "so easy", "again") for name in NAMES]
    titles += [dress(name, "so cozy") for name in NAMES]
    shuffled = titles.copy()
    chance.shuffle(shuffled)
    assert learn_title_noise(shuffled, NOTHING) == learn_title_noise(titles, NOTHING)
