"""Recipes in rings, as arrays: the next ones of a class, and of all others."""

from dataclasses import dataclass

import numpy as np

NOBODY = -1
Array = np.ndarray


@dataclass(frozen=True)
class Ring:
    """Recipes in ring order with their classes; arrays over members in class order."""

    member: Array  # recipes in ring order, ring after ring
    seat_of: Array  # by recipe: position in class order, or NOBODY
    recipe: Array  # by seat
    class_start: Array  # by seat
    class_size: Array  # by seat
    ring_start: Array  # by seat
    ring_size: Array  # by seat
    gap: Array  # by seat

    @classmethod
    def of(cls, recipes: Array, ring: Array, label: Array, count: int) -> "Ring":
        """Arrange recipes (ascending numbers) by ring and class."""
        by_ring = np.argsort(ring, kind="stable")
        place = np.empty(len(recipes), np.int64)
        place[by_ring] = np.arange(len(recipes))
        by_class = np.lexsort((recipes, label, ring))
        _, ring_first, ring_inverse, ring_counts = np.unique(
            ring[by_ring], return_index=True, return_inverse=True, return_counts=True
        )
        of_recipe = np.empty(len(recipes), np.int64)
        of_recipe[by_ring] = ring_inverse
        joint = ring[by_class].astype(np.int64) * (count + 1) + label[by_class]
        _, first, inverse, counts = np.unique(
            joint, return_index=True, return_inverse=True, return_counts=True
        )
        seat_of = np.full(count, NOBODY)
        seat_of[recipes[by_class]] = np.arange(len(recipes))
        start = ring_first[of_recipe[by_class]]
        turn = np.arange(len(recipes)) - first[inverse]
        return cls(
            member=recipes[by_ring],
            seat_of=seat_of,
            recipe=recipes[by_class],
            class_start=first[inverse],
            class_size=counts[inverse],
            ring_start=start,
            ring_size=ring_counts[of_recipe[by_class]],
            gap=place[by_class] - start - turn,
        )

    def siblings(self, anchors: Array, steps: int) -> Array:
        """Return the next recipes of the class, [A, steps]."""
        seat = self.seat_of[anchors][:, None]
        step = np.arange(1, steps + 1)[None]
        start, size = self.class_start[seat], self.class_size[seat]
        found = self.recipe[start + (seat - start + step) % size]
        return np.where((seat >= 0) & (step < size), found, NOBODY)

    def outsiders(self, anchors: Array, steps: int) -> Array:
        """Return the next recipes of other classes, [A, steps]."""
        seat = self.seat_of[anchors][:, None]
        others = (self.ring_size - self.class_size)[seat]
        step = np.arange(steps)[None]
        target = (self.gap[seat] + step) % np.maximum(others, 1)
        width = len(self.recipe) + 1
        passed = np.searchsorted(
            self.class_start * width + self.gap, self.class_start[seat] * width + target, "right"
        )
        place = self.ring_start[seat] + target + passed - self.class_start[seat]
        found = self.member[np.minimum(place, len(self.member) - 1)]
        return np.where((seat >= 0) & (step < others), found, NOBODY)
