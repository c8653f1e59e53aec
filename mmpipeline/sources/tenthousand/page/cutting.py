"""The cut of a page to what holds fields, before a tree is built.

Nine tenths of a recipe page are scripts, styles, adverts, comments and modals. Building tree
nodes for them is most of the cost of reading a page, so they are dropped by searching the text.
Every field is then read from a BeautifulSoup tree of the rest. The price: the marks below must
be right, and a mark the site changes makes reading slower, not wrong.
"""

import re
from bisect import bisect_left

_DROPPED_TAGS = re.compile(r"<(script|style|noscript|ins|svg|iframe|!--)", re.I)
_CLOSINGS = re.compile(r"</(script|style|noscript|ins|svg|iframe)", re.I)
_JSON_LD = re.compile(r"<script\b[^>]{0,200}ld\+json", re.I)
_FILLED_IFRAME = re.compile(r"<iframe\b[^>]{0,2000}org_src", re.I)

_MAX_TAGS_TO_SEARCH = 50_000
# Parts without any field, up to the next mark that may begin a part with one.
_REGION_STARTS = re.compile(
    r"<div\b[^>]{0,200}?(?:class\s*=\s*[\"'](?:view_reply|modal)\b|id\s*=\s*[\"']divRelativeRecipes)"
)
_REGION_ENDS = re.compile(
    r"<(?:div|dl|p|h3|span)\b[^>]{0,300}?(?:class|id)\s*=\s*[\"'](?:view2_|view_tag|view_notice|"
    r"view_step|view_movie|view_cont|ready_ingre3|cont_ingre|profile_cont|relationGoods|completeimgs|"
    r"divConfirmedMaterialArea|centeredcrop|user_info2|best_tit|oldContArea|stepDiv)"
    r"|<script\b[^>]{0,200}ld\+json"
)


def cut_page(html: str) -> str:
    """Drop scripts, styles, comments, adverts, reader comments and modals.

    Parameters
    ----------
    html
        A whole recipe page.

    Returns
    -------
    str
        The rest, in the same order. JSON-LD scripts stay.
    """
    html = _drop_tags(html)
    # So many tags make the page unreadable anyway, and searching all of them slow.
    return html if html.count("<") > _MAX_TAGS_TO_SEARCH else _drop_regions(html)


def _drop_tags(html: str) -> str:
    kept = []
    position = 0
    never_closed: set[str] = set()
    closings: dict[str, list[int]] = {}
    for closing in _CLOSINGS.finditer(html):
        closings.setdefault(closing[1].lower(), []).append(closing.start())
    for tag in _DROPPED_TAGS.finditer(html):
        if tag.start() < position:
            continue
        name = tag[1].lower()
        if name in never_closed or _holds_field(html, tag.start(), name):
            continue
        end = _find_end(html, tag, closings.get(name, []))
        if end < 0:
            never_closed.add(name)
            continue
        kept.append(html[position : tag.start()])
        position = end
    kept.append(html[position:])
    return "".join(kept)


def _holds_field(html: str, start: int, name: str) -> bool:
    if name == "script":
        return _JSON_LD.match(html, start) is not None
    return name == "iframe" and _FILLED_IFRAME.match(html, start) is not None


def _find_end(html: str, tag: re.Match[str], closings: list[int]) -> int:
    """Return where the text after a dropped element begins; -1 when it is never closed."""
    if tag[1] == "!--":
        end = html.find("-->", tag.end())
        return end + 3 if end >= 0 else -1
    number = bisect_left(closings, tag.end())
    if number == len(closings):
        return -1
    end = html.find(">", closings[number])
    return len(html) if end < 0 else end + 1


def _drop_regions(html: str) -> str:
    kept = []
    position = 0
    while start := _REGION_STARTS.search(html, position):
        kept.append(html[position : start.start()])
        end = _REGION_ENDS.search(html, start.end())
        if end is None:
            return "".join(kept)
        position = end.start()
    kept.append(html[position:])
    return "".join(kept)
