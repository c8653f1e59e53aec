"""The site's four category axes, named in Korean and English.

A category is written ``cat4=55``. It is never known by its name alone: "기타" (other) stands on
every axis under another code. A recipe's own page does not say its categories, the lists do.
"""

from collections.abc import Iterable, Mapping

from mmpipeline.errors import ConfigError

AXES: Mapping[str, tuple[str, str]] = {
    "cat4": ("종류별", "kind of dish"),
    "cat2": ("상황별", "occasion"),
    "cat3": ("재료별", "main ingredient"),
    "cat1": ("방법별", "method"),
}
"""Korean and English name of each axis, in the order of the site's pages."""

CATEGORIES: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "cat4": {
        63: ("밑반찬", "side dishes that keep"),
        56: ("메인반찬", "main side dishes"),
        54: ("국/탕", "soups"),
        55: ("찌개", "stews"),
        60: ("디저트", "desserts"),
        53: ("면/만두", "noodles and dumplings"),
        52: ("밥/죽/떡", "rice, porridge and rice cake"),
        61: ("퓨전", "fusion"),
        57: ("김치/젓갈/장류", "kimchi, salted seafood and pastes"),
        58: ("양념/소스/잼", "seasonings, sauces and jams"),
        65: ("양식", "Western dishes"),
        64: ("샐러드", "salads"),
        68: ("스프", "Western soups"),
        66: ("빵", "bread"),
        69: ("과자", "biscuits and snacks"),
        59: ("차/음료/술", "tea, drinks and alcohol"),
        62: ("기타", "other"),
    },
    "cat2": {
        12: ("일상", "everyday"),
        18: ("초스피드", "very quick"),
        13: ("손님접대", "for guests"),
        19: ("술안주", "with drinks"),
        21: ("다이어트", "for losing weight"),
        15: ("도시락", "packed lunch"),
        43: ("영양식", "nourishing"),
        17: ("간식", "between meals"),
        45: ("야식", "late at night"),
        20: ("푸드스타일링", "food styling"),
        46: ("해장", "after drinking"),
        44: ("명절", "holidays"),
        14: ("이유식", "for babies"),
        22: ("기타", "other"),
    },
    "cat3": {
        70: ("소고기", "beef"),
        71: ("돼지고기", "pork"),
        72: ("닭고기", "chicken"),
        23: ("육류", "meat"),
        28: ("채소류", "vegetables"),
        24: ("해물류", "seafood"),
        50: ("달걀/유제품", "eggs and dairy"),
        33: ("가공식품류", "processed food"),
        47: ("쌀", "rice"),
        32: ("밀가루", "wheat flour"),
        25: ("건어물류", "dried seafood"),
        31: ("버섯류", "mushrooms"),
        48: ("과일류", "fruit"),
        27: ("콩/견과류", "beans and nuts"),
        26: ("곡류", "grain"),
        34: ("기타", "other"),
    },
    "cat1": {
        6: ("볶음", "stir-frying"),
        1: ("끓이기", "boiling"),
        7: ("부침", "pan-frying"),
        36: ("조림", "braising"),
        41: ("무침", "seasoning and mixing"),
        42: ("비빔", "mixing with rice or noodles"),
        8: ("찜", "steaming"),
        10: ("절임", "pickling"),
        9: ("튀김", "deep-frying"),
        38: ("삶기", "poaching"),
        67: ("굽기", "roasting and grilling"),
        39: ("데치기", "blanching"),
        37: ("회", "serving raw"),
        11: ("기타", "other"),
    },
}
"""Korean and English name of each code, by axis, in the order of the site's pages."""


def expand_categories(wanted: Iterable[str]) -> list[tuple[str, int]]:
    """Return the axis and code of each category that was asked for.

    Parameters
    ----------
    wanted
        ``all``, an axis (``cat4``) or one category (``cat4=55``), in any mixture.

    Returns
    -------
    list of (str, int)
        Each once, in page order of the first that names it.

    Raises
    ------
    ConfigError
        If a category does not exist.
    """
    found: dict[tuple[str, int], None] = {}
    for text in wanted:
        axis, _, code = text.partition("=")
        if text == "all":
            pairs = [(axis, code) for axis, codes in CATEGORIES.items() for code in codes]
        elif axis in CATEGORIES and not code:
            pairs = [(axis, number) for number in CATEGORIES[axis]]
        elif axis in CATEGORIES and code.isdecimal() and int(code) in CATEGORIES[axis]:
            pairs = [(axis, int(code))]
        else:
            raise ConfigError(
                f"scrape.categories names {text!r}; expected 'all', an axis "
                f"({', '.join(CATEGORIES)}) or a category such as 'cat4=55'"
            )
        found |= dict.fromkeys(pairs)
    return list(found)
