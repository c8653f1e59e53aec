"""An invented layer1.json of any size, in the shape and proportions of the real one.

Sentences are drawn from phrases of our own, so lines repeat about as cooks repeat themselves.
"""

import json
import random
from pathlib import Path
from typing import Any

_VERBS = ("Mix", "Stir", "Whisk", "Chop", "Heat", "Add", "Pour", "Bake", "Simmer", "Fold", "Toss")
_THINGS = (
    "flour", "sugar", "butter", "milk", "onion", "garlic", "tomato", "basil", "chicken", "rice",
    "cream", "cheese", "pepper", "salt", "carrot", "celery", "potato", "lemon", "ginger", "honey",
    "yeast", "oats", "beans", "spinach", "mushroom", "vinegar", "mustard", "thyme", "cumin",
)  # fmt: skip
_PLACES = (
    "in a large bowl", "over medium heat", "until golden brown", "for about 20 minutes",
    "with a wooden spoon", "on a baking sheet", "until well combined", "in a small saucepan",
    "at 350 degrees", "to taste", "before serving", "while still warm", "until it thickens",
    "for 1 hour or overnight", "in the oven",
)  # fmt: skip
_AMOUNTS = (
    "1 cup", "2 cups", "1/2 cup", "3 tablespoons", "1 tsp", "2", "1 (14 ounce) can", "1 1/2 cups",
    "1/4 teaspoon", "12 ounces",
)  # fmt: skip
_NOTES = ("", "", "", ", chopped", ", divided", " (optional)", ", or more to taste")


def write_layer1(path: Path, records: int, *, seed: int = 2021, indent: int | None = None) -> None:
    """Write the file.

    Parameters
    ----------
    path
        JSON file.
    records
        How many.
    seed
        The content follows from it.
    indent
        None puts one record on a line; a number pretty-prints.
    """
    draw = random.Random(seed)
    tails = ("", " mix", " paste", " powder", " sauce")
    nouns = [f"{draw.choice(_THINGS)}{tail}" for tail in tails for _ in range(60)]
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number in range(records):
            file.write(",\n" if number else "")
            file.write(json.dumps(_record(number, draw, nouns), indent=indent))
        file.write("]\n")


def _record(number: int, draw: random.Random, nouns: list[str]) -> dict[str, Any]:
    lines = draw.choices(nouns, k=draw.randint(5, 14))
    steps = draw.randint(4, 14)
    return {
        "ingredients": [
            {"text": f"{draw.choice(_AMOUNTS)} {draw.choice(_THINGS)} {noun}{draw.choice(_NOTES)}"}
            for noun in lines
        ],
        "url": f"http://www.recipes.example.org/recipe/{number:x}/",
        "partition": draw.choice(("train", "train", "train", "val", "test")),
        "title": f"{draw.choice(nouns)} and {draw.choice(nouns)} {draw.choice(_THINGS)}".title(),
        "id": f"{number:010x}",
        "instructions": [{"text": _sentence(draw, nouns)} for _ in range(steps)],
    }


def _sentence(draw: random.Random, nouns: list[str]) -> str:
    first, second, third = draw.choices(nouns, k=3)
    places = draw.choices(_PLACES, k=2)
    verb, other = draw.choices(_VERBS, k=2)
    rest = f"then {other.lower()} the {third} {places[1]}"
    return f"{verb} the {first} and the {second} {places[0]}, {rest}."
