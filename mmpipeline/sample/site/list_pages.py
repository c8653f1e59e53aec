"""List pages of the fake site: cards, adverts between them, the pager that jumps by ten."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from mmpipeline.config.sample import SampleConfig
from mmpipeline.sample.site.page_frame import page_head, page_views, photo_path
from mmpipeline.sample.world.recipes import SampleRecipe, recipe_at
from mmpipeline.sources.tenthousand.page.categories import CATEGORIES

CARDS_PER_PAGE = 40
RANKED = 100
_LINKS_PER_BLOCK = 10


@dataclass(frozen=True)
class ListQuery:
    """What a list page was asked for; the parts of its address that matter."""

    page: int = 1
    order: str = "reco"
    q: str = ""
    categories: tuple[tuple[str, str], ...] = ()

    def link(self, page: int) -> str:
        """Return the address of another page of the same list, escaped for HTML."""
        parts = [f"{key}={value}" for key, value in self.categories]
        parts += [f"q={escape(self.q)}"] if self.q else []
        return "/recipe/list.html?" + "&amp;".join([*parts, f"order={self.order}", f"page={page}"])


def read_list_query(values: Mapping[str, str]) -> ListQuery:
    """Return what the fields of a list page's address ask for; what cannot be read is left out."""
    page = values.get("page", "1")
    keys = ("cat1", "cat2", "cat3", "cat4")
    return ListQuery(
        page=max(1, int(page)) if page.isdecimal() else 1,
        order="date" if values.get("order") == "date" else "reco",
        q=values.get("q", ""),
        categories=tuple((key, values[key]) for key in keys if key in values),
    )


def list_page(
    config: SampleConfig, query: ListQuery, positions: list[int], total: int, host: str
) -> str:
    """Build a list page.

    Parameters
    ----------
    config
        The world.
    query
        What was asked for.
    positions
        The site positions to show on this page; empty past the end.
    total
        Number of hits on all pages.
    host
        Scheme and host for absolute addresses.

    Returns
    -------
    str
        HTML.
    """
    cards = [_card(config, recipe_at(config, 2 * position), host) for position in positions]
    for place in (3, 17, 26, 38):  # adverts are list items without a recipe link
        if len(cards) > place:
            cards.insert(place, '<li><ins class="adsbygoogle" data-ad-slot="1"></ins></li>')
    listed = "\n".join(cards) or (
        '<div class="result_none"><img src="/img/none_recipe.png">'
        "<p>검색된 레시피가 없습니다.</p></div>"
    )
    active = {"date": "", "reco": "", query.order: ' class="active"'}
    return (
        f"{page_head('레시피 목록', 8_000)}"
        '<div id="contents_area_full" style="clear:both;">\n'
        '<div class="s_list_ea tit">레시피 <span>분류</span></div>\n'
        f"{_category_block()}{_search_form(query)}"
        '<ul class="rcp_m_list2"><div class="m_list_tit">총 '
        f"<b>{total:,}</b>개의 맛있는 레시피가 있습니다."
        '<ul class="nav nav-tabs2 pull-right">'
        f'<li role="presentation"{active["date"]}><a href="javascript:void(0);" '
        "onclick=\"goSearchRecipe('order','date')\">최신순</a></li>"
        f'<li role="presentation"{active["reco"]}><a href="javascript:void(0);" '
        "onclick=\"goSearchRecipe('order','reco')\">추천순</a></li></ul></div>\n"
        f'<ul class="common_sp_list_ul ea4" style="padding:0 0 0 8px;">\n{listed}\n</ul>\n'
        f'<nav class="text-center"><ul class="pagination">{_pager(query, total)}</ul></nav></ul>\n'
        '</div><ul class="btm_stats"><li><span class="btm_stats_3">총 레시피수</span> '
        f"<b>{total:,}</b></li></ul></body></html>"
    )


def ranking_page(config: SampleConfig, positions: list[int], host: str) -> str:
    """Build the ranking: the cards of a list after some items that are none, and no pager.

    Parameters
    ----------
    config
        The world.
    positions
        The site positions to show.
    host
        Scheme and host for absolute addresses.

    Returns
    -------
    str
        HTML.
    """
    cards = [_card(config, recipe_at(config, 2 * position), host) for position in positions]
    others = "".join(f'<li><a href="/theme/{number}">테마 {number}</a></li>' for number in range(6))
    return (
        f"{page_head('레시피 랭킹', 8_000)}<ul>{others}</ul>"
        f'<ul class="common_sp_list_ul ea4">{"".join(cards)}</ul></body></html>'
    )


