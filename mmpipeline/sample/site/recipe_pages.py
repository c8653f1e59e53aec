"""Recipe pages of the fake site, with the noise that the real ones have.

Pages are assembled from strings: a template engine would be slower and would hide the odd markup
that is the point of them. Two generations of recipe pages are served, chosen per recipe.
"""

from html import escape

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.site.page_frame import page_head, page_views, photo_path
from mmpipeline.sample.site.page_parts import INGREDIENT_FORMS, intro_of, json_ld, steps_block
from mmpipeline.sample.world.densities import world_of
from mmpipeline.sample.world.recipes import SampleRecipe, hex_digest

STEP_SHOT = 2
"""Shots from this one on are step photos; 0 is the main one."""

_OLD_SHARE = 3


def recipe_page(config: SampleConfig, recipe: SampleRecipe, host: str, page_chars: int) -> str:
    """Build a recipe page.

    Parameters
    ----------
    config
        The world.
    recipe
        A Korean recipe.
    host
        Scheme and host for absolute addresses.
    page_chars
        About how long the page shall be; scripts before the content fill it up.

    Returns
    -------
    str
        HTML.
    """
    place = recipe.index // 2
    is_old = place % _OLD_SHARE == 1
    title, container = escape(recipe.title), "contents_area" if is_old else "contents_area_full"
    images = _image_urls(config, recipe, host)
    og_image = images[-1] if images else f"{host}/img/logo.png"
    step_images = _step_images(config, recipe, host)
    tags, notice = _tags(config, recipe), _notice(recipe)
    body = "\n".join([
        f'<div id="{container}" class="col-xs-9">',
        _top(recipe, images),
        f'<div class="view2_summary{"" if is_old else " st3"}"><h3>{title}</h3>{_intro(recipe)}'
        f'<div class="view2_summary_info">{_facts(recipe)}</div></div>',
        '<div id="divEzadArea_1"><ins class="adsbygoogle" data-ad-slot="2"></ins></div>',
        INGREDIENT_FORMS[2 if is_old else 3](recipe),
        _tools(recipe),
        steps_block(recipe, step_images) if recipe.steps else '<div class="view_step">',
        _tip(recipe), tags if is_old else "", notice, "</div>",
        _profile(recipe), _comments(recipe), "" if is_old else tags, _related(config, recipe),
        _MEASURES,
        "</div></body></html>",
    ])  # fmt: skip
    links = (
        f'<link rel="canonical" href="{host}/recipe/{recipe.source_id}">\n'
        f'<meta property="og:image" content="{og_image}">\n{_WEBSITE_LD}\n'
        f"{json_ld(recipe, images, is_old=is_old)}"
    )
    return page_head(title, max(2_000, page_chars - len(body) - len(links)), links) + body


def _image_urls(config: SampleConfig, recipe: SampleRecipe, host: str) -> list[str]:
    if not recipe.has_photo:
        return []
    return [host + photo_path(config, recipe, 0, suffix) for suffix in ("_f", "")]


def _step_images(config: SampleConfig, recipe: SampleRecipe, host: str) -> dict[int, str]:
    if recipe.index // 2 % 8 or not recipe.has_photo:
        return {}
    numbers = range(1, min(4, len(recipe.steps)))
    return {n: host + photo_path(config, recipe, STEP_SHOT + n) for n in numbers}


def _top(recipe: SampleRecipe, images: list[str]) -> str:
    photo = f'<img id="main_thumbs" src="{images[-1]}" alt="main thumb">' if images else ""
    crop = f'<div class="centeredcrop">{photo}</div>' if photo else ""
    return (
        '<div class="view2_pic"><div class="view_cate st2"><div class="view_cate_num">'
        f'<span class="hit font_num">{page_views(recipe):,}</span></div></div>{crop}'
        '<div class="user_info2"><a class="app_block_link_remove user_info2_pic" '
        f'href="/profile/index.html?uid={recipe.author_uid}"><img src="/img/df/pf_100_100.png"></a>'
        f'<span class="user_info2_name">{escape(recipe.author)}            '
        '<button id="friendDiv">소식받기</button></span></div></div>'
    )


def _intro(recipe: SampleRecipe) -> str:
    text = intro_of(recipe)
    if not text:
        return ""
    return (
        f'<div class="view2_summary_in" id="recipeIntro">\n    {text} <br> 맛있게 드세요.\n</div>'
    )


