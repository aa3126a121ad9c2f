"""What each decorator changes, and that it changes nothing else."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from modeling.decorators.cache import Cached
from modeling.decorators.prediction_id import PredictionId
from modeling.decorators.timing import Timed
from modeling.interface import Contribution, MLModel, Prediction
from tests.support.shelf import Keeping, Shelf


class Pair(BaseModel):
    model_config = ConfigDict(frozen=True)

    a: float
    b: float
    note: str = ""


class Wider(Pair):
    c: float = 0.0


class Counting(MLModel):
    """Answers from `a` alone, and counts how often it had to."""

    qualified_name = "counting"
    display_name = "Counting"
    description = "Counts."
    input_schema: type[BaseModel] = Pair
    output_schema: type[BaseModel] = Prediction

    def __init__(self, version: str = "1", *, deterministic: bool = True) -> None:
        self.version = version
        self.deterministic = deterministic
        self.asked: list[Pair] = []

    def predict(self, data: BaseModel) -> Any:
        return self.predict_many([data])[0]

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        found = [Pair.model_validate(one.model_dump()) for one in data]
        if any(one.a < 0 for one in found):
            raise ValueError("negative")
        self.asked += found
        return [Prediction(probability=one.a / 10) for one in found]

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        return (Contribution("a", data.model_dump()["a"], 1.0),)


def cached(model: MLModel, shelf: Shelf, rules: Keeping = Keeping()) -> Cached:  # noqa: B008
    return Cached(model, shelf, rules=lambda: rules)


def key(decorated: Cached, data: BaseModel, rules: Keeping = Keeping()) -> str:  # noqa: B008
    return decorated.key(data, rules)


def test_a_second_answer_comes_from_the_cache_of_any_process() -> None:
    shelf, first, second = Shelf(), Counting(), Counting()
    assert cached(first, shelf).predict(Pair(a=1, b=2)) == cached(second, shelf).predict(Pair(b=2, a=1))
    assert (len(first.asked), len(second.asked)) == (1, 0)


def test_a_batch_asks_for_what_is_missing_once_each() -> None:
    model, shelf = Counting(), Shelf()
    decorated = cached(model, shelf)
    decorated.predict(Pair(a=1, b=0))
    answers = decorated.predict_many([Pair(a=n, b=0) for n in (1, 2, 3, 2, 1)])
    assert [answer.probability for answer in answers] == [0.1, 0.2, 0.3, 0.2, 0.1]
    assert [one.a for one in model.asked] == [1, 2, 3]
    assert shelf.asked == 2, "one look-up a batch"


@pytest.mark.parametrize(
    "other", [Pair(a=2, b=1), Pair(a=1, b=2, note="x"), Pair(a=12, b=0), Pair(a=1, b=2, note="1,2"), Pair(a=1, b=-2)]
)
def test_two_inputs_never_share_an_entry(other: Pair) -> None:
    decorated = cached(Counting(), Shelf())
    assert key(decorated, Pair(a=1, b=2)) != key(decorated, other)


def test_another_version_or_schema_never_shares_an_entry() -> None:
    wider = Counting("1")
    wider.input_schema = Wider
    keys = [key(cached(model, Shelf()), Pair(a=1, b=2)) for model in (Counting("1"), Counting("2"), wider)]
    assert len(set(keys)) == 3


def test_only_the_chosen_fields_make_the_key() -> None:
    model = Counting()
    decorated = cached(model, Shelf(), Keeping(cache_fields=("a", "b")))
    decorated.predict(Pair(a=1, b=2, note="x"))
    decorated.predict(Pair(a=1, b=2, note="y"))
    decorated.predict(Pair(a=2, b=1, note="y"))
    assert len(model.asked) == 2


def test_a_model_that_lacks_a_chosen_field_goes_by_all_of_its_own() -> None:
    model = Counting()
    decorated = cached(model, Shelf(), Keeping(cache_fields=("b", "zip")))
    assert [decorated.predict(Pair(a=n, b=0)).probability for n in (1, 2)] == [0.1, 0.2]


def test_near_equal_inputs_share_an_entry_only_when_that_is_asked_for() -> None:
    shelf, near, nearer = Shelf(), Pair(a=1.004, b=-0.001), Pair(a=1.0, b=0.0)
    exact, coarse = Counting(), Counting()
    answers = [cached(exact, shelf).predict(one).probability for one in (near, nearer)]
    assert answers == [near.a / 10, nearer.a / 10]
    decorated = cached(coarse, shelf, Keeping(cache_decimals=2))
    assert {decorated.predict(one).probability for one in (near, nearer)} == {near.a / 10}
    assert decorated.predict(Pair(a=1.006, b=0)).probability == 0.1006
    assert (len(exact.asked), len(coarse.asked)) == (2, 2), "nor do exact ones meet what was shared"


class Anything(Pair):
    extra: Any = None
    hidden: Any = Field(None, exclude=True)


@pytest.mark.parametrize("extra", [math.nan, [math.inf], {"x": -math.inf}, 2**70, {1, 2}, "\ud800"])
def test_what_json_cannot_hold_is_not_remembered(extra: Any) -> None:
    model, shelf = Counting(), Shelf()
    model.input_schema = type("Extra", (Pair,), {"__annotations__": {"extra": Any}, "extra": None})
    decorated = cached(model, shelf)
    one = model.input_schema.model_validate({"a": 1, "b": 2, "extra": extra})
    decorated.predict_many([one, model.input_schema.model_validate({"a": 1, "b": 2}), one])
    assert (len(model.asked), shelf.entries) == (3, {})


def test_inputs_that_hide_a_field_are_not_remembered() -> None:
    model, shelf = Counting(), Shelf()
    model.input_schema = Anything
    cached(model, shelf).predict(Anything(a=1, b=2, hidden=1))
    assert shelf.entries == {}


@pytest.mark.parametrize("entry", [{}, {"probability": 7}, {"probability": None}, {"p": 0.1}, None, [], "x"])
def test_an_entry_that_is_no_answer_is_a_miss_and_is_mended(entry: Any) -> None:
    model, shelf = Counting(), Shelf()
    decorated = cached(model, shelf)
    name = key(decorated, Pair(a=4, b=0))
    shelf.entries[name] = entry
    assert decorated.predict(Pair(a=4, b=0)).probability == 0.4
    assert shelf.entries[name] == {"probability": 0.4}


def test_entries_always_expire_and_zero_seconds_mean_no_cache() -> None:
    model, shelf = Counting(), Shelf()
    cached(model, shelf, Keeping(cache_ttl_seconds=12.5)).predict(Pair(a=1, b=0))
    assert set(shelf.lifetimes.values()) == {12.5}
    cached(model, shelf, Keeping(cache_ttl_seconds=0)).predict(Pair(a=1, b=0))
    assert (len(model.asked), shelf.asked) == (2, 1)


def test_a_model_that_draws_lots_is_always_asked() -> None:
    model, shelf = Counting(deterministic=False), Shelf()
    decorated = cached(model, shelf)
    decorated.predict_many([Pair(a=1, b=0)] * 3)
    assert len(model.asked) == 3
    assert shelf.entries == {}


def test_a_cached_answer_never_repeats_an_id() -> None:
    model = Counting()
    decorated = PredictionId(cached(model, Shelf()))
    one = Pair(a=1, b=0)
    answers = [decorated.predict(one), decorated.predict(one), *decorated.predict_many([one] * 3)]
    assert len(model.asked) == 1
    ids = [answer.prediction_id for answer in answers]
    assert len(set(ids)) == 5
    assert ids == sorted(ids)  # ids sort by the time they were made
    assert {answer.probability for answer in answers} == {0.1}


def test_an_answer_that_has_an_id_already_gets_a_new_one() -> None:
    decorated = PredictionId(PredictionId(Counting()))
    answer = decorated.predict(Pair(a=1, b=0))
    assert len(answer.prediction_id) == 36


def test_the_id_is_in_the_schema_and_the_inner_fields_stay() -> None:
    schema = PredictionId(Counting()).output_schema
    assert set(schema.model_json_schema()["required"]) == {"probability", "prediction_id"}
    assert issubclass(schema, Prediction)


def test_each_call_is_timed_once_and_a_failed_one_is_not() -> None:
    seen: list[tuple[str, float]] = []
    decorated = Timed(Counting(), lambda operation, seconds: seen.append((operation, seconds)))
    decorated.predict(Pair(a=1, b=0))
    decorated.predict_many([Pair(a=1, b=0)] * 5)
    decorated.explain(Pair(a=1, b=0))
    with pytest.raises(ValueError, match="negative"):
        decorated.predict(Pair(a=-1, b=0))
    assert [operation for operation, _ in seen] == ["predict", "predict_many", "explain"]
    assert all(0 < seconds < 1 for _, seconds in seen)
