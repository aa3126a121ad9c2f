"""Tables of customers that tests write in every form."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.subscribers import subscribers

TELCO = Path(__file__).parents[3] / "shared" / "data" / "telco-customer-churn.csv"
Table = dict[str, list[Any]]


def customers(rows: int = 400, **extra: Sequence[Any]) -> Table:
    """Subscribers, with more columns beside theirs."""
    table = subscribers(rows, seed=3)
    return table | {name: list(cells) for name, cells in extra.items()}


def write_csv(
    path: Path, table: Mapping[str, Sequence[Any]], *, separator: str = ",", encoding: str = "utf-8", end: str = "\n"
) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator=end)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def read(path: Path, table: Mapping[str, Sequence[Any]], **choices: Any) -> Dataset:
    """The dataset of a table that is written as `customers.csv` first."""
    return read_dataset(write_csv(path / "customers.csv", table), Choices(**choices))


def reasons(dataset: Dataset) -> dict[str, str]:
    return {dropped.column: dropped.reason for dropped in dataset.dropped}


def chosen(dataset: Dataset) -> dict[str, str]:
    return {decision.what: decision.chosen for decision in dataset.decisions}


def flags(table: Table, column: str = "churned") -> np.ndarray:
    return np.array([cell == "Yes" for cell in table[column]])
