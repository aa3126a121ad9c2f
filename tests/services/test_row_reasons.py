"""Why a score was what it was: from the ledger, or from the model that is stamped on the row."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from data.prediction_log import LedgerRow
from modeling.features import input_model
from modeling.registry import ModelRegistry
from services.row_reasons import SHOWN, Explainer
from tests.support.customers import customer_fields
from tests.support.ledger import row
from tests.support.models import Trained


def answered(trained: Trained, **changes: Any) -> LedgerRow:
    given = {"model": "additive", "model_version": "1", "input": customer_fields(trained.schema, 1), "output": {}}
    return row(**{**given, **changes})


@pytest.fixture
def explainer(trained: Trained) -> Explainer:
    return Explainer(ModelRegistry(trained.models_dir))


@pytest.mark.parametrize("name", ["additive", "gradient_boosting", "catboost", "heuristic"])
def test_they_are_worked_out_by_the_model_of_the_row(trained: Trained, explainer: Explainer, name: str) -> None:
    one = answered(trained, model=name)
    loaded = ModelRegistry(trained.models_dir).load(f"{name}@1")
    data = input_model(loaded.schema).model_validate({each: one.input[each] for each in loaded.schema.names})
    expected = tuple(asdict(each) for each in loaded.model.explain(data))
    assert explainer.reasons(one).found == expected
    assert expected


def test_what_was_answered_stands(trained: Trained, explainer: Explainer) -> None:
    told = [{"feature": "contract", "value": "Monthly", "effect": 9.0 - n} for n in range(SHOWN)]
    found = explainer.reasons(answered(trained, output={"reasons": told}))
    assert (list(found.found), found.missing) == (told, "")


def test_too_few_reasons_are_made_up_for(trained: Trained, explainer: Explainer) -> None:
    told = [{"feature": "contract", "value": "Monthly", "effect": 9.0}]
    assert len(explainer.reasons(answered(trained, output={"reasons": told})).found) > SHOWN
    assert list(explainer.reasons(answered(trained, model="gone", output={"reasons": told})).found) == told


def test_a_model_that_is_gone_is_said_to_be_and_looked_for_once(trained: Trained, tmp_path: Path) -> None:
    models = tmp_path / "models"
    explainer = Explainer(ModelRegistry(models))
    assert "no longer here" in explainer.reasons(answered(trained)).missing
    shutil.copytree(trained.models_dir, models)
    assert explainer.reasons(answered(trained)).found == ()
    assert Explainer(ModelRegistry(models)).reasons(answered(trained)).found


def test_the_holdout_has_no_reasons(trained: Trained, explainer: Explainer) -> None:
    told = [{"feature": "contract", "value": "Monthly", "effect": 9.0}] * SHOWN
    held = answered(trained, prediction=None, arm="holdout", output={"reasons": told})
    assert explainer.reasons(held).found == ()


def test_input_that_no_longer_fits_is_shown_without_reasons(trained: Trained, explainer: Explainer) -> None:
    broken = answered(trained, input={**customer_fields(trained.schema, 1), "support_calls": "many"})
    found = explainer.reasons(broken)
    assert (found.found, "could not" in found.missing) == ((), True)
