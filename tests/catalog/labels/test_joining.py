from mmpipeline.catalog.labels.joining import join_names
from mmpipeline.text.dishes import DishDictionary


def test_names_that_sound_alike_are_joined() -> None:
    counts = dict.fromkeys(
        (
            "ko:감자탕",
            "ko:파전",
            "ko:떡갈비",
            "en:gamjatang",
            "en:porkbonesoup",
            "en:pajeon",
            "galbi",
        ),
        3,
    )
    assert join_names(counts) == {"en:gamjatang": "ko:감자탕", "en:pajeon": "ko:파전"}


def test_borrowed_words_are_joined_by_many_consonants() -> None:
    keys = ("ko:토마토스파게티", "en:tomatospaghetti", "ko:후라이드치킨", "en:friedchicken")
    assert join_names(dict.fromkeys(keys, 3)) == {keys[1]: keys[0], keys[3]: keys[2]}
    assert join_names({"ko:감자전": 3, "en:kimchijeon": 3}) == {}  # gmjjn both


def test_the_commonest_of_several_is_joined() -> None:
    counts = {"ko:미역국": 5, "ko:미역극": 2, "en:miyeokgook": 1, "en:miyeokguk": 4}
    assert join_names(counts) == {"en:miyeokguk": "ko:미역국"}
    assert join_names(dict(reversed(counts.items()))) == join_names(counts)


def test_no_two_dishes_of_the_dictionary_are_joined() -> None:
    dishes: dict[str, set[str]] = {}
    for dish in DishDictionary.load().dishes.values():
        for name in (*dish.names_ko, *dish.names_en):
            language = "en" if name.isascii() else "ko"
            key = f"{language}:{name.replace(' ', '').replace('-', '')}"
            dishes.setdefault(key, set()).add(dish.key)
    joined = join_names(dict.fromkeys(dishes, 1))
    assert len(joined) >= 80
    assert [(english, korean) for english, korean in joined.items()
            if dishes[english].isdisjoint(dishes[korean])] == []  # fmt: skip
