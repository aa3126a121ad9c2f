"""One suite over every runtime and every stack of decorators: a decorated model is a model."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import isfinite, log
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from modeling.decorators.cache import Cached
from modeling.decorators.prediction_id import PredictionId
from modeling.decorators.timing import Timed
from modeling.interface import MLModel
from modeling.registry import LoadedModel, ModelRegistry
from tests.support.models import Trained
from tests.support.shelf import Keeping, Shelf

Decorate = Callable[[MLModel], MLModel]

STACKS: dict[str, Decorate] = {
    "bare": lambda model: model,
    "timed": lambda model: Timed(model, lambda _operation, _seconds: None),
    "cached": lambda model: Cached(model, Shelf(), rules=Keeping),
    "identified": PredictionId,
    "all": lambda model: PredictionId(Timed(Cached(model, Shelf(), rules=Keeping), lambda *_: None)),
}
REFS = ("additive@1", "gradient_boosting@1", "catboost@1", "heuristic@1", "tenure_rule@7")
TRAINED = REFS[:-1]
CLASS = "tests.support.third_party:TenureRule"


@pytest.fixture(scope="module", params=STACKS)
def registry(request: pytest.FixtureRequest, models_dir: Path) -> ModelRegistry:
    return ModelRegistry(models_dir, decorate=STACKS[request.param], classes=[CLASS])


@pytest.fixture(params=REFS)
def loaded(request: pytest.FixtureRequest, registry: ModelRegistry) -> LoadedModel:
    return registry.load(request.param)


@pytest.fixture
def inputs(loaded: LoadedModel, trained: Trained) -> list[BaseModel]:
    accepts = {field.alias or name for name, field in loaded.model.input_schema.model_fields.items()}
    chosen = [{name: value for name, value in row.items() if name in accepts} for row in trained.rows[:40]]
    return [loaded.model.input_schema.model_validate(row) for row in chosen]


def probabilities(answers: list[Any]) -> list[float]:
    return [answer.probability for answer in answers]


def test_it_says_what_it_is(loaded: LoadedModel) -> None:
    model = loaded.model
    assert f"{model.qualified_name}@{model.version}" == loaded.ref == loaded.card.ref
    assert model.display_name
    assert model.description
    assert model.deterministic is True
    assert model.input_schema.model_json_schema()["properties"]
    assert "probability" in model.output_schema.model_json_schema()["properties"]
    assert {feature.name for feature in loaded.schema.features} == {
        field.alias or name for name, field in model.input_schema.model_fields.items()
    }


def test_answers_are_probabilities_that_differ(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    answers = loaded.model.predict_many(inputs)
    assert all(isinstance(answer, loaded.model.output_schema) for answer in answers)
    assert all(isfinite(p) and 0 <= p <= 1 for p in probabilities(answers))
    assert len(set(probabilities(answers))) > 1


def test_one_by_one_equals_all_at_once(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    singly = [loaded.model.predict(one) for one in inputs]
    assert probabilities(singly) == probabilities(loaded.model.predict_many(inputs))


def test_order_and_repeats_are_kept(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    plain = probabilities(loaded.model.predict_many(inputs))
    turned = probabilities(loaded.model.predict_many([*reversed(inputs), *inputs]))
    assert turned == [*reversed(plain), *plain]


def test_nothing_asked_nothing_answered(loaded: LoadedModel) -> None:
    assert loaded.model.predict_many([]) == []


def test_threads_get_their_own_answers(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    expected = probabilities(loaded.model.predict_many(inputs))
    reasons = [loaded.model.explain(one) for one in inputs]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(loaded.model.predict, inputs * 10))
        explained = list(pool.map(loaded.model.explain, inputs * 10))
    assert probabilities(answers) == expected * 10
    assert explained == reasons * 10


def test_reasons_cover_the_inputs_as_they_were_given(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    for one in inputs[:10]:
        reasons = loaded.model.explain(one)
        values = one.model_dump(by_alias=True)
        assert {reason.feature: reason.value for reason in reasons} == (values if reasons else {})
        sizes = [abs(reason.effect) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("ref", TRAINED)
def test_base_and_reasons_sum_to_the_log_odds(ref: str, registry: ModelRegistry, trained: Trained) -> None:
    loaded = registry.load(ref)
    for row in trained.rows[:100]:
        one = loaded.model.input_schema.model_validate(row)
        p = loaded.model.predict(one).probability
        reasons = loaded.model.explain(one)
        assert reasons
        assert loaded.card.base + sum(reason.effect for reason in reasons) == pytest.approx(log(p / (1 - p)), abs=1e-5)


def swaps(loaded: LoadedModel, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The row with the values of two fields of one kind exchanged."""
    numbers = [f.name for f in loaded.schema.features if f.kind == "number" and row.get(f.name) is not None]
    for first, second in pairwise(numbers):
        if row[first] != row[second]:
            yield {**row, first: row[second], second: row[first]}


@pytest.mark.parametrize("ref", TRAINED)
def test_swapped_values_are_another_input(
    ref: str, registry: ModelRegistry, models_dir: Path, trained: Trained
) -> None:
    loaded, bare = registry.load(ref), ModelRegistry(models_dir).load(ref)
    row = trained.rows[3]
    for each in [row, *swaps(loaded, row)]:
        one = loaded.model.input_schema.model_validate(each)
        assert loaded.model.predict(one).probability == bare.model.predict(one).probability


@pytest.mark.parametrize("ref", TRAINED)
def test_unknown_categories_and_gaps_are_scored(ref: str, registry: ModelRegistry, trained: Trained) -> None:
    loaded = registry.load(ref)
    row = dict(trained.rows[0])
    for feature in loaded.schema.features:
        if feature.nullable:
            row.pop(feature.name)
        elif feature.kind == "category":
            row[feature.name] = "never heard of"
    p = loaded.model.predict(loaded.model.input_schema.model_validate(row)).probability
    assert 0 < p < 1


def test_the_schema_refuses_what_is_no_input(loaded: LoadedModel, inputs: list[BaseModel]) -> None:
    values = inputs[0].model_dump(by_alias=True)
    number = next(f.name for f in loaded.schema.features if f.kind == "number")
    for wrong in ({**values, number: "1"}, {**values, "surprise": 1}):
        with pytest.raises(ValidationError):
            loaded.model.input_schema.model_validate(wrong)
