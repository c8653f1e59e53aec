"""The models of answers are what the documentation shows, field by field."""

import math

import pytest
from pydantic import BaseModel, ValidationError

from mmpipeline.search.results import SubsetHit, SubsetRanking, Verdict
from mmpipeline.serving.api import response_models as answers
from mmpipeline.serving.api.response_models import (
    DishAnswer,
    HitAnswer,
    MapAnswer,
    SubsetsAnswer,
    VerdictAnswer,
)

HIT = {
    "recipe_id": "10k:1", "title": None, "dish": None, "dish_names": {}, "language": "ko",
    "source": "10k", "url": None, "author": None, "photo": None, "rank": 1, "score": 0.5,
    "shared_ingredients": [], "tags": [], "probability": None, "contributions": {"title": 0.5},
    "carried_by": "title",
}  # fmt: skip


def test_what_is_not_known_is_null_and_never_left_out() -> None:
    told = HitAnswer.model_validate(HIT).model_dump()
    assert told.keys() == HIT.keys()
    assert told["dish_names"] == {"name_ko": None, "name_en": None}
    for name in HIT:
        if name != "dish_names":
            with pytest.raises(ValidationError, match=name):
                HitAnswer.model_validate({key: HIT[key] for key in HIT if key != name})


def test_every_model_says_what_it_is() -> None:
    models = [
        found
        for found in vars(answers).values()
        if isinstance(found, type) and issubclass(found, BaseModel) and found is not BaseModel
    ]
    assert len(models) > 10
    for model in models:
        assert model.model_json_schema()["description"] == (model.__doc__ or "").strip()


def test_a_map_that_is_being_drawn_has_no_points() -> None:
    drawing = MapAnswer(version="v", state="drawing", recipes=3).model_dump()
    assert (drawing["points"], drawing["dishes"]) == (None, [])


def test_a_dish_is_an_answer_with_names() -> None:
    dish = {"rank": 1, "dish": "bibimbap", "score": 1, "recipes": 2, "is_known": True}
    told = DishAnswer.model_validate(dish | {"probability": 0.5, "name_ko": "비빔밥"})
    assert told.name_ko == "비빔밥"
    with pytest.raises(ValidationError, match="text"):
        VerdictAnswer.model_validate({"is_confident": None, "best_score": None, "threshold": None})


def test_what_the_index_says_is_read_by_its_attributes() -> None:
    verdict = Verdict(is_confident=False, best_score=math.nan, threshold=0.5)
    told = VerdictAnswer.model_validate(verdict)
    assert (told.is_confident, told.best_score, told.threshold) == (False, None, 0.5)
    assert told.text == verdict.text
    hit = SubsetHit(rank=1, subset="soups", kind="named", score=0.5, items=3)
    ranking = SubsetRanking(version="v", asked_with=("title",), subsets=[hit])
    assert SubsetsAnswer.model_validate(ranking).model_dump_json() == (
        '{"version":"v","asked_with":["title"],"subsets":[{"rank":1,"subset":"soups",'
        '"kind":"named","name":null,"score":0.5,"items":3}]}'
    )
