"""The order of categories that a fold learns, and rows coded anew by it."""

import numpy as np

from modeling.features import Encoder, Feature, TableSchema, input_warnings
from modeling.ordering import order_by_churn, recode

PLAN = Feature("plan", "category", nullable=True, categories=("basic", "family", "plus"))
SCHEMA = TableSchema("t", "id", "churn", "yes", (PLAN, Feature("tenure", "number")))
RATES = {"plus": 0.1, "basic": 0.3, "family": 0.6, None: 0.9, "rare": 0.2}


def sample(rows: int = 4000) -> tuple[list[dict[str, object]], np.ndarray]:
    random = np.random.default_rng(7)
    plans = [list(RATES)[place] for place in random.integers(5, size=rows)]
    left = random.random(rows) < np.array([RATES[plan] for plan in plans])
    return [{"plan": plan, "tenure": tenure} for plan, tenure in zip(plans, range(rows), strict=True)], left


def test_categories_rise_with_the_churn_rate_and_other_stands_at_its_own() -> None:
    rows, left = sample()
    ordered = order_by_churn(SCHEMA, Encoder(SCHEMA).encode_many(rows), left)
    assert ordered.features[0].categories == ("plus", "basic", "family")
    assert ordered.features[0].other == 1.5
    assert ordered.features[1] == SCHEMA.features[1]


def test_an_unseen_other_stands_at_the_base_rate() -> None:
    rows, left = sample()
    seen = [row["plan"] in {"plus", "basic", "family"} for row in rows]
    kept = [row for row, known in zip(rows, seen, strict=True) if known]
    ordered = order_by_churn(SCHEMA, Encoder(SCHEMA).encode_many(kept), left[seen])
    assert ordered.features[0].other == 2.5  # the base rate, 1/3, is above plus and basic


def test_recoded_rows_equal_rows_encoded_by_the_new_schema() -> None:
    rows, left = sample()
    x = Encoder(SCHEMA).encode_many(rows)
    ordered = order_by_churn(SCHEMA, x, left)
    np.testing.assert_array_equal(recode(x, SCHEMA, ordered), Encoder(ordered).encode_many(rows))
    np.testing.assert_array_equal(recode(recode(x, SCHEMA, ordered), ordered, SCHEMA), x)


def test_a_warning_follows_other_wherever_it_stands() -> None:
    rows, left = sample()
    ordered = order_by_churn(SCHEMA, Encoder(SCHEMA).encode_many(rows), left)
    assert [w["code"] for w in input_warnings(ordered, {"plan": "rare", "tenure": 1})] == ["unknown_category"]
    assert input_warnings(ordered, {"plan": "basic", "tenure": 1}) == []
    assert Encoder(ordered).encode({"plan": "unheard of", "tenure": 1})[0] == np.float32(1.5)