def _card(config: SampleConfig, recipe: SampleRecipe, host: str) -> str:
    place, views = recipe.index // 2, page_views(recipe)
    label = (
        '<span class="common_vod_label"><img src="/img/icon_vod.png"></span>'
        if place % 9 == 2
        else ""
    )
    thumbnail = photo_path(config, recipe, 0, "_m") if recipe.has_photo else "/img/icon_none.png"
    avatar = '<img src="/img/df/pf_100_100.png">' if place % 2 else ""
    stars = (
        '<span class="common_sp_caption_rv_star">'
        + '<img src="/img/mobile/icon_star2_on.png">' * 5
        + f'</span><span class="common_sp_caption_rv_ea">({place % 90 + 1})</span>'
    )
    shown = f"{views / 10_000:.1f}만" if views >= 10_000 else f"{views:,}"
    return (
        '<li class="common_sp_list_li"><div class="common_sp_thumb">'
        f'<a href="/recipe/{recipe.source_id}" class="common_sp_link">{label}'
        f'<img src="{host}{thumbnail}"></a></div><div class="common_sp_caption">'
        f'<div class="common_sp_caption_tit line2">{escape(recipe.title)}</div>'
        '<div class="common_sp_caption_rv_name" style="display: inline-block;">'
        f'<a href="/profile/recipe.html?uid={recipe.author_uid}">'
        f"{avatar}{escape(recipe.author)}</a></div>"
        f'<div class="common_sp_caption_rv">{stars if place % 3 == 0 else ""}'
        f'<span class="common_sp_caption_buyer">조회수 {shown}</span></div></div></li>'
    )


def _pager(query: ListQuery, total: int) -> str:
    last = max(1, -(-total // CARDS_PER_PAGE))
    first = (query.page - 1) // _LINKS_PER_BLOCK * _LINKS_PER_BLOCK + 1
    links = []
    if first > 1:
        links.append(
            f'<li><a href="{query.link(first - 1)}" aria-label="Prev">'
            '<span aria-hidden="true">&lt;</span></a></li>'
        )
    for page in range(first, min(last, first + _LINKS_PER_BLOCK - 1) + 1):
        active = ' class="active"' if page == query.page else ""
        links.append(f'<li{active}><a href="{query.link(page)}">{page}</a></li>')
    if first + _LINKS_PER_BLOCK <= last:
        links.append(
            f'<li><a href="{query.link(first + _LINKS_PER_BLOCK)}" aria-label="Next">'
            '<span aria-hidden="true">&gt;</span></a></li>'
        )
    return "".join(links)


_HIDDEN_FIELDS = (
    "query", "cat1", "cat2", "cat3", "cat4", "fct", "order", "lastcate", "dsearch", "copyshot",
    "scrap", "degree", "portion", "time", "niresource",
)  # fmt: skip


def _search_form(query: ListQuery) -> str:
    chosen = dict(query.categories)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{chosen.get(name, "")}">'
        for name in _HIDDEN_FIELDS
    )
    return (
        '<form id="srRecipeFrm" name="srRecipeFrm" method="get" action="/recipe/list.html">'
        f'<input type="hidden" name="q" value="{escape(query.q)}">{hidden}</form>\n'
    )


@lru_cache(maxsize=1)
def _category_block() -> str:
    blocks = []
    for axis, codes in CATEGORIES.items():
        everything = f"<a href=\"javascript:goSearchRecipe('{axis}','')\" class=\"active\">전체</a>"
        links = "".join(
            f"<a href=\"javascript:goSearchRecipe('{axis}','{code}')\">{name}</a>"
            for code, (name, _) in codes.items()
        )
        blocks.append(f'<div class="cate_list">{everything}{links}</div>')
    return (
        '<div id="id_search_category" style="display:none" class="rcp_m_cate"><table><tr><td>'
        f'<div class="rcp_cate st3">{"".join(blocks)}</div></td></tr></table></div>\n'
    )
