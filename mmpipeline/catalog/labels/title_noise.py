"""Words that dress a title and name nothing, learnt from the titles themselves.

Nobody can list what cooks write around a dish: "퇴근 후 후다닥", "picky eater approved". Such words
give themselves away by how they are used: nearly always at the edge of a title, or next to the
edge when what stands outside is noise too; beside many different dishes; never alone; and not
among the ingredients of their own recipe, which tells "lazy" from "chicken". Each round peels what
the rounds before left at the edges, so that a phrase of several words goes word by word.

Before a name the dish is the dictionary's, or else the last word, the head in both languages.
Behind one only titles with a known dish count, where it is certain that the name has ended: in
"janchi guksu" and "bibim guksu" the last word, though beside many others, is the name.

What is rare cannot be judged and stays; a qualifier that goes with everything ("spicy") is taken
for noise, which is what a dish label wants.

References
----------
Z. S. Harris, "From phoneme to morpheme", Language 31 (1955): a boundary is where the variety of
successors is high; here the variety is the perplexity of the dishes, exp(-sum p ln p).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_ROUNDS = 6
_FEWEST_TITLES = 8
_LEAST_EDGE_SHARE = 0.9
_LEAST_PERPLEXITY = 6.0
_MOST_INGREDIENT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class TitleNoise:
    """What may be taken off the two ends of a title.

    Attributes
    ----------
    leading, trailing
        Words that are noise before and behind a name.
    """

    leading: frozenset[str] = frozenset()
    trailing: frozenset[str] = frozenset()


@dataclass(slots=True)
class DressedTitle:
    """A title to learn from.

    Attributes
    ----------
    words
        Folded.
    ingredients
        The folded ingredient lines of its recipe.
    dish
        The dish that the dictionary found in it; None when it found none.
    name_end
        How many words there are up to the end of the dish's name; 0 without a dish.
    """

    words: list[str]
    ingredients: str = ""
    dish: str | None = None
    name_end: int = 0


@dataclass(slots=True)
class _Usage:
    """How the words at one edge are used."""

    edges: Counter[str] = field(default_factory=Counter)
    in_ingredients: Counter[str] = field(default_factory=Counter)
    dishes: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, word: str, dish: str | None, ingredients: str) -> None:
        self.edges[word] += 1
        self.in_ingredients[word] += word in ingredients
        if dish is not None:
            self.dishes[word][dish] += 1

    def find_title_noise(self, edge_shares: Mapping[str, float]) -> set[str]:
        return {
            word
            for word, dishes in self.dishes.items()
            if dishes.total() >= _FEWEST_TITLES
            and edge_shares[word] >= _LEAST_EDGE_SHARE
            and self.in_ingredients[word] <= _MOST_INGREDIENT_SHARE * self.edges[word]
            and _perplexity(dishes) >= _LEAST_PERPLEXITY
        }


def learn_title_noise(
    titles: Iterable[DressedTitle], known: TitleNoise, heads: frozenset[str] = frozenset()
) -> TitleNoise:
    """Learn which words are noise.

    Parameters
    ----------
    titles
        Titles of one language.
    known
        TitleNoise that is known beforehand.
    heads
        Words that head a name ("soup"); never noise behind one.

    Returns
    -------
    TitleNoise
        The words learnt, without those known; the order of titles does not matter.
    """
    rows = [(title, _Span(0, len(title.words))) for title in titles if title.words]
    counts = Counter(word for title, _ in rows for word in set(title.words))
    leading, trailing = set(known.leading), set(known.trailing)
    for _ in range(_ROUNDS):
        before, behind = _Usage(), _Usage()
        for title, span in rows:
            span.peel(title.words, leading, trailing)
            if span.stop - span.start > 1:
                first, last = title.words[span.start], title.words[span.stop - 1]
                before.count(first, title.dish or last, title.ingredients)
                is_behind = title.dish is not None and span.stop > title.name_end
                behind.count(last, title.dish if is_behind else None, title.ingredients)
        edges = before.edges + behind.edges
        shares = {word: count / counts[word] for word, count in edges.items()}
        found = before.find_title_noise(shares) - leading
        found_behind = behind.find_title_noise(shares) - trailing - heads
        if not found and not found_behind:
            break
        leading |= found
        trailing |= found_behind
    return TitleNoise(frozenset(leading - known.leading), frozenset(trailing - known.trailing))


@dataclass(slots=True)
class _Span:
    """What is left of a title."""

    start: int
    stop: int

    def peel(self, words: list[str], leading: set[str], trailing: set[str]) -> None:
        while self.stop > self.start and words[self.stop - 1] in trailing:
            self.stop -= 1
        while self.start < self.stop and words[self.start] in leading:
            self.start += 1


def _perplexity(counts: Counter[str]) -> float:
    total = counts.total()
    return math.exp(-sum(n / total * math.log(n / total) for n in counts.values()))