def _facts(recipe: SampleRecipe) -> str:
    facts = []
    if recipe.servings is not None:
        word = "6인분 이상" if recipe.servings >= 6 else f"{recipe.servings}인분"
        facts.append(f'<span class="view2_summary_info1">{word}</span>')
    if recipe.minutes is not None:
        word = "2시간 이내" if recipe.minutes == 120 else f"{recipe.minutes}분 이내"
        facts.append(f'<span class="view2_summary_info2">{word}</span>')
    if recipe.level is not None:
        facts.append(f'<span class="view2_summary_info3">{recipe.level}</span>')
    return " ".join(facts)


def _tools(recipe: SampleRecipe) -> str:
    if recipe.index // 2 % 6:
        return ""
    return (
        '<div class="best_tit"><b>조리도구</b></div><div class="ready_ingre3"><ul class="case1">'
        '<li>냄비<a href="#" class="ingre_list_btn">구매</a><span class="ingre_unit"></span></li>'
        "</ul></div>"
    )


def _tip(recipe: SampleRecipe) -> str:
    if recipe.index // 2 % 4:
        return ""
    return (
        '<dl class="view_step_tip"><dt><img src="/img/tit_tip.gif" alt="팁-주의사항"></dt>'
        "<dd>불 조절에 주의하세요.<br />\n간은 마지막에 봅니다.</dd></dl>"
    )


def _tags(config: SampleConfig, recipe: SampleRecipe) -> str:
    if recipe.index // 2 % 5 == 0:
        return ""
    words = ["집밥", "오늘의요리"]
    if recipe.draw.is_named and recipe.index // 2 % 2:
        words.append(world_of(config).dishes[recipe.draw.dish].names["ko"][0].replace(" ", ""))
    links = (f'<a href="/recipe/list.html?q={word}">#{word}</a>' for word in words)
    return f'<div class="view_tag">{"".join(links)}</div>'


def _notice(recipe: SampleRecipe) -> str:
    day = f"{recipe.published:%Y-%m-%d}"
    changed = f"<b>수정일 : {day}</b>" if recipe.index // 2 % 3 == 0 else ""
    return (
        f'<div class="view_notice"><p class="view_notice_date"><b>등록일 : {day}</b>{changed}</p>'
        "<span>저작자의 사전 동의 없이 글과 사진을 옮길 수 없습니다.</span></div>"
    )


def _profile(recipe: SampleRecipe) -> str:
    return (
        f'<div class="profile_cont"><p class="cont_name">{escape(recipe.author)}   '
        '<button>소식받기</button></p><p class="cont_intro">요리를 좋아합니다.</p></div>'
    )


def _comments(recipe: SampleRecipe) -> str:
    count = recipe.index // 2 % 3
    written = "".join(
        '<div class="media reply_list"><div class="media-left"><img class="media-object" '
        'src="/img/df/pf_100_100.png"></div><div class="media-body"><h4 class="media-heading">'
        f'<b class="info_name_f">손님{number}</b>2025-01-0{number + 1} 03:04 <span>|</span>'
        '<a href="javascript:void(0);">답글</a></h4>\n간장 2큰술 넣으니 맛있네요!\n</div></div>'
        for number in range(count)
    )
    return (
        '<div class="view_reply"><div class="reply_tit">댓글 '
        f'<span id="recipeCommentListCount">{count}</span></div>'
        f'<div id="recipeCommentList_1">{written}</div></div>'
    )


def _related(config: SampleConfig, recipe: SampleRecipe) -> str:
    """Return the shop block, which names the dish on three pages of five."""
    block = '<div id="divRelativeRecipes"></div>'
    if int(hex_digest(config.seed, recipe.index, "goods")[:4], 16) >= 0.6 * 0x10000:
        return block
    name = world_of(config).dishes[recipe.draw.dish].names["ko"][0]
    return (
        f'{block}<div id="relationGoods"><div class="best_tit"><b>{name}</b> 재료 쇼핑</div></div>'
    )


_WEBSITE_LD = (
    '<script type="application/ld+json">{"@context": "http://schema.org/", "@type": "WebSite", '
    '"name": "만개의레시피"}</script>'
)
_MEASURES = (
    '<div class="modal" id="measureModal"><table><tr><th>계량</th><th>밥숟가락</th></tr>'
    "<tr><td>간장 1큰술(1T)</td><td>15ml</td></tr><tr><td>설탕 1큰술</td><td>15g</td></tr>"
    "<tr><td>고춧가루 1작은술</td><td>5g</td></tr></table></div>"
)
