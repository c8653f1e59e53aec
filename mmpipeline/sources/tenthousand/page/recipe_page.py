"""A recipe page of any generation, from bytes to a record or to the reason why there is none.

The page's own elements come first and its JSON-LD second; where a field had to be taken from
there, or the two disagree, that is noted as a finding. Nothing here raises on any bytes.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from bs4.exceptions import ParserRejectedMarkup

from mmpipeline.schemas import Ingredient, Recipe, RecipeImage
from mmpipeline.sources.tenthousand.page import fields
from mmpipeline.sources.tenthousand.page.ingredients import (
    MAX_INGREDIENTS,
    MAX_LINE_CHARACTERS,
    read_ingredients,
    read_tools,
)
from mmpipeline.sources.tenthousand.page.json_ld import JsonLdRecipe, read_json_ld
from mmpipeline.sources.tenthousand.page.page_index import DeepPageError, Page
from mmpipeline.sources.tenthousand.page.steps import Step, read_steps
from mmpipeline.sources.tenthousand.page.tree import (
    OversizedPageError,
    attribute,
    read_page_tree,
    read_text,
)
from mmpipeline.sources.tenthousand.page.urls import (
    RECIPE_ID_PREFIX,
    find_recipe_number,
    image_name,
    normalize_url,
)
from mmpipeline.text.ingredients import parse_ingredient
from mmpipeline.text.language import detect_language
from mmpipeline.text.normalize import fold_text
from mmpipeline.web.decoding import decode_text

SOURCE = "10k"
REQUIRED_FIELDS = {
    "title": ".view2_summary h3",
    "ingredients": "#divConfirmedMaterialArea li, .cont_ingre dd",
    "instructions": ".view_step_cont .media-body, #oldContArea",
}
"""Fields that nearly every recipe has, with the selector that finds them."""

_GONE_MESSAGE = "레시피 정보가 없습니다"
_LANGUAGE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one field of a page that is worth a row in the quarantine table."""

    field: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What a recipe page says.

    Attributes
    ----------
    recipe
        In the common schema; its photos have addresses and no files.
    steps
        With photos and notes, which the common schema does not hold.
    tools, tip, video_url
        Likewise.
    findings
        Fields taken from the second source, or on which the two sources disagree.
    """

    recipe: Recipe
    steps: tuple[Step, ...] = ()
    tools: tuple[str, ...] = ()
    tip: str | None = None
    video_url: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """Those of `REQUIRED_FIELDS` that the page does not give."""
        return tuple(name for name in REQUIRED_FIELDS if not getattr(self.recipe, name))

    def content_hash(self) -> str:
        """Return a hash of what the page says, whatever host and port it was served from."""
        row = replace(self.recipe, url=None, categories=(), images=()).to_row()
        notes = [
            (step.notes, [image_name(link) for link in step.image_links]) for step in self.steps
        ]
        photos = [image.id for image in self.recipe.images]
        content = [row, photos, notes, self.tools, self.tip, self.video_url]
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class UnreadablePage:
    """Why bytes are no recipe."""

    reason: str
    detail: str = ""

    def content_hash(self) -> str:
        """Return what stands for the content of such a page in the crawl state."""
        return f"unreadable:{self.reason}"


def find_missing_reason(number: int, status: int, final_url: str, body: bytes) -> str | None:
    """Tell a recipe that is gone from a page that merely looks different.

    Parameters
    ----------
    number
        The recipe that was asked for.
    status, final_url, body
        The answer, after redirects.

    Returns
    -------
    str or None
        Why the recipe counts as deleted; None when the page should be read.
    """
    if status in {404, 410}:
        return f"status_{status}"
    if find_recipe_number(final_url) != str(number):
        return "redirected_away"
    if b"view2_summary" in body:
        return None
    text = body[:4096].decode("utf-8", errors="replace")
    return "alert" if _GONE_MESSAGE in text or "alert(" in text[:512] else None


def read_recipe_page(
    body: bytes,
    content_type: str | None,
    url: str,
    number: int,
    *,
    categories: tuple[str, ...] = (),
    cut: bool = True,
) -> PageRecord | UnreadablePage:
    """Read a recipe page.

    Parameters
    ----------
    body
        The page's bytes, content-decoded.
    content_type
        Value of the ``Content-Type`` header.
    url
        Where it was fetched from.
    number
        The recipe's number.
    categories
        Category codes the recipe was listed under; its own page does not show them.
    cut
        Whether parts without fields are cut away first, which is faster and must not matter.

    Returns
    -------
    PageRecord or UnreadablePage
        Never raises, whatever the bytes.
    """
    html = decode_text(body, content_type)
    if html is None:
        return UnreadablePage("charset_error", f"no character set fits: {body[:80]!r}")
    try:
        page = read_page_tree(html, cut=cut)
    except OversizedPageError as error:
        return UnreadablePage("too_many_tags", str(error))
    except (ParserRejectedMarkup, RecursionError) as error:
        return UnreadablePage("unparsable", str(error))
    except DeepPageError as error:
        return UnreadablePage("too_deep", str(error))
    return read_parsed_page(page, url, number, categories)


def read_parsed_page(
    page: Page, url: str, number: int, categories: tuple[str, ...] = ()
) -> PageRecord | UnreadablePage:
    """Read a recipe page that is a tree already; see `read_recipe_page`."""
    second, problem = read_json_ld(page)
    findings = [Finding("json_ld", "json_ld_broken", problem)] if problem else []
    second = second or JsonLdRecipe()
    title = read_text(page.find(REQUIRED_FIELDS["title"]))
    if title is None and second.title is None:
        start = read_text(page.soup) or ""
        return UnreadablePage("no_title", f"{REQUIRED_FIELDS['title']} matched nothing: {start}")
    ingredients, steps = read_ingredients(page), read_steps(page)
    findings += _cross_check(title, ingredients, steps, second)
    recipe, taken = _fill_gaps(_read_fields(page, url, number), second)
    findings += taken
    recipe = replace(
        recipe,
        title=title or second.title,
        ingredients=tuple(ingredients or _read_lines(second.ingredients)),
        instructions=tuple(step.text for step in steps if step.text) or second.steps,
        categories=categories,
        images=tuple(
            RecipeImage(id=image_name(link), url=link)
            for link in fields.read_image_urls(page, steps, url)
        ),
    )
    recipe = replace(recipe, language=_detect_language(recipe))
    return PageRecord(
        recipe=recipe,
        steps=tuple(steps),
        tools=tuple(read_tools(page)),
        tip=fields.read_tip(page),
        video_url=fields.read_video(page),
        findings=tuple(findings),
    )


def _read_fields(page: Page, url: str, number: int) -> Recipe:
    author, author_hash = fields.read_author(page)
    published_on, modified_on = fields.read_dates(page)
    info = {n: read_text(page.find(f".view2_summary_info{n}")) for n in (1, 2, 3)}
    intro_box = page.find("#recipeIntro") or page.find(".view2_summary_in")
    canonical = attribute(page.find('link[rel="canonical"]'), "href") or url
    return Recipe(
        recipe_id=f"{RECIPE_ID_PREFIX}{number}",
        source=SOURCE,
        language="other",
        dish_name=read_text(page.find("#relationGoods .best_tit b")),
        intro=read_text(intro_box, skip=("view2_summary_in_m1", "view2_summary_in_m2")),
        servings=fields.parse_servings(info[1]),
        minutes=fields.parse_minutes(info[2]),
        level=info[3],
        tags=tuple(fields.read_tags(page)),
        published_on=published_on,
        modified_on=modified_on,
        url=normalize_url(canonical, url) or url,
        author=author,
        author_hash=author_hash,
    )


def _fill_gaps(recipe: Recipe, second: JsonLdRecipe) -> tuple[Recipe, list[Finding]]:
    """Take from the JSON-LD what the page itself does not say, and say so."""
    offered: dict[str, Any] = {
        "servings": fields.parse_servings(second.servings),
        "minutes": fields.parse_minutes(second.total_time),
        "published_on": fields.parse_date(second.published),
        "author": second.author,
    }
    taken = {
        name: value
        for name, value in offered.items()
        if value is not None and getattr(recipe, name) is None
    }
    return replace(recipe, **taken), [Finding(name, "taken_from_json_ld") for name in taken]


def _read_lines(lines: tuple[str, ...]) -> list[Ingredient]:
    return [parse_ingredient(line[:MAX_LINE_CHARACTERS]) for line in lines[:MAX_INGREDIENTS]]


def _detect_language(recipe: Recipe) -> str:
    names = (ingredient.text for ingredient in recipe.ingredients)
    text = " ".join([recipe.title or "", *names, *recipe.instructions])
    return detect_language(text[:_LANGUAGE_CHARACTERS])


def _cross_check(
    title: str | None, ingredients: list[Ingredient], steps: list[Step], second: JsonLdRecipe
) -> list[Finding]:
    written = sum(step.text is not None for step in steps)
    first = {"title": title, "ingredients": ingredients, "instructions": written}
    other = {
        "title": second.title,
        "ingredients": second.ingredients,
        "instructions": second.steps,
    }
    findings = [
        Finding(name, "taken_from_json_ld")
        for name in REQUIRED_FIELDS
        if other[name] and not first[name]
    ]
    if title and second.title and fold_text(title) != fold_text(second.title):
        findings.append(Finding("title", "json_ld_differs", second.title))
    if ingredients and second.ingredients and len(ingredients) != len(second.ingredients):
        detail = f"page {len(ingredients)}, JSON-LD {len(second.ingredients)}"
        findings.append(Finding("ingredients", "json_ld_differs", detail))
    if written and second.steps and written != len(second.steps):
        detail = f"page {written}, JSON-LD {len(second.steps)}"
        findings.append(Finding("instructions", "json_ld_differs", detail))
    return findings
