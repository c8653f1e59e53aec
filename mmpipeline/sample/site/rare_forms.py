"""Recipe pages of the fake site in every form that the real one still serves.

The common pages (`recipe_pages`) come in two generations, which is enough to learn from. Here a
recipe's place decides among five generations of markup and, each on its own beat, all the small
things that a parser meets: a missing field, an odd header, a link written in another way. The
words are the recipe's own, so what a page says can be checked against it.
"""

from dataclasses import replace
from html import escape
from itertools import groupby

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.site.page_frame import page_head, page_views, photo_path
from mmpipeline.sample.site.page_noise import comments, menu, modals, reviews
from mmpipeline.sample.site.page_parts import (
    ingredients_list,
    ingredients_unit,
    intro_of,
    json_ld_recipe,
)
from mmpipeline.sample.world.recipes import SampleRecipe

GENERATIONS = ("ingre_list", "ingre_unit", "flat", "free_form", "ingre_unit_buy")
"""Forms of the ingredient block, and with it of the page, by ``place % 5``."""

NOTES = (
    '<p class="step_add add_material">무 6개</p>',
    '<p class="step_add add_tool"><a style="color:#74b243">냄비</a></p>',
    '<p class="step_add add_fire">약불</p>',
    '<p class="step_add add_tip2">뚜껑을 덮어요</p>',
)
_OTHER_LD = (
    '<script type="application/ld+json">{"@context": "http://schema.org/", '
    '"@type": "BreadcrumbList", "itemListElement": []}</script>'
)
_IMAGE_HOST = "https://recipe1.ezmember.co.kr"
"""Names the real host as real pages do; only pictures that no crawler wants are linked there."""

_LOGO = f"{_IMAGE_HOST}/img/logo.png"
_ICON = '<img src="/img/mobile/icon_quot.png">'


