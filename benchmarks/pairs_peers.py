"""The same pairs by numpy, in full, and by pandas, on a sample: what the benchmark compares with.

The numpy peer follows the same rules on arrays in memory and names the pairs with the library's
own writer, so it differs from the library in the choosing only, and its file must be the same to
the byte. The pandas peer does what one would write first: merge anchors with their dish, draw, and
reject.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.pairs_rings import NOBODY, Array, Ring
from mmpipeline.config.pairs import PairConfig
from mmpipeline.pairs.table import ROW_GROUP_PAIRS, PairNames, cut_between_anchors, write_named
from mmpipeline.schemas import SPLITS

KINDS = (
    "positive_recipe",
    "positive_dish",
    "negative_both",
    "negative_image",
    "negative_text",
    "negative_hard",
)
LABELS = (1, 1, 0, 0, 0, 0)
FIRST_SLOTS = (0, 1, 65, 129, 145, 161)


@dataclass(frozen=True)
class Recipes:
    """Columns of the usable recipes in ring order, and the ingredient lines of the catalogue."""

    table: pa.Table
    split: Array
    dish: Array  # NOBODY where there is none
    language: Array
    copies: Array
    is_whole: Array
    line_recipe: Array
    line_name: Array


def numpy_pairs(catalog: Path, target: Path, config: PairConfig) -> dict[str, float]:
    """Write the same pair table as the library.

    Returns
    -------
    dict of str to float
        `result`: pairs made; `choose_s`: CPU seconds for choosing them, without reading,
        hashing and writing.
    """
    recipes = _read_recipes(catalog, config.seed)
    start = time.process_time()
    slots = _choose(recipes, config)
    choose_s = time.process_time() - start
    anchor, column = np.nonzero(slots["partner"] != NOBODY)
    partner = slots["partner"][anchor, column].astype(np.int32)
    slot = slots["slot"][column]
    anchor = anchor.astype(np.int32)
    weight = _weigh(recipes, np.unique(anchor), config.class_balance)
    table = recipes.table.append_column("weight", pa.array(weight))
    kinds = pa.table({"kind": KINDS, "label": LABELS, "first_slot": FIRST_SLOTS})
    names = PairNames(table, kinds)
    chosen = pa.table({"anchor": anchor, "partner": partner, "slot": slot})
    batches = chosen.to_batches(max_chunksize=ROW_GROUP_PAIRS)
    reader = pa.RecordBatchReader.from_batches(chosen.schema, batches)
    write_named(target / "pairs.parquet", names, cut_between_anchors(reader))
    return {"result": len(anchor), "choose_s": choose_s}


def _read_recipes(catalog: Path, seed: int) -> Recipes:
    columns = (
        *("recipe_id", "dish", "dish_set", "split", "language", "group_id", "title"),
        *("ingredients.list.element.name", "images.list.element.id"),
    )
    file = pq.ParquetFile(catalog / "recipes.parquet")
    table = file.read(columns=list(columns)).combine_chunks()
    split = _codes(table["split"], SPLITS)
    dish_words = _words(table["dish"])
    dish = _codes(table["dish"], dish_words)
    language = _codes(table["language"], _words(table["language"]))
    salt = f"{seed}:".encode()
    names = table["recipe_id"].to_pylist()
    digests = b"".join([hashlib.md5(salt + name.encode()).digest() for name in names])
    key = np.frombuffer(digests, "<u8")[::2].copy()
    photos = table["images"].combine_chunks()
    has_image = photos.value_lengths().to_numpy() > 0
    lines = table["ingredients"].combine_chunks()
    counts = lines.value_lengths().to_numpy()
    has_text = table["title"].is_valid().to_numpy() | (counts > 0)
    held_out = np.asarray(pc.fill_null(pc.equal(table["dish_set"], "unknown"), False))
    usable = np.flatnonzero((has_image | has_text) & ~((split == 0) & held_out))
    order = usable[np.lexsort((key[usable], split[usable]))]
    number = np.full(table.num_rows, NOBODY)
    number[order] = np.arange(len(order))
    line_recipe = np.repeat(number, counts)
    line_name = np.asarray(lines.flatten().field("name").dictionary_encode().indices)
    group = np.asarray(table["group_id"].combine_chunks().dictionary_encode().indices)[order]
    first = np.full(table.num_rows, len(order))
    np.minimum.at(first, group, np.arange(len(order)))
    rows = pa.table({
        "recipe_id": table["recipe_id"].take(pa.array(order)),
        "dish": table["dish"].take(pa.array(order)),
        "split": table["split"].take(pa.array(order)),
        "language": table["language"].take(pa.array(order)),
        "place_key": pa.array(key[order]),
        "has_image": pa.array(has_image[order]),
        "has_text": pa.array(has_text[order]),
    })
    return Recipes(
        table=rows,
        split=split[order],
        dish=dish[order],
        language=language[order],
        copies=first[group],
        is_whole=(has_image & has_text)[order],
        line_recipe=line_recipe[line_recipe >= 0],
        line_name=line_name[line_recipe >= 0],
    )


def _codes(column: pa.ChunkedArray, words: Sequence[str]) -> Array:
    encoded = column.combine_chunks().dictionary_encode()
    position = {word: number for number, word in enumerate(words)}
    known = np.array([position[word] for word in encoded.dictionary.to_pylist()], np.int64)
    return np.where(
        column.is_valid().to_numpy(), known[np.asarray(encoded.indices.fill_null(0))], NOBODY
    )


def _choose(recipes: Recipes, config: PairConfig) -> dict[str, Array]:
    """Return partners [N, slots] by recipe and the slot of each column."""
    count = len(recipes.split)
    everyone = np.arange(count)
    labelled = everyone[recipes.dish >= 0]
    by_dish = Ring.of(labelled, recipes.split[labelled], recipes.dish[labelled], count)
    siblings = by_dish.siblings(everyone, config.positives)
    is_anchor = recipes.is_whole | (siblings[:, 0] >= 0)
    hard = _choose_hard(recipes, by_dish, config)
    plain = np.full((count, config.negatives), NOBODY)
    swaps = max(config.image_swaps, config.text_swaps)
    swap = np.full((count, swaps), NOBODY)
    plain_steps = config.negatives + config.hard_negatives
    for is_labelled in (True, False):
        chosen = everyone[is_anchor & ((recipes.dish >= 0) == is_labelled)]
        member = recipes.dish >= 0 if is_labelled else np.ones(count, bool)
        label = recipes.dish if is_labelled else recipes.copies
        wide = Ring.of(everyone[member], recipes.split[member], label[member], count)
        plain[chosen] = _keep(wide.outsiders(chosen, plain_steps), hard[chosen], plain.shape[1])
        member = member & recipes.is_whole
        whole = Ring.of(everyone[member], recipes.split[member], label[member], count)
        whole_anchor = chosen[recipes.is_whole[chosen]]
        swap[whole_anchor] = whole.outsiders(whole_anchor, swaps)
    own = np.where(recipes.is_whole, everyone, NOBODY)[:, None]
    image_swap, text_swap = swap[:, : config.image_swaps], swap[:, : config.text_swaps]
    parts = [own, siblings, plain, image_swap, text_swap, hard]
    partner = np.hstack(parts)
    partner[~is_anchor] = NOBODY
    slot = np.concatenate([
        first + np.arange(part.shape[1]) for first, part in zip(FIRST_SLOTS, parts, strict=True)
    ])
    return {"partner": partner, "slot": slot.astype(np.uint8)}


def _keep(candidates: Array, refused: Array, count: int) -> Array:
    is_refused = (candidates[:, :, None] == refused[:, None]).any(axis=2) | (candidates < 0)
    order = np.argsort(is_refused, axis=1, kind="stable")[:, :count]
    kept = np.take_along_axis(candidates, order, axis=1)
    return np.where(np.take_along_axis(is_refused, order, axis=1), NOBODY, kept)


def _choose_hard(recipes: Recipes, ring: Ring, config: PairConfig) -> Array:
    count = len(recipes.split)
    hard = np.full((count, config.hard_negatives), NOBODY)
    for split in range(len(SPLITS)):
        kin = _look_alikes(recipes, split, config)
        chosen = np.flatnonzero((recipes.split == split) & (recipes.dish >= 0))
        starts = np.full(kin.shape[0], NOBODY)
        sizes = np.zeros(kin.shape[0], np.int64)
        starts[recipes.dish[chosen]] = ring.class_start[ring.seat_of[chosen]]
        sizes[recipes.dish[chosen]] = ring.class_size[ring.seat_of[chosen]]
        key = ring.class_start * (count + 1) + ring.recipe
        dishes = np.maximum((kin >= 0).sum(axis=1), 1)[recipes.dish[chosen]]
        for step in range(config.hard_negatives):
            other = kin[recipes.dish[chosen], step % dishes]
            start, size = starts[other], sizes[other]
            turn = np.searchsorted(key, start * (count + 1) + chosen) - start
            seat = start + (turn + step // dishes) % np.maximum(size, 1)
            found = ring.recipe[np.minimum(seat, len(ring.recipe) - 1)]
            fits = (other >= 0) & (step // dishes < size)
            fits &= recipes.copies[found] != recipes.copies[chosen]
            hard[chosen, step] = np.where(fits, found, NOBODY)
    return hard


def _look_alikes(recipes: Recipes, split: int, config: PairConfig) -> Array:
    """Return the look-alike dishes of each dish, [dishes, look-alikes]."""
    dishes = int(recipes.dish.max()) + 1
    names = int(recipes.line_name.max()) + 1
    languages = int(recipes.language.max()) + 1
    line_dish = recipes.dish[recipes.line_recipe]
    chosen = (recipes.split[recipes.line_recipe] == split) & (line_dish >= 0)
    recipe, name = recipes.line_recipe[chosen], recipes.line_name[chosen]
    joint = np.sort(recipe.astype(np.int64) * names + name)  # np.unique takes ten times as long
    joint = joint[np.diff(joint, prepend=-1) != 0]
    recipe, name = joint // names, joint % names
    cell = (recipes.dish[recipe] * languages + recipes.language[recipe]) * names + name
    mentions = np.bincount(cell, minlength=dishes * languages * names)
    mentions = mentions.reshape(dishes, languages, names)
    member = (recipes.split == split) & (recipes.dish >= 0)
    size = np.bincount(
        recipes.dish[member] * languages + recipes.language[member], minlength=dishes * languages
    ).reshape(dishes, languages, 1)
    core = (mentions >= size * config.core_fraction) & (mentions > 0)
    present = int((size.sum(axis=1) > 0).sum())
    core &= core.sum(axis=0)[None] <= max(2, present * config.common_fraction)
    profile = core.reshape(dishes, -1).astype(np.float32)
    shared = (profile @ profile.T).astype(np.int64)
    np.fill_diagonal(shared, 0)
    own = profile.sum(axis=1).astype(np.int64)
    near = shared / np.sqrt(np.maximum(own[:, None] * own[None], 1))
    words = _words(recipes.table["dish"])
    best = np.full((dishes, config.look_alike_dishes), NOBODY)
    for dish in np.flatnonzero(shared.any(axis=1)):
        others = np.flatnonzero(shared[dish])
        tie = [hashlib.md5(f"{words[dish]}:{words[o]}".encode()).hexdigest() for o in others]
        order = sorted(range(len(others)), key=lambda n: (-near[dish, others[n]], tie[n]))
        chosen_others = others[order[: config.look_alike_dishes]]
        best[dish, : len(chosen_others)] = chosen_others
    return best


def _words(column: pa.ChunkedArray) -> list[str]:
    return sorted(column.drop_null().unique().to_pylist())


def _weigh(recipes: Recipes, anchors: Array, balance: float) -> Array:
    weight = np.ones(len(recipes.split), np.float32)
    for split in range(len(SPLITS)):
        member = anchors[(recipes.split[anchors] == split) & (recipes.dish[anchors] >= 0)]
        size = np.bincount(recipes.dish[member], minlength=int(recipes.dish.max()) + 1)
        there = size[size > 0].astype(float)
        scale = there.sum() / sum((there * there**-balance).tolist())
        by_dish = np.zeros(len(size), np.float32)
        by_dish[size > 0] = there**-balance * scale
        everyone = (recipes.split == split) & (recipes.dish >= 0)
        weight[everyone] = np.where(
            size[recipes.dish[everyone]] > 0, by_dish[recipes.dish[everyone]], 1
        )
    return weight


def pandas_pairs(catalog: Path, config: PairConfig, anchors: int) -> dict[str, float]:
    """Make the pairs of some anchors by merging and drawing.

    Returns
    -------
    dict of str to float
        `result`: pairs made; `work_s`: CPU seconds for them, without reading the catalogue.
    """
    recipes = pd.read_parquet(
        catalog / "recipes.parquet", columns=["recipe_id", "dish", "split", "group_id"]
    ).dropna()
    start = time.process_time()
    chosen = recipes.sample(anchors, random_state=config.seed)
    kin = recipes["dish"].drop_duplicates().sort_values().reset_index(drop=True)
    after = pd.Series(kin.to_numpy(), index=np.roll(kin.to_numpy(), 1))

    def draw(frame: pd.DataFrame, count: int) -> pd.DataFrame:
        shuffled = frame.sample(frac=1, random_state=config.seed)
        return shuffled.groupby("recipe_id", sort=False).head(count)

    siblings = chosen.merge(recipes, on=["dish", "split"], suffixes=("", "_other"))
    positives = draw(
        siblings[siblings["recipe_id"] != siblings["recipe_id_other"]], config.positives
    )
    looks = chosen.assign(own=chosen["dish"], dish=chosen["dish"].map(after))
    looks = looks.merge(recipes, on=["dish", "split"], suffixes=("", "_other"))
    hard = draw(looks[looks["group_id"] != looks["group_id_other"]], config.hard_negatives)
    wanted = config.negatives + config.image_swaps + config.text_swaps
    repeated = chosen.loc[chosen.index.repeat(4 * wanted)].reset_index(drop=True)
    others = recipes.sample(len(repeated), replace=True, random_state=config.seed)
    tried = repeated.join(others.reset_index(drop=True), rsuffix="_other")
    tried = tried[(tried["split"] == tried["split_other"]) & (tried["dish"] != tried["dish_other"])]
    made = len(positives) + len(hard) + len(draw(tried, wanted)) + len(chosen)
    return {"result": made, "work_s": time.process_time() - start}
