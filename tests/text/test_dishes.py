import pytest

from mmpipeline.text.dishes import Dish, DishDictionary, DishMatch
from mmpipeline.text.normalize import fold_text


@pytest.fixture(scope="module")
def dictionary() -> DishDictionary:
    return DishDictionary.load()


@pytest.mark.parametrize(
    ("title", "dish", "confidence"),
    [
        ("김치찌개", "kimchi-jjigae", 1.0),
        ("초간단 돼지고기 김치 찌개 황금레시피 만들기", "kimchi-jjigae", 0.9),
        ("김치찌개맛있게끓이는법", "kimchi-jjigae", 0.9),
        ("엄마표 김치찌게", "kimchi-jjigae", 0.8),
        ("매콤달콤 떡볶기!", "tteokbokki", 0.8),
        ("계란말이 도시락", "gyeran-mari", 0.9),
        ("김치볶음밥", "kimchi-bokkeumbap", 1.0),
        ("밀포유나베", "milpeuyu-nabe", 1.0),
        ("불고기 비빔밥", "bibimbap", 0.6),
        ("Best Kimchi Stew Ever", "kimchi-jjigae", 0.9),
        ("bi bim bap", "bibimbap", 1.0),
        ("Easy Pancakes", "pancake", 0.9),
        ("Tacos with Guacamole", "tacos", 0.9),
        ("Bulgogi bibimbap", "bibimbap", 0.6),
        ("잡채 (japchae)", "japchae", 0.9),
    ],
)
def test_a_title_names_a_dish(
    dictionary: DishDictionary, title: str, dish: str, confidence: float
) -> None:
    assert dictionary.match(title) == DishMatch(dish, confidence)


@pytest.mark.parametrize(
    "title",
    [
        "",
        "?!",
        "오늘 저녁 한 그릇",
        "불고기 양념",
        "카레가루 활용법",
        "만두피",
        "고추잡 채썰기",
        "Carbonara sauce",
        "Pizza dough",
        "phone soup",
        "Rice with kimchi stew",
    ],
)
def test_a_title_names_no_dish(dictionary: DishDictionary, title: str) -> None:
    assert dictionary.match(title) is None


def test_every_name_of_the_dictionary_finds_its_own_dish(dictionary: DishDictionary) -> None:
    for dish in dictionary.dishes.values():
        for name in (*dish.names_ko, *dish.names_en):
            assert dictionary.match(name) == DishMatch(dish.key, 1.0), name


def test_the_dictionary_covers_both_languages(dictionary: DishDictionary) -> None:
    assert len(dictionary.dishes) >= 90
    for dish in dictionary.dishes.values():
        assert dish.names_ko, dish.key
        assert dish.names_en, dish.key
        assert dish.key == fold_text(dish.key).replace(" ", "-")


def test_the_longer_of_two_names_wins() -> None:
    dictionary = DishDictionary([
        Dish("guk", ("만두국",), ("dumpling soup",)),
        Dish("mandu", ("만두",), ("dumpling",)),
    ])
    assert dictionary.match("떡 만두국") == DishMatch("guk", 0.9)
    assert dictionary.match("Spicy dumpling soup") == DishMatch("guk", 0.9)
    assert dictionary.match("Spicy dumplings") == DishMatch("mandu", 0.9)
