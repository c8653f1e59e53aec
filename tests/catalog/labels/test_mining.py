from mmpipeline.catalog.labels.mining import NameMiner, count_names, label_title_core
from mmpipeline.catalog.labels.title_parts import find_title_core
from mmpipeline.text.dishes import Dish, DishDictionary

DICTIONARY = DishDictionary([Dish("kimchi-jjigae", ("김치찌개",), ("kimchi jjigae",))])


def mine(*titles: str, min_titles: int = 2) -> NameMiner:
    counts: dict[str, int] = {}
    for title in titles:
        title_core, is_whole = find_title_core(title)
        if is_whole:
            counts[title_core] = counts.get(title_core, 0) + 1
    alone = ((title_core, count, count) for title_core, count in counts.items())
    return NameMiner(count_names(alone, DICTIONARY, min_titles), DICTIONARY)


def test_a_name_that_stands_alone_is_learnt() -> None:
    miner = mine("Easy Cabbage Rolls", "My Cabbage Rolls", "Lazy Day Cabbage Rolls", "Odd Mess")
    assert label_title_core("lazy day cabbage rolls", miner) == (
        "en:cabbagerolls",
        0.75,
        "cabbage rolls",
    )
    assert label_title_core("stuffed cabage rolls", miner)[:2] == ("en:cabbagerolls", 0.65)
    assert label_title_core("odd mess", miner) == (None, None, None)
    assert label_title_core("", miner) == (None, None, None)


def test_what_goes_on_is_no_evidence() -> None:
    miner = mine("Warm Green Thing with Peas", "Warm Green Thing with Beans")
    assert miner.counts == {}


def test_korean_names_end_like_a_dish() -> None:
    miner = mine(
        "강원도 옹심이국",
        "맑은 옹심이국 끓이기",
        "오늘의 국물 요리",
        "매일 국물 요리",
        "봄 국",
        "밥 국",
    )
    assert set(miner.counts) == {"옹심이국"}
    assert label_title_core("구수한 옹심이국", miner)[0] == "ko:옹심이국"
    assert label_title_core("강원도옹심이국", miner)[0] == "ko:옹심이국"
    assert label_title_core("옹심이꾹", miner)[:2] == ("ko:옹심이국", 0.65)


def test_qualified_names_fall_to_the_commoner_one() -> None:
    miner = mine("옹심이국", "옹심이국", "감자옹심이국", "감자옹심이국")
    assert label_title_core("감자옹심이국", miner)[0] == "ko:옹심이국"


def test_what_the_dictionary_knows_is_not_learnt() -> None:
    miner = mine("김치찌게", "김치찌게", "Kimchee Jigae", "Kimchee Jigae")
    assert miner.counts == {}
    assert label_title_core("묵은지 김치찌게", miner) == ("kimchi-jjigae", 0.65, None)
    assert label_title_core("hot kimchee jigae", miner)[0] == "kimchi-jjigae"


def test_a_short_word_must_be_right() -> None:
    stew = DishDictionary([
        Dish("beef-stew", (), ("beef stew",)),
        Dish("bean-soup", (), ("bean soup",)),
    ])
    assert stew.match_misspelt("bean stew") is None
    assert stew.match_misspelt("beff stew") == "beef-stew"


def test_a_description_is_no_name() -> None:
    title_cores = [("noodle bowl", 9, 2), ("dan bing", 9, 3)]
    assert count_names(title_cores, DICTIONARY, 2) == {"dan bing": 9}
