"""Whatever a table holds: a dataset whose rows requests may hold, or an error that says what to mend."""

from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.errors import UserError
from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.features import Encoder, input_model, values_of
from modeling.reading import Source, read_file

ROWS = 120
NAMES = st.text(min_size=1, max_size=8) | st.sampled_from(["id", "churn", "left", "price", "status", "date", "key"])
POOLS = [
    st.text(max_size=8),
    st.sampled_from(["Yes", "No", " yes", "y", "", "true", "false", "NULL", "Churned", "Stayed", "Joined"]),
    st.integers(-5, 5).map(str),
    st.integers().map(str),
    st.floats().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda d: f"{d:,}"),
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.datetimes().map(str),
    st.sampled_from(["1.234", "1,234", "12,5", "€ 3", "007", "9999-12-31", "1e400", "-", "\x00", "\ud800", "nan"]),
]
TYPED = [
    st.floats(width=64) | st.none(),
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.booleans() | st.none(),
    st.dates() | st.none(),
    st.lists(st.booleans(), max_size=2),
    st.binary(max_size=3),
    st.none(),
]


@st.composite
def columns(draw: st.DrawFn) -> list[Any]:
    """A column of a few different cells, or of a different one in each row."""
    pool = draw(st.lists(draw(st.sampled_from(POOLS + TYPED)), min_size=1, max_size=6))
    seed = draw(st.integers(0, 1000))
    picked = [pool[place] for place in np.random.default_rng(seed).integers(len(pool), size=ROWS)]
    unique = draw(st.booleans()) and isinstance(pool[0], str)
    return [f"{cell}{row}" for row, cell in enumerate(picked)] if unique else picked


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(NAMES, min_size=1, max_size=7, unique=True))
    arrays = [pa.array([clean(cell) for cell in draw(columns())]) for _ in names]
    return pa.table(arrays, names=[clean(name) for name in names])


def clean(cell: Any) -> Any:
    """Arrow holds no lone surrogates."""
    return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.booleans())
def test_any_table_is_read_or_refused(table: pa.Table, labelled: bool) -> None:
    if labelled:
        random = np.random.default_rng(0)
        table = table.append_column("has churned", pa.array(random.choice(["Yes", "No"], ROWS)))
    with suppress(UserError):
        _is_sound(read_dataset(Source("any", table), Choices(target="has churned" if labelled else None)))


def _is_sound(dataset: Dataset) -> None:
    model = input_model(dataset.schema)
    for row in dataset.rows[::10]:
        assert values_of(model.model_validate(row)) == row
    assert not np.isinf(dataset.x).any()
    np.testing.assert_array_equal(dataset.x, Encoder(dataset.schema).encode_many(dataset.rows))
    assert len(dataset.ids) == len(set(dataset.ids)) == len(dataset.y)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200) | st.text("abc,;\t|\"'\n\r 01.", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    with suppress(UserError):
        source = read_file(path)
        assert source.table.num_rows > 0
        assert all(source.table.column_names)