def generation_of(recipe: SampleRecipe) -> str:
    """Return which of `GENERATIONS` a recipe's page is of."""
    return GENERATIONS[recipe.index // 2 % len(GENERATIONS)]


def rare_recipe_page(config: SampleConfig, recipe: SampleRecipe, host: str, page_chars: int) -> str:
    """Build a recipe page; see `recipe_pages.recipe_page` for the parameters.

    Returns
    -------
    str
        HTML.
    """
    place, generation = recipe.index // 2, generation_of(recipe)
    recipe = _with_third_group(recipe)
    is_new = generation in {"ingre_list", "ingre_unit_buy"}
    photo = _link(config, recipe, host, 0)
    tags = _tags(recipe)
    noise_chars = max(0, page_chars - 12_000)
    inside = "" if is_new else tags  # tags moved from the steps to behind the comments
    body = "\n".join([
        menu(noise_chars // 8),
        f'<div id="contents_area{"_full" if is_new else ""}" class="col-xs-9">',
        _top(recipe, photo),
        _summary(recipe, is_new=is_new),
        '<div id="divEzadArea_1"><ins class="adsbygoogle" data-ad-slot="2"></ins>'
        "<script>(adsbygoogle = window.adsbygoogle || []).push({});</script></div>",
        _ingredients(recipe, generation),
        _tools(place),
        _video(place),
        _steps(config, recipe, host, generation),
        _finished(config, recipe, host),
        _tip(place),
        inside,
        _dates(recipe),
        "</div>",
        f'<div class="profile_cont"><p class="cont_name">{escape(recipe.author)}   '
        "<button>소식받기</button></p></div>",
        comments(noise_chars // 5, place),
        reviews(noise_chars // 5, place),
        tags if is_new else "",
        '<div id="divRelativeRecipes"></div>',
        modals(noise_chars // 10),
        "</div></body></html>",
    ])
    links = (
        f'<link rel="canonical" href="{host}/recipe/{recipe.source_id}">\n'
        f'<meta property="og:image" content="{photo if recipe.has_photo else _LOGO}">\n'
        f"{_OTHER_LD}\n"
        f"{_json_ld(recipe, photo, generation)}"
    )
    return page_head(recipe.title, max(2_000, page_chars - len(body) - len(links)), links) + body


def _link(config: SampleConfig, recipe: SampleRecipe, host: str, shot: int) -> str:
    """Return a photo's link, with the scheme left out on some pages."""
    place = recipe.index // 2
    link = host + photo_path(config, recipe, shot, is_rare=True)
    return link.partition(":")[2] if place % 7 == 1 else link


def _top(recipe: SampleRecipe, photo: str) -> str:
    avatar = "/img/df/pm_100_100.png"
    if recipe.index // 2 % 3 == 0:
        avatar = f"{_IMAGE_HOST}/cache/rpf/2020/01/02/{'0' * 32}1.0a"
    image = f'<img id="main_thumbs" src="{photo}" alt="main thumb" class="portrait">'
    return (
        '<div class="view2_pic"><div class="view_cate st2"><div class="view_cate_num">'
        f'<span class="hit font_num">{page_views(recipe):,}</span></div></div>'
        f'<div class="centeredcrop">{image if recipe.has_photo else ""}</div>'
        '<div class="user_info2"><a class="app_block_link_remove user_info2_pic" '
        f'href="/profile/index.html?uid={recipe.author_uid}"><img src="{avatar}"></a>'
        f'<span class="user_info2_name">{escape(recipe.author)}            '
        '<button id="friendDiv">소식받기</button></span></div></div>'
    )


def _summary(recipe: SampleRecipe, *, is_new: bool) -> str:
    place, text = recipe.index // 2, intro_of(recipe)
    quotes = "" if is_new else "".join(
        f'<span class="view2_summary_in_m{number}">{_ICON}</span>' for number in (1, 2)
    )  # fmt: skip
    intro = f'<div class="view2_summary_in" id="recipeIntro">{quotes}\n {text} <br>둘째 줄</div>'
    facts = [
        f'<span class="view2_summary_info1">{recipe.servings or 2}인분</span>',
        f'<span class="view2_summary_info2">{recipe.minutes or 30}분 이내</span>',
        f'<span class="view2_summary_info3">{recipe.level or "아무나"}</span>',
    ]
    if place % 4 < len(facts):  # each is missing in turn
        del facts[place % 4]
    return (
        f'<div class="view2_summary{" st3" if is_new else ""}"><h3>{escape(recipe.title)}</h3>'
        f'{intro if text else ""}<div class="view2_summary_info">{" ".join(facts)}</div></div>'
    )


def _ingredients(recipe: SampleRecipe, generation: str) -> str:
    forms = {
        "ingre_list": ingredients_list,
        "ingre_unit": ingredients_unit,
        "ingre_unit_buy": ingredients_unit,
        "flat": _flat_ingredients,
    }
    if generation not in forms:
        return ""
    block = forms[generation](recipe)
    if recipe.index // 2 % 3 == 0:  # an odd header: a count in it, a space before the bracket
        block = block.replace("[재료]", "[재료 (60인분) ]", 1)
    return block.replace(' class="case1"', "", 1) if recipe.index // 2 % 4 == 1 else block


def _with_third_group(recipe: SampleRecipe) -> SampleRecipe:
    """Put the last ingredient of some recipes into a group of its own, with a long name."""
    others, last = recipe.ingredients[:-1], recipe.ingredients[-1:]
    stays = {item.group for item in others}
    if recipe.index // 2 % 3 != 2 or not all(item.group in stays for item in last):
        return recipe
    moved = [replace(item, group="[마지막에 두르는 우리집 만능 양념장]") for item in last]
    return replace(recipe, ingredients=(*others, *moved))


def _flat_ingredients(recipe: SampleRecipe) -> str:
    groups = []
    for group, items in groupby(recipe.ingredients, key=lambda item: item.group):
        text = ", ".join(f"{item.name} {item.amount}".strip() for item in items)
        groups.append(f"<dl>\n  <dt>{escape(group or '[주재료]')}</dt><dd>{escape(text)}</dd></dl>")
    return f'<div class="view_cont"><div class="cont_ingre">{"".join(groups)}</div></div>'


def _tools(position: int) -> str:
    if position % 3:
        return ""
    return (
        '<div class="best_tit"><b>조리도구</b></div><div class="ready_ingre3"><ul class="case1">'
        '<li>냄비<a href="#" class="ingre_list_btn">구매</a><span class="ingre_unit"></span></li>'
        "<li>도마</li></ul></div>"
    )


def _video(position: int) -> str:
    if position % 6 != 1:
        return ""
    address = f"https://www.youtube.com/embed/fake{position:06d}"
    return (
        '<div class="view_movie"><div class="iframe_wrap"><iframe id="ifrmRecipeVideo" src="" '
        f'org_src="{address}"></iframe></div></div>'
    )


def _steps(config: SampleConfig, recipe: SampleRecipe, host: str, generation: str) -> str:
    place = recipe.index // 2
    start = (
        f'<div class="view_step"{" id=obx_recipe_step_start" if place % 2 else ""}>'
        '<div class="best_tit"><b>조리순서</b><span>Steps</span><div class="best_tit_rmn">'
        '<a href="#"><img id="tabStepView1" src="/img/mobile/tab_view1_on.png"></a></div></div>\n'
    )
    if generation == "free_form":
        return start + _free_form(config, recipe, host)
    boxes = []
    for number, step in enumerate(recipe.steps, 1):
        text = escape(step).replace(". ", ".<br />\n")
        notes = NOTES[(place + number) % 4] if (place + number) % 3 == 0 else ""
        boxes.append(
            f"<style>.step{number}{{background:url(//recipe1.ezmember.co.kr/img/icon_step_"
            f"{number}.gif)}}</style>"
            f'<div id="stepDiv{number}" class="view_step_cont media step{number}">'
            f'<div id="stepdescr{number}" class="media-body">{text}{notes}</div>'
            f"{_step_photos(config, recipe, host, number)}</div>"
        )
    return start + "".join(boxes)


def _step_photos(config: SampleConfig, recipe: SampleRecipe, host: str, number: int) -> str:
    place = recipe.index // 2
    if not recipe.has_photo or number > 3 or place % 4:
        return ""
    first = f'<img src="{_link(config, recipe, host, 1 + number)}">'
    side = ' class="media-right"' if place % 8 else ""
    if number == 2:  # several photos of one step
        second = f'<img src="{_link(config, recipe, host, 4 + number)}">'
        items = "".join(f'<div class="item">{image}</div>' for image in (first, second))
        first = f'<div class="carousel slide"><div class="carousel-inner">{items}</div></div>'
    return f'<div id="stepimg{number}"{side}>{first}</div>'


def _free_form(config: SampleConfig, recipe: SampleRecipe, host: str) -> str:
    """Return the oldest body: numbered by hand, with hard spaces; or one without any words."""
    photo = f'<p><img src="{_link(config, recipe, host, 2)}"></p>' if recipe.has_photo else ""
    if recipe.index // 2 % 25 == 3:
        return f'<div id="oldContArea" class="view_cont_old">{photo}</div>'
    shapes = ("<p><span>&nbsp;{0}. {1}</span></p>", "<div>&nbsp;{0}. {1}</div>")
    lines = (
        shapes[number % 2].format(number, escape(step))
        for number, step in enumerate(recipe.steps, 1)
    )
    return f'<div id="oldContArea" class="view_cont_old">{"".join(lines)}{photo}</div>'


def _finished(config: SampleConfig, recipe: SampleRecipe, host: str) -> str:
    place = recipe.index // 2
    if not recipe.has_photo or place % 5 != 2:
        return ""
    image = f'<img src="{_link(config, recipe, host, 9)}">'
    return (
        '<div id="completeimgs" class="carousel slide" data-ride="carousel">'
        '<ol class="carousel-indicators"><li></li></ol><div class="carousel-inner" role="listbox">'
        f'<div class="item active"><div class="carouItem centercrop">{image}</div></div>'
        "</div></div>"
    )


def _tip(position: int) -> str:
    if position % 4 == 3:
        return ""
    return (
        '<dl class="view_step_tip"><dt><img src="/img/tit_tip.gif" alt="팁-주의사항"></dt>'
        "<dd>불 조절에 주의하세요.<br />\n간은 마지막에 봅니다.</dd></dl>"
    )


def _tags(recipe: SampleRecipe) -> str:
    if recipe.index // 2 % 5 == 4:
        return ""
    links = (f'<a href="/recipe/list.html?q={word}">#{word}</a>' for word in ("집밥", "저녁"))
    return f'<div class="view_tag">{"".join(links)}</div>'


def _dates(recipe: SampleRecipe) -> str:
    day = f"{recipe.published:%Y-%m-%d}"
    changed = f"<b>수정일 : {day}</b>" if recipe.index // 2 % 2 else ""
    return (
        f'<div class="view_notice"><p class="view_notice_date"><b>등록일 : {day}</b>{changed}</p>'
        "<span>저작자의 사전 동의 없이 글과 사진을 옮길 수 없습니다.</span></div>"
    )


def _json_ld(recipe: SampleRecipe, photo: str, generation: str) -> str:
    if generation == "free_form":
        return ""
    return json_ld_recipe(
        recipe,
        [photo] if recipe.has_photo else [],
        steps_as_text=generation == "flat",
        with_ingredients=generation != "flat",
        is_broken=recipe.index // 2 % 11 == 0,
    )
