"""Pieces of the fake site's recipe pages that come in several generations.

One small function a form, in the site's own markup; `pages` puts them together. A further form
is one more function and one more entry in its table.
"""

import json
from collections.abc import Callable
from html import escape
from itertools import groupby

from mmpipeline.sample.world.recipes import SampleRecipe
from mmpipeline.sample.world.wording import SampleIngredient

_GAP = " " * 84
_ICON = '<img src="/img/mobile/icon_info.png" style="vertical-align:middle">'


def ingredients_unit(recipe: SampleRecipe) -> str:
    """Return the ingredient block of 2016 to 2023 (``span.ingre_unit``), in its three variants.

    Parameters
    ----------
    recipe
        The recipe; its index decides the variant of each line.

    Returns
    -------
    str
        HTML.
    """
    lines = []
    for number, item in enumerate(recipe.ingredients):
        name, unit = escape(item.name), f'<span class="ingre_unit">{escape(item.amount)}</span>'
        look = f"javascript:viewMaterial('{100 + number}');"
        variant = (recipe.index // 2 + number) % 3
        if variant == 0:
            lines.append(
                f"<a href=\"{look}\" onclick=\"ga('send','event','{name}');\">"
                f"<li>{name} {_ICON}{_GAP}{unit}</li></a>"
            )
        elif variant == 1:
            lines.append(f"<li>{name} {_GAP}{unit}</li>")
        else:
            lines.append(
                f'<a href="{look}"></a><li><a href="{look}">{name}\n      {_ICON}\n    </a>'
                f'<a href="javascript:buyCpMaterial(\'{name}\');" class="ingre_list_btn">구매</a>\n'
                f"    {unit}</li>"
            )
    return _ingredient_block(recipe.ingredients, lines)


def ingredients_list(recipe: SampleRecipe) -> str:
    """Return the ingredient block of 2024 on (``div.ingre_list_name``), info link or none.

    Parameters
    ----------
    recipe
        The recipe; its index decides which lines have an info link.

    Returns
    -------
    str
        HTML.
    """
    lines = []
    for number, item in enumerate(recipe.ingredients):
        name = escape(item.name)
        inner = f"\n        {name}\n      "
        if (recipe.index // 2 + number) % 2:
            inner = (
                f"\n        <a href=\"javascript:viewMaterial('{100 + number}');\""
                " onclick=\"ga('a');\">"
                f"\n          {name}{' ' * 46}</a>\n      "
            )
        lines.append(
            f'<li>\n      <div class="ingre_list_name">{inner}</div>\n'
            f'      <span class="ingre_list_ea">{escape(item.amount)}</span>\n'
            f"      <a href=\"javascript:buyCpMaterial('{name}');\" "
            'class="ingre_list_btn">구매</a>\n'
            "    </li>"
        )
    return _ingredient_block(recipe.ingredients, lines)


INGREDIENT_FORMS: dict[int, Callable[[SampleRecipe], str]] = {
    2: ingredients_unit,
    3: ingredients_list,
}
"""Ingredient blocks by the generation of the page."""


def json_ld(recipe: SampleRecipe, images: list[str], *, is_old: bool) -> str:
    """Return the JSON-LD block: steps as one string on old pages, as a list on new ones.

    Parameters
    ----------
    recipe
        The recipe.
    images
        Absolute URLs of the main photo; empty when there is none.
    is_old
        Whether the page is of the older generation.

    Returns
    -------
    str
        A script element; on some pages its JSON is broken as the site's is.
    """
    return json_ld_recipe(
        recipe, images, steps_as_text=is_old, is_broken=recipe.index // 2 % 11 == 0
    )


def json_ld_recipe(
    recipe: SampleRecipe,
    images: list[str],
    *,
    steps_as_text: bool,
    with_ingredients: bool = True,
    is_broken: bool = False,
) -> str:
    """Return a JSON-LD block in one of its forms.

    Parameters
    ----------
    recipe
        The recipe.
    images
        Absolute URLs of the main photo; empty when there is none.
    steps_as_text
        One numbered string, as in 2019, instead of a list.
    with_ingredients
        Whether there is a ``recipeIngredient``.
    is_broken
        Whether a quote in the text breaks the JSON.

    Returns
    -------
    str
        A script element.
    """
    steps: object = [{"@type": "HowToStep", "text": step} for step in recipe.steps]
    if steps_as_text:
        steps = "".join(f"\n{number}. {step}" for number, step in enumerate(recipe.steps, 1))
    value: dict[str, object] = {
        "@context": "http://schema.org/",
        "@type": "Recipe",
        "name": recipe.title,
        "image": images,
        "author": {"@type": "Person", "name": recipe.author},
        "datePublished": recipe.published.strftime("%Y-%m-%dT%H:%M:%S+09:00"),
        "description": intro_of(recipe),
        "recipeInstructions": steps,
    }
    if with_ingredients:
        value["recipeIngredient"] = [f"{i.name} {i.amount}".strip() for i in recipe.ingredients]
    if recipe.minutes is not None:
        value["totalTime"] = f"PT{recipe.minutes}M"
    if recipe.servings is not None:
        value["recipeYield"] = f"{recipe.servings} servings"
    text = json.dumps(value, ensure_ascii=False, indent=1)
    if is_broken:  # the site's template does not escape quotes
        text = text.replace('"description": "', '"description": "오늘은 "별미" ', 1)
    return f'<script type="application/ld+json">\n{text}\n</script>'


def intro_of(recipe: SampleRecipe) -> str:
    """Return the author's words before the recipe; empty on some pages."""
    place = recipe.index // 2
    openings = (
        "", "오늘 저녁은 간단하게 차려 봤어요.", "아이들이 좋아해서 자주 만들어요.",
        "비 오는 날 생각나서 만들었습니다.", "냉장고에 있는 것으로 뚝딱!",
        "손님 오실 때 내면 좋아요.",
    )  # fmt: skip
    return openings[place * 7 % len(openings)]


def steps_block(recipe: SampleRecipe, step_images: dict[int, str]) -> str:
    """Return ``div.view_step`` without its end: stepDivs, some with photos and notes.

    Parameters
    ----------
    recipe
        The recipe.
    step_images
        Absolute photo URLs by step number from 1.

    Returns
    -------
    str
        HTML; the caller closes the outer ``div``.
    """
    parts = [
        '<div class="view_step" id="obx_recipe_step_start">\n<div class="best_tit"><b>조리순서</b>'
        '<span>Steps</span><div class="best_tit_rmn"><a href="#"><img id="tabStepView1" '
        'src="/img/mobile/tab_view1_on.png"></a></div></div>\n'
    ]
    for number, step in enumerate(recipe.steps, 1):
        text = escape(step).replace(". ", ".<br />\n")
        note = '<p class="step_add add_fire">중불</p>' if (recipe.index + number) % 9 == 4 else ""
        image = (
            f'<div id="stepimg{number}" class="media-right"><img src="{step_images[number]}"></div>'
            if number in step_images
            else ""
        )
        parts.append(
            f'<div id="stepDiv{number}" class="view_step_cont media step{number}">'
            f'<div id="stepdescr{number}" class="media-body">{text}{note}</div>{image}</div>'
        )
        if number == 1:
            parts.append("<style>.step1{background:url(/img/icon_step_1.gif)}</style>")
    return "".join(parts)


def _ingredient_block(items: tuple[SampleIngredient, ...], lines: list[str]) -> str:
    if not items:
        return ""
    groups = []
    numbered = enumerate(items)
    for group, members in groupby(numbered, key=lambda pair: pair[1].group):
        inner = "\n    ".join(lines[number] for number, _ in members)
        groups.append(
            f'<ul class="case1">\n    <b class="ready_ingre3_tt">{escape(group or "[재료]")}</b>\n'
            f"    {inner}\n  </ul>"
        )
    return (
        '<div class="ready_ingre3" id="divConfirmedMaterialArea">\n  '
        + "\n  ".join(groups)
        + "\n</div>"
    )
