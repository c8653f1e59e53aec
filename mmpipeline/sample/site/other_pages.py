"""The fake site's smaller pages: the print view and the fragments that scripts ask for."""

from collections.abc import Mapping
from html import escape
from itertools import groupby

from mmpipeline.sample.site.page_noise import comments
from mmpipeline.sample.world.recipes import SampleRecipe


def print_page(recipe: SampleRecipe) -> str:
    """Return the print view: no photos, no tags, and a comma with the space before it."""
    groups = []
    for group, items in groupby(recipe.ingredients, key=lambda item: item.group):
        text = " ,".join(f"{item.name} {item.amount}".strip() for item in items)
        groups.append(
            f'<div class="best_tit"><b>{escape(group or "[재료]")}</b></div>'
            f'<div class="ready_ingre3">{escape(text)}</div>'
        )
    steps = "".join(f"<li>{escape(step)}</li>" for step in recipe.steps)
    title = escape(recipe.title)
    return (
        f'<title>{title}</title><div class="title">{title}</div>\n'
        f"<span>분량 : {recipe.servings or 2}인분</span>"
        f"<span>조리시간 : {recipe.minutes or 30}분 이내</span>"
        f"<span>난이도 : {recipe.level or '아무나'}</span>\n"
        f'<span class="name">By.{escape(recipe.author)}</span>\n{"".join(groups)}\n'
        f'<div class="print_step"><ol>{steps}</ol></div>'
    )


def ajax_fragment(fields: Mapping[str, str]) -> str:
    """Return a page of comments for the mode that asks for them, and nothing for any other."""
    if fields.get("q_mode") != "getListComment" or not fields.get("seq", "").isdecimal():
        return ""
    return comments(1_000, int(fields["seq"]) % 100)
