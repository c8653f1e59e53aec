"""The query set and the gallery: held-out recipes, and what they are searched in.

Queries are the test recipes (validation where the catalogue has no test split); the index holds
all others that training or tuning may know. When validation recipes ask because something is to be
chosen, the index holds training's alone: a choice never sees a test recipe. A dish without any
recipe in the index could never be found, and would say nothing about search: of such a dish the
first half of its recipe groups is enrolled into the index, as a shop would enrol a new product, and
the rest asks.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.errors import ArtifactError, StageError
from mmpipeline.features.feature_set import FeatureSet
from mmpipeline.storage.segments import read_recipes

COLUMNS = ["recipe_id", "language", "dish", "dish_set", "group_id", "split"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Labels of all recipes of a feature set, and who asks and who answers.

    Arrays have one entry a recipe, in the order of the feature set.

    Attributes
    ----------
    dish
        Code of the dish, -1 when not labelled.
    group
        Code of the group of copies.
    language
        ``ko``, ``en`` or ``other``.
    is_known
        The dish may have been trained on.
    presence
        Shape (N, 4): what each recipe has.
    is_query, is_item
        Asks; is searched in. Recipes without any modality are neither.
    is_bag
        Belongs to the split that image-to-recipe search is measured in.
    is_train
        Training may have learned from it.
    split
        The split that asks.
    """

    dish: Int64Array
    group: Int64Array
    language: pd.Series
    is_known: BoolArray
    presence: BoolArray
    is_query: BoolArray
    is_item: BoolArray
    is_bag: BoolArray
    is_train: BoolArray
    split: str

    @property
    def items(self) -> Int64Array:
        """Rows of the recipes that are searched in."""
        return np.flatnonzero(self.is_item)


def load_held_out(
    catalog: Path, features: FeatureSet, wanted: Literal["test", "val"] | None = None
) -> HeldOut:
    """Read labels and splits, and decide who asks.

    Parameters
    ----------
    catalog
        Folder of a catalogue artifact.
    features
        Features of the same catalogue.
    wanted
        The split that asks; None takes test, or val where there is no test.

    Returns
    -------
    HeldOut
        In the order of the feature set.

    Raises
    ------
    ArtifactError
        If the features hold recipes that the catalogue does not.
    StageError
        If no recipe is held out.
    """
    table = read_recipes(catalog, COLUMNS).to_pandas().set_index("recipe_id")
    missing = pd.Index(features.recipe_ids).difference(table.index)
    if len(missing):
        raise ArtifactError(
            f"{len(missing)} recipes of the features are not in {catalog}, the first {missing[0]}; "
            "extract the features of this catalogue"
        )
    rows = table.loc[features.recipe_ids]
    may_ask = (wanted,) if wanted else ("test", "val")
    split = next((name for name in may_ask if (rows["split"] == name).any()), None)
    if split is None:
        raise StageError(
            f"the catalogue has no {' and no '.join(may_ask)} recipes; evaluation needs held-out "
            f"ones: raise {may_ask[0]}_share or add recipes"
        )
    dish = pd.factorize(rows["dish"], sort=True)[0].astype(np.int64)
    group = pd.factorize(rows["group_id"], sort=True)[0].astype(np.int64)
    presence = np.asarray(features.presence, dtype=np.bool_)
    is_held = (rows["split"] == split).to_numpy() & presence.any(axis=1)
    hidden = [split, "excluded", "test" if wanted == "val" else split]
    is_other = ~rows["split"].isin(hidden).to_numpy() & presence.any(axis=1)
    is_enrolled = is_held & _choose_enrolled(dish, group, is_held, is_other)
    return HeldOut(
        dish=dish,
        group=group,
        language=rows["language"].reset_index(drop=True),
        is_known=(rows["dish_set"] == "known").to_numpy(),
        presence=presence,
        is_query=is_held & ~is_enrolled,
        is_item=is_other | is_enrolled,
        is_bag=is_held,
        is_train=((rows["split"] == "train") & (rows["dish_set"] != "unknown")).to_numpy(),
        split=split,
    )


def _choose_enrolled(
    dish: Int64Array, group: Int64Array, is_held: BoolArray, is_other: BoolArray
) -> BoolArray:
    """Mark the first half of the groups of each dish that only held-out recipes have."""
    absent = is_held & (dish >= 0) & ~np.isin(dish, dish[is_other])
    frame = pd.DataFrame({"dish": dish[absent], "group": group[absent]})
    position = frame.groupby("dish")["group"].rank(method="dense")
    half = frame.groupby("dish")["group"].transform("nunique") // 2
    enrolled = np.zeros(len(dish), dtype=np.bool_)
    enrolled[absent] = (position <= half).to_numpy()
    return enrolled
