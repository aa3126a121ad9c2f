"""Numbers by the hundred thousand. A driver written in Python takes longer over a row than MySQL takes to find it, so
there whole tables come as one text, which numpy reads at once."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, func

Doubles = npt.NDArray[np.float64]


def read_numbers(connection: Connection, wanted: "Select[Any]") -> Doubles:
    """The rows of `wanted`, whose columns are numbers, in no order: shape (rows, columns), NaN for NULL.

    Raises OverflowError where the server cuts their text off: above a million rows or so.
    """
    columns = list(wanted.selected_columns)
    if connection.dialect.name == "sqlite":
        rows = [tuple(row) for row in connection.execute(wanted)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(columns))
    told = [func.coalesce(column, "nan") for column in columns]
    commas = [part for column in told for part in (",", column)][1:]
    packed = wanted.with_only_columns(func.count(), func.group_concat(*commas), maintain_column_froms=True)
    count, text = connection.execute(packed).one()
    numbers = np.fromstring(text or "", dtype=np.float64, sep=",")
    if numbers.size != count * len(columns):
        raise OverflowError(f"the server sent {numbers.size} of {count * len(columns)} numbers")
    return numbers.reshape(-1, len(columns))
