"""Words, in Korean and English: cleaning, amounts, ingredient lines, languages, dish names.

Pure functions of strings; the only file read is the dish dictionary that lies in this package.
"""

from mmpipeline.text.dishes import Dish, DishDictionary, DishMatch
from mmpipeline.text.ingredients import parse_ingredient
from mmpipeline.text.language import detect_language
from mmpipeline.text.normalize import clean_text, fold_text
from mmpipeline.text.quantities import Amount, parse_amount

__all__ = [
    "Amount",
    "Dish",
    "DishDictionary",
    "DishMatch",
    "clean_text",
    "detect_language",
    "fold_text",
    "parse_amount",
    "parse_ingredient",
]
