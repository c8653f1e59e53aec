"""A small kitchen whose recipes change: what a history of refreshes is made of.

Recipes are the sample world's, of few dishes, in both languages and from both doors. A step is a
function of the kitchen and two numbers, which choose among the recipes that there are; so every
list of names and numbers is a history, whatever became of the kitchen before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from mmpipeline.config import SampleConfig
from mmpipeline.sample.dump import partition_at
from mmpipeline.sample.photos.files import photo_at, shrink_photo
from mmpipeline.sample.world.recipes import recipe_at
from mmpipeline.schemas import Ingredient, Recipe, RecipeImage

SAMPLE = SampleConfig(recipes=64, dishes=5, photo_size_px=64)
PHOTO_PX = 32
AT_FIRST, FEW, MOST = 24, 4, 40
Step = Callable[["Kitchen", int, int], None]


@cache
def invented(index: int) -> tuple[Recipe, bytes]:
    """Return a recipe of the sample world and its photo; no bytes where it has none."""
    drawn = recipe_at(SAMPLE, index)
    lines = tuple(Ingredient(text=line.line, name=line.name) for line in drawn.ingredients)
    door = drawn.recipe_id.partition(":")[0]
    photo = shrink_photo(photo_at(SAMPLE, drawn.draw), PHOTO_PX) if drawn.has_photo else b""
    recipe = Recipe(
        recipe_id=drawn.recipe_id,
        source=door,
        language=drawn.language,
        source_partition=partition_at(SAMPLE, index) if door == "r1m" else None,
        title=drawn.title,
        dish_name=drawn.title if index % 6 == 0 else None,
        ingredients=lines,
        instructions=tuple(drawn.steps),
        tags=(drawn.language, "sample"),
        author=drawn.author,
    )
    return recipe, photo


@dataclass
class Kitchen:
    """The recipes that there are, those that were, and how many were ever added.

    Attributes
    ----------
    root
        The data folder, where photos lie.
    """

    root: Path
    recipes: dict[str, Recipe] = field(default_factory=dict)
    gone: dict[str, Recipe] = field(default_factory=dict)
    added: int = 0

    def take_in(self) -> None:
        """Add the next recipe of the sample world."""
        recipe, photo = invented(self.added % SAMPLE.recipes)
        self.added += 1
        if photo:
            digest = sha256(photo).hexdigest()
            path = self.root / "raw" / f"{digest}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo)
            image = RecipeImage(id="p", path=f"raw/{digest}.jpg", sha256=digest)
            recipe = replace(recipe, images=(image,))
        self.put(recipe)

    def put(self, recipe: Recipe) -> None:
        self.recipes[recipe.recipe_id] = recipe
        self.gone.pop(recipe.recipe_id, None)

    def drop(self, recipe_id: str) -> None:
        self.gone[recipe_id] = self.recipes.pop(recipe_id)

    def pick(self, number: int) -> Recipe | None:
        names = sorted(self.recipes)
        return self.recipes[names[number % len(names)]] if names else None

    def named(self, word: str) -> list[Recipe]:
        """Return the recipes with a word in their title."""
        return [recipe for recipe in self.recipes.values() if word in (recipe.title or "")]


def open_kitchen(root: Path, recipes: int = AT_FIRST) -> Kitchen:
    kitchen = Kitchen(root)
    for _ in range(recipes):
        kitchen.take_in()
    return kitchen


def add(kitchen: Kitchen, first: int, _: int) -> None:
    for _ in range(1 + first % 3 if len(kitchen.recipes) > FEW else 8):
        if len(kitchen.recipes) < MOST:
            kitchen.take_in()


def edit_title(kitchen: Kitchen, first: int, second: int) -> None:
    if recipe := kitchen.pick(first):
        words = ("간단한 저녁", f"{recipe.title} 2", "Kimchi Stew", "x" * 300, "\x1f \x00 ::")
        kitchen.put(replace(recipe, title=words[second % len(words)]))


def edit_ingredients(kitchen: Kitchen, first: int, second: int) -> None:
    if recipe := kitchen.pick(first):
        lines = [*recipe.ingredients, Ingredient(text="2 cups invented flour")]
        del lines[second % len(lines)]
        kitchen.put(replace(recipe, ingredients=tuple(lines)))


def edit_steps(kitchen: Kitchen, first: int, second: int) -> None:
    if recipe := kitchen.pick(first):
        steps = (*recipe.instructions[: second % 3], f"Wait {second} minutes, then serve it.")
        kitchen.put(replace(recipe, instructions=steps))


def move_tags(kitchen: Kitchen, first: int, _: int) -> None:
    if recipe := kitchen.pick(first):
        kitchen.put(replace(recipe, tags=recipe.tags[:1], categories=recipe.tags[1:]))


def delete(kitchen: Kitchen, first: int, second: int) -> None:
    for _ in range(1 + second % 3):
        if recipe := kitchen.pick(first):
            kitchen.drop(recipe.recipe_id)


def restore(kitchen: Kitchen, first: int, second: int) -> None:
    names = sorted(kitchen.gone)
    for name in (
        names
        if second % 2 or len(kitchen.recipes) < FEW
        else names[first % max(1, len(names)) :][:1]
    ):
        kitchen.put(kitchen.gone[name])


def undo_edits(kitchen: Kitchen, first: int, _: int) -> None:
    """Let a recipe be again what the sample world said."""
    if recipe := kitchen.pick(first):
        for index in range(SAMPLE.recipes):
            if invented(index)[0].recipe_id == recipe.recipe_id:
                kitchen.put(replace(invented(index)[0], images=recipe.images))


def exchange_photos(kitchen: Kitchen, first: int, second: int) -> None:
    if (one := kitchen.pick(first)) and (other := kitchen.pick(second)):
        kitchen.put(replace(one, images=other.images))
        if other.recipe_id != one.recipe_id:
            kitchen.put(replace(other, images=one.images))


def copy_exactly(kitchen: Kitchen, first: int, second: int) -> None:
    """Let one recipe say what another says: often one of another side."""
    if (one := kitchen.pick(first)) and (other := kitchen.pick(second)):
        kitchen.put(
            replace(
                one,
                title=other.title,
                ingredients=other.ingredients,
                instructions=other.instructions,
                images=other.images if first % 2 else one.images,
            )
        )


def copy_nearly(kitchen: Kitchen, first: int, second: int) -> None:
    if (one := kitchen.pick(first)) and (other := kitchen.pick(second)):
        kitchen.put(
            replace(
                one,
                ingredients=other.ingredients,
                instructions=(*other.instructions, "Enjoy."),
            )
        )


def link_groups(kitchen: Kitchen, first: int, second: int) -> None:
    """Let one recipe be a copy of two others: of one by its words, of one by its photo."""
    one, other = kitchen.pick(first), kitchen.pick(second)
    link = kitchen.pick(first + second + 1)
    if one and other and link:
        kitchen.put(
            replace(
                link,
                title=one.title,
                ingredients=one.ingredients,
                instructions=one.instructions,
                images=(*one.images, *other.images),
            )
        )


def rename_dish(kitchen: Kitchen, first: int, second: int) -> None:
    """Write another name into every title of a dish: of one that is known, or of none."""
    name = ("갈낙국", "Seaweed Soup", "김치찌개", "뭔가")[second % 4]
    if recipe := kitchen.pick(first):
        word = (recipe.title or "?").split()[-1]
        for found in kitchen.named(word):
            title = (found.title or "").replace(word, name)
            kitchen.put(replace(found, title=title, dish_name=None))


def empty_field(kitchen: Kitchen, first: int, second: int) -> None:
    if recipe := kitchen.pick(first):
        empty: tuple[dict[str, object], ...] = (
            {"title": None},
            {"ingredients": ()},
            {"instructions": ()},
            {"images": ()},
            {"title": None, "ingredients": (), "instructions": (), "images": ()},
        )
        kitchen.put(replace(recipe, **empty[second % len(empty)]))


def drop_photos(kitchen: Kitchen, first: int, second: int) -> None:
    """Drop the photos of a dish, or of all recipes."""
    if recipe := kitchen.pick(first):
        word = "" if second % 4 == 0 else (recipe.title or "?").split()[-1]
        for found in kitchen.named(word):
            kitchen.put(replace(found, images=()))


def change_languages(kitchen: Kitchen, first: int, second: int) -> None:
    """Let one recipe, or all, be in one language."""
    recipes = list(kitchen.recipes.values())
    chosen = recipes if second % 4 == 0 else [r for r in [kitchen.pick(first)] if r]
    for recipe in chosen:
        kitchen.put(replace(recipe, language=("ko", "en", "other")[second % 3]))


def leave_one(kitchen: Kitchen, first: int, second: int) -> None:
    """Drop all recipes but one, or but those of one door."""
    kept = kitchen.pick(first)
    for recipe in list(kitchen.recipes.values()):
        is_kept = kept and (recipe.source == kept.source if second % 2 else recipe == kept)
        if not is_kept:
            kitchen.drop(recipe.recipe_id)


def leave_none(kitchen: Kitchen, _: int, __: int) -> None:
    for name in list(kitchen.recipes):
        kitchen.drop(name)


def leave_as_is(_: Kitchen, __: int, ___: int) -> None:
    """Change nothing: the next refresh meets what it met before."""


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        add,
        edit_title,
        edit_ingredients,
        edit_steps,
        move_tags,
        delete,
        restore,
        undo_edits,
        exchange_photos,
        copy_exactly,
        copy_nearly,
        link_groups,
        rename_dish,
        empty_field,
        drop_photos,
        change_languages,
        leave_one,
        leave_none,
        leave_as_is,
    )
}
"""Every step by its name."""
