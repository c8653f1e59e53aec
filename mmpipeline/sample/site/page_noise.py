"""Noise that fills most of a real recipe page and says nothing of the recipe.

Menus, reader comments, reviews and modals full of words that look like ingredients: a parser must
not take any of it for the recipe, and must not spend its time on it.
"""

from functools import lru_cache

_ROW = "<tr><td>간장 1큰술(1T)</td><td>밥숟가락으로 한 숟가락</td><td>15ml</td></tr>"


@lru_cache(maxsize=8)
def menu(chars: int) -> str:
    """Return the head of the page's body, about `chars` long."""
    items = "".join(
        f'<li class="gnb_nav_li"><a href="/recipe/list.html?cat4={number}" '
        f"onclick=\"ga('send', 'event', 'menu', '{number}');\">메뉴 {number}</a></li>"
        for number in range(max(1, chars // 120))
    )
    return f'<div class="gnb"><ul class="gnb_nav_ul">{items}</ul></div>'


@lru_cache(maxsize=64)
def comments(chars: int, position: int) -> str:
    """Return the block of reader comments, which uses the steps' inner class."""
    written = "".join(
        '<div class="media reply_list"><div class="media-left"><a href="/profile/recipe_comment.'
        f'html?uid=1000{number:04d}"><img class="media-object" src="/img/df/pf_100_100.png"></a>'
        '</div><div class="media-body"><h4 class="media-heading"><b class="info_name_f">손님'
        f'{number}</b>2025-01-02 03:04 <span>|</span><a href="javascript:void(0);">답글</a>'
        f"</h4>\n간장 {number % 5 + 1}큰술 넣으니 맛있네요!\n</div></div>"
        for number in range(position % 3 + chars // 420)
    )
    return (
        '<div class="view_reply"><div class="reply_tit">댓글 <span id="recipeCommentListCount">'
        f'{chars // 420}</span></div><div id="recipeCommentList_1">{written}</div></div>'
    )


@lru_cache(maxsize=64)
def reviews(chars: int, position: int) -> str:
    """Return the block of reviews."""
    star = '<img src="/img/mobile/icon_star2_on.png">'
    written = "".join(
        '<div class="media reply_list"><div class="media-body"><h4 class="media-heading">'
        f'<b class="info_name_m">손님{number}</b>2025-01-02 03:04:05 <span class="reply_list_star">'
        f'{star * 5}</span></h4><p class="reply_list_cont">무 2개로 해 봤어요</p></div></div>'
        for number in range(position % 2 + chars // 480)
    )
    return f'<div class="view_reply st2"><div class="reply_tit">요리 후기</div>{written}</div>'


@lru_cache(maxsize=8)
def modals(chars: int) -> str:
    """Return modals, among them the table of measures."""
    rows = _ROW * max(1, chars // len(_ROW))
    return (
        '<div class="modal fade" id="measureModal"><div class="modal-body"><table>'
        f'{rows}</table><ul><li>설탕 1큰술 <span class="ingre_unit">15g</span></li></ul>'
        "</div></div>"
    )
