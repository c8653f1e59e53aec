"""The fake site's mobile pages: the same recipes in other markup, and as little of it as there is.

The scraper does not need them; they are there for links that lead to them and for whoever tries a
parser on the other markup. A host name that begins with ``m.`` gets them.
"""

from html import escape

from mmpipeline.sample.world.recipes import SampleRecipe


def mobile_recipe_page(recipe: SampleRecipe, photo_url: str | None) -> str:
    """Build the mobile page of a recipe.

    Parameters
    ----------
    recipe
        A Korean recipe.
    photo_url
        Absolute address of its main photo; None when it has none.

    Returns
    -------
    str
        HTML; the ingredients of every other recipe are in the old form, one text with commas.
    """
    title = escape(recipe.title)
    photo = f'<div class="view3_pic_img"><img src="{photo_url}"></div>' if photo_url else ""
    facts = (
        f"{recipe.servings or 2}인분",
        f"{recipe.minutes or 30}분 이내",
        recipe.level or "아무나",
    )
    steps = "".join(
        f'<li id="stepDiv{number}"><div class="step_list_txt">'
        f'<div class="step_list_txt_cont">{escape(step)}</div></div></li>'
        for number, step in enumerate(recipe.steps, 1)
    )
    return _page(
        recipe.title,
        f'{photo}<div class="view3_top_tit">{title}<span>{escape(recipe.author)}</span></div>'
        f'<div class="view3_top_info">{"".join(f"<span>{fact}</span>" for fact in facts)}</div>'
        f'<dl class="view3_ingre"><dt>재료</dt>{_ingredients(recipe)}</dl>'
        f'<ul class="step_list">{steps}</ul>',
    )


def mobile_list_page(recipes: list[SampleRecipe]) -> str:
    """Build a mobile list page of these recipes; its entries are scripts, not links."""
    entries = "".join(
        f'<div class="media" onclick="location.href=\'/recipe/{recipe.source_id}\'">'
        f'<div class="media-body"><h4>{escape(recipe.title)}</h4></div></div>'
        for recipe in recipes
    )
    return _page("레시피 목록", f'<div class="recipe_list">{entries}</div>')


def _ingredients(recipe: SampleRecipe) -> str:
    if recipe.index // 2 % 2:
        lines = (f"{item.name} {item.amount}".strip() for item in recipe.ingredients)
        return f"<dd>{escape(', '.join(lines))}</dd>"
    items = []
    for number, item in enumerate(recipe.ingredients):
        name = escape(item.name)
        if number % 2 == 0:  # with an info page, as on the desktop page
            name = f"<a href=\"javascript:viewMaterial('{number}');\">{name}</a>"
        items.append(
            f'<li><div class="ingre_list_name">{name}</div>'
            f'<span class="ingre_list_ea">{escape(item.amount)}</span></li>'
        )
    return f'<dd><ul class="ingre_list">{"".join(items)}</ul></dd>'


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="ko"><head><meta charset="utf-8">\n'
        f"<title>{escape(title)}</title></head><body>\n{body}\n</body></html>"
    )
