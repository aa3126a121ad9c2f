"""Rows are encoded once, whoever reads which of them."""

import numpy as np

from modeling.encoding import Encoder
from modeling.features import input_model, values_of
from modeling.rows import Rows
from tests.support.models import Trained


def test_some_rows_are_read_as_the_whole_was_encoded(trained: Trained) -> None:
    schema = trained.schema
    accepts, encoder = input_model(schema), Encoder(schema)
    inputs = [accepts.model_validate(row) for row in trained.rows[:5]]
    rows = Rows(inputs)
    whole = rows.encoded(encoder)
    assert whole is rows.encoded(Encoder(schema)), "another encoder of the same schema"
    np.testing.assert_array_equal(whole, np.stack([encoder.encode(values_of(one)) for one in inputs]))
    some = rows.some([3, 0])
    assert list(some) == [inputs[3], inputs[0]]
    np.testing.assert_array_equal(some.encoded(encoder), whole[[3, 0]])
    assert rows.some(range(5)) is rows
