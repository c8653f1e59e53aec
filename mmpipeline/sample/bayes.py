"""The Bayes bound of the sample world: how well anybody could name the dish.

The posterior over dishes is computed with the very densities the recipes were drawn from, so its
accuracy is the best that any method can reach, up to the sampling error of the estimate. For
text the bound is exact: wording, cooks and their habits are drawn independently of the dish. For
photos the oracle sees what is drawn (colour, form, vessel, and how many pieces of each component;
an amount too small to be drawn tells no more than that), and not the pixels. Pieces that cover one
another, light, crop, clutter and pixel noise can only hide it, so the figure stays a bound, though
one that pixels do not reach.
"""

import math
from dataclasses import dataclass

import numpy as np

from mmpipeline.arrays import Float64Array
from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.photos.painting import count_pieces
from mmpipeline.sample.world.densities import MAX_PIECES, MENTION_CHANCE, UNSEEN, World, world_of
from mmpipeline.sample.world.dishes import load_pantry
from mmpipeline.sample.world.draws import RecipeDraw, components_present, draw_recipe

_LOG_NEVER = -600.0
"""Log-chance of what cannot be: finite, so that sums stay numbers."""


def oracle_bound(config: SampleConfig, sample_size: int = 1000) -> dict[str, float]:
    """Estimate the accuracy of the Bayes-optimal dish classifier.

    Parameters
    ----------
    config
        The world.
    sample_size
        Recipes drawn for the estimate, from the first on; its standard error is about
        ``sqrt(p (1 - p) / sample_size)``.

    Returns
    -------
    dict of str to float
        Accuracy in 0..1 given ``title``, ``ingredients``, ``instructions``, ``image``, each over
        the recipes that have it, and given ``all`` that a recipe has, over all recipes.
    """
    likelihoods = _Likelihoods.of(world_of(config))
    hits: dict[str, list[bool]] = {}
    for index in range(sample_size):
        draw = draw_recipe(config, index)
        for name, score in likelihoods.score(draw).items():
            hits.setdefault(name, []).append(int(np.argmax(score)) == draw.dish)
    return {name: float(np.mean(values)) for name, values in hits.items()}


