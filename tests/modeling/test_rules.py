"""The rule of thumb: what it learns, how it explains, and which files it does not believe."""

from itertools import permutations
from typing import Any

import numpy as np
import orjson
import pytest

from helpers.errors import UserError
from modeling.candidates.heuristic import Heuristic
from modeling.encoding import Encoder
from modeling.ordering import order_by_churn
from modeling.rule_cells import Column, Rule
from modeling.rules import RuleTable
from modeling.rules_file import read_rules
from modeling.schema import Feature, TableSchema


def table(*shape: int) -> RuleTable:
    random = np.random.default_rng(4)
    columns = tuple(Column(feature=f"f{i}", position=i, edges=tuple(range(1, bins))) for i, bins in enumerate(shape))
    rules = tuple(
        Rule(bins=cell, when="", probability=float(random.uniform(0.05, 0.9)), rows=int(random.integers(0, 50)))
        for cell in np.ndindex(shape)
    )
    return RuleTable(columns, rules)


def by_orders(rules: RuleTable, cell: tuple[int, ...]) -> list[float]:
    """Shapley values by their definition: the mean gain over every order of getting to know the columns."""
    weights = [rule.rows for rule in rules.rules]

    def value(known: set[int]) -> float:
        met = [
            next(
                r for r in rules.rules if r.bins == tuple(cell[i] if i in known else b for i, b in enumerate(row.bins))
            )
            for row in rules.rules
        ]
        odds = [np.log(rule.probability / (1 - rule.probability)) for rule in met]
        return float(np.average(odds, weights=weights))

    count = len(rules.columns)
    orders = list(permutations(range(count)))
    return [
        sum(value({*o[: o.index(i)], i}) - value(set(o[: o.index(i)])) for o in orders) / len(orders)
        for i in range(count)
    ]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 2, 3)])
def test_reasons_are_shapley_values(shape: tuple[int, ...]) -> None:
    rules = table(*shape)
    for cell in np.ndindex(shape):
        effects = rules.effects(np.array(cell, np.float32))
        assert effects.tolist() == pytest.approx(by_orders(rules, cell), abs=1e-12)
        p = rules.probabilities(np.array([cell], np.float32))[0]
        assert rules.base + effects.sum() == pytest.approx(np.log(p / (1 - p)))


def test_a_value_on_an_edge_is_above_it_and_a_gap_has_its_bin() -> None:
    rules = RuleTable(
        (Column(feature="f", position=0, edges=(2.5,), gap=9.0, missing=1),),
        (Rule(bins=(0,), when="low", probability=0.1, rows=5), Rule(bins=(1,), when="high", probability=0.6, rows=5)),
    )
    rows = np.array([[2.4], [2.5], [np.nan], [9.0], [-1e30]], np.float32)
    assert rules.probabilities(rows).tolist() == [0.1, 0.6, 0.6, 0.6, 0.1]


def test_one_row_is_scored_as_many_are() -> None:
    columns = (
        Column(feature="a", position=0, edges=(0.1, 0.7, 3.3), missing=2),
        Column(feature="b", position=1, edges=(1.5,), gap=3.0, missing=0),
    )
    rules = RuleTable(
        columns,
        tuple(
            Rule(bins=(a, b), when="", probability=0.1 + (2 * a + b) / 11, rows=1) for a in range(4) for b in range(2)
        ),
    )
    edges = [0.1, 0.7, 3.3, 1.5, 3.0]
    near = [np.nextafter(np.float32(edge), np.float32(side)) for edge in edges for side in (-9, 9)]
    cells = np.array([*edges, *near, np.nan, np.inf, -np.inf], np.float32)
    matrix = np.array([[a, b] for a in cells for b in cells], np.float32)
    assert [rules.probability(row) for row in matrix.tolist()] == rules.probabilities(matrix).astype(
        np.float32
    ).tolist()


def test_a_table_survives_its_file() -> None:
    rules = table(2, 3)
    assert read_rules(rules.to_json()) == rules


def changed(**update: Any) -> bytes:
    return orjson.dumps({**orjson.loads(table(2, 2).to_json()), **update})


RULES = orjson.loads(table(2, 2).to_json())["rules"]
COLUMNS = orjson.loads(table(2, 2).to_json())["columns"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        changed(rules=RULES[:-1]),
        changed(rules=[*RULES, RULES[0]]),
        changed(rules=[{**rule, "rows": 0} for rule in RULES]),
        changed(rules=[{**rule, "probability": 1} for rule in RULES]),
        changed(rules=[{**rule, "bins": [5, 5]} for rule in RULES]),
        changed(columns=[{**column, "missing": 7} for column in COLUMNS]),
        changed(columns=[{**column, "edges": list(range(100))} for column in COLUMNS]),
        changed(more=1),
        b"[" * 100_000,
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(text: bytes) -> None:
    with pytest.raises(UserError, match=r"rules\.json"):
        read_rules(text)


FEATURES = (
    Feature("contract", "category", nullable=True, categories=("month", "year")),
    Feature("tenure", "number", integer=True, nullable=True),
    Feature("senior", "boolean"),
    Feature("noise", "number"),
)


def customers(rows: int = 4000) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Those on a monthly contract leave in their first year; nothing else matters."""
    random = np.random.default_rng(8)
    made = [
        {"contract": c, "tenure": t, "senior": bool(s), "noise": n}
        for c, t, s, n in zip(
            [("month", "year", None)[i] for i in random.integers(0, 3, rows)],
            [None if t > 70 else t for t in random.integers(0, 73, rows).tolist()],
            random.integers(0, 2, rows).tolist(),
            random.normal(size=rows).tolist(),
            strict=True,
        )
    ]
    risky = [one["contract"] == "month" and one["tenure"] is not None and one["tenure"] < 12 for one in made]
    return made, (random.random(rows) < np.where(risky, 0.7, 0.1)).astype(float)


def test_it_finds_the_rule_and_says_it_in_words() -> None:
    rows, y = customers()
    plain = TableSchema("t", "id", "y", "1", FEATURES)
    schema = order_by_churn(plain, Encoder(plain).encode_many(rows), y)
    x = Encoder(schema).encode_many(rows)
    rules = Heuristic().fit(x, y, {}, schema).table
    assert {column.feature for column in rules.columns} == {"contract", "tenure"}
    worst = max(rules.rules, key=lambda rule: rule.probability)
    assert set(worst.when.split(" and ")) == {"contract is month", "tenure below 12"}
    risky = y[[row["contract"] == "month" and row["tenure"] is not None and row["tenure"] < 12 for row in rows]]
    assert worst.rows == len(risky)
    assert worst.probability == pytest.approx((risky.sum() + 10 * y.mean()) / (len(risky) + 10))
    unknown = Encoder(schema).encode({"contract": "weekly", "tenure": 3, "senior": True, "noise": 0.0})
    assert rules.probabilities(unknown[np.newaxis])[0] < 0.4


def test_where_nothing_matters_the_rule_is_the_base_rate() -> None:
    rows, _ = customers(500)
    y = np.tile([1.0, 0.0, 0.0, 0.0], 125)
    schema = TableSchema("t", "id", "y", "1", FEATURES)
    x = Encoder(schema).encode_many(rows)
    fitted = Heuristic().fit(x, np.random.default_rng(0).permutation(y), {}, schema)
    assert fitted.table.columns == ()
    assert fitted.table.rules[0].when == "always"
    assert fitted.probabilities(x).tolist() == pytest.approx([0.25] * 500)
    assert read_rules(fitted.export(x).files["rules.json"]).effects(x[0]).tolist() == []
