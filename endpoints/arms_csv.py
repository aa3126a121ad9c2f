"""The arms of an experiment as a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from endpoints.csv_cells import MARK, csv_lines
from experiments.statistics import Estimate
from services.readout.parts import ArmReadout, Comparison
from services.readout.reading import Readout

COLUMNS = (
    "experiment",
    "arm",
    "models",
    "share",
    "clients",
    "exposures",
    "matured",
    "churned",
    "churn_rate",
    "churn_rate_low",
    "churn_rate_high",
    "difference",
    "difference_low",
    "difference_high",
    "finding",
    "kept_money",
    "kept_per_client",
    "kept_per_client_low",
    "kept_per_client_high",
    "clients_without_value",
    "note",
    "read_at",
)


def arms_csv(readout: Readout) -> str:
    """One line an arm; what cannot be told yet is blank, and the note says why."""
    return MARK + "".join(csv_lines(COLUMNS, _rows(readout)))


def _rows(readout: Readout) -> Iterator[Sequence[Any]]:
    for arm in readout.arms:
        yield (readout.experiment, *_cells(arm), readout.read_at.isoformat())


def _cells(arm: ArmReadout) -> Sequence[Any]:
    return (
        arm.arm,
        " ".join(arm.models),
        arm.share,
        arm.clients,
        arm.exposures,
        arm.matured,
        arm.churned,
        *_interval(arm.churn_rate),
        *_interval(arm.difference),
        arm.difference.finding if arm.difference else None,
        arm.kept_money,
        *_interval(arm.kept_per_client),
        arm.clients_without_value,
        arm.reason,
    )


def _interval(found: Estimate | Comparison | None) -> Sequence[float | None]:
    return (found.value, found.low, found.high) if found else (None, None, None)