@dataclass(frozen=True)
class _Likelihoods:
    """Log-likelihood tables; each method returns D values for one recipe."""

    world: World
    log_in: Float64Array
    log_out: Float64Array
    log_mentioned: Float64Array
    log_silent: Float64Array
    log_seen: Float64Array
    log_unseen: Float64Array
    log_seen_silent: Float64Array
    log_unseen_silent: Float64Array
    log_pieces: Float64Array
    log_pieces_beside: Float64Array

    @classmethod
    def of(cls, world: World) -> "_Likelihoods":
        said = world.inclusion * MENTION_CHANCE
        silent = world.inclusion * (1 - MENTION_CHANCE) / (1 - said)
        return cls(
            world, np.log(world.inclusion), np.log1p(-world.inclusion), np.log(said),
            np.log1p(-said), *_component_chances(world, world.inclusion),
            *_component_chances(world, silent), _piece_chances(world, world.always),
            _piece_chances(world, world.always + world.present),
        )  # fmt: skip

    def score(self, draw: RecipeDraw) -> dict[str, Float64Array]:
        scores = {"title": self.title(draw)}
        total = scores["title"]
        if draw.has_ingredients:
            scores["ingredients"] = self.ingredients(draw)
            total = total + scores["ingredients"]
        if draw.has_steps:
            scores["instructions"] = self.steps(draw) + self.mentions(draw)
            # Given the ingredients, which of them are mentioned says nothing about the dish.
            total = total + self.steps(draw)
            total = total if draw.has_ingredients else total + self.mentions(draw)
        if draw.has_photo:
            scores["image"] = self.look(draw) + self.amounts(draw)
            total = total + self.look(draw)
            total = total + self._amounts_beside_text(draw)
        return {**scores, "all": total}

    def title(self, draw: RecipeDraw) -> Float64Array:
        world = self.world
        if draw.is_named:  # no name or misspelling belongs to two dishes
            return np.where(np.arange(len(world.dishes)) == draw.dish, 0.0, -np.inf)
        first, *rest = draw.cues
        score = np.log(world.cue[:, first])
        for second in rest:  # the second is drawn from what the first left
            score = score + np.log(world.cue[:, second]) - np.log1p(-world.cue[:, first])
        taste = np.log(world.taste[:, draw.taste])
        total: Float64Array = score + taste + np.log(world.family[:, draw.method])
        return total

    def ingredients(self, draw: RecipeDraw) -> Float64Array:
        score: Float64Array = np.where(draw.included, self.log_in, self.log_out).sum(axis=1)
        return score

    def mentions(self, draw: RecipeDraw) -> Float64Array:
        score: Float64Array = np.where(draw.mentioned, self.log_mentioned, self.log_silent).sum(
            axis=1
        )
        return score

    def steps(self, draw: RecipeDraw) -> Float64Array:
        with np.errstate(divide="ignore"):
            signature = np.log(self.world.signature[:, draw.signature])
        score: Float64Array = signature + np.log(self.world.family[:, draw.cook])
        return score

    def look(self, draw: RecipeDraw) -> Float64Array:
        world = self.world
        colour = -((draw.base - world.base) ** 2).sum(axis=1) / (2 * world.base_spread**2)
        kind = np.log(world.form[:, draw.form]) + np.log(world.vessel[:, draw.vessel])
        score: Float64Array = colour + kind
        return score

    def amounts(self, draw: RecipeDraw) -> Float64Array:
        """Marginalise over which components the unknown ingredients show."""
        return self._mixture(draw, self.log_seen, self.log_unseen)

    def _amounts_beside_text(self, draw: RecipeDraw) -> Float64Array:
        """Score the amounts given what the text already told about the ingredients."""
        if not draw.has_ingredients and not draw.has_steps:
            return self.amounts(draw)
        told = draw.included if draw.has_ingredients else draw.mentioned
        shown = components_present(self.world, told)
        seen, unseen = self._never(), np.zeros_like(self.log_unseen)
        if not draw.has_ingredients:  # what the steps pass over may still be there
            seen, unseen = self.log_seen_silent, self.log_unseen_silent
        return self._mixture(
            draw, np.where(shown, 0.0, seen), np.where(shown, self._never(), unseen)
        )

    def _mixture(
        self, draw: RecipeDraw, log_seen: Float64Array, log_unseen: Float64Array
    ) -> Float64Array:
        components = load_pantry().components
        counts = [
            count_pieces(float(amount), component.pieces)
            for amount, component in zip(draw.amounts, components, strict=True)
        ]
        drawn = counts, slice(None), np.arange(len(components))
        without = self.log_pieces[drawn].T + log_unseen
        with_it = self.log_pieces_beside[drawn].T + log_seen
        score: Float64Array = np.logaddexp(without, with_it).sum(axis=1)
        return score

    def _never(self) -> Float64Array:
        return np.full_like(self.log_unseen, _LOG_NEVER)


def _component_chances(world: World, chance: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return D x K log-chances that a component is shown, and that it is not."""
    unseen = np.zeros_like(world.always)
    for component in range(unseen.shape[1]):
        shows = world.component_of == component
        unseen[:, component] = np.log1p(-chance[:, shows]).sum(axis=1)
    seen = np.log(np.maximum(-np.expm1(unseen), np.exp(_LOG_NEVER)))
    return seen, unseen


def _piece_chances(world: World, mean: Float64Array) -> Float64Array:
    """Return (MAX_PIECES + 1) x D x K log-chances of numbers of pieces, given mean amounts."""
    pieces = np.array([component.pieces for component in load_pantry().components])
    edges = UNSEEN + (np.arange(MAX_PIECES)[:, None, None] + 0.5) / pieces
    below = _standard_normal((edges - mean) / world.amount_spread)
    ends = np.zeros((1, *mean.shape)), np.ones((1, *mean.shape))
    chance = np.diff(np.concatenate([ends[0], below, ends[1]]), axis=0)
    table: Float64Array = np.log(np.maximum(chance, np.exp(_LOG_NEVER)))
    return table


def _standard_normal(values: Float64Array) -> Float64Array:
    """Return the chance that a standard normal draw is below each value."""
    tails = np.array([math.erfc(-value / math.sqrt(2)) for value in values.ravel()])
    return tails.reshape(values.shape) / 2
