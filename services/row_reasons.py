"""Why a client's score was what it was: as it was answered then, or worked out again from the stored input."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from data.prediction_log import LedgerRow
from helpers.errors import UserError
from modeling.registry import LoadedModel, ModelRegistry

log = structlog.get_logger()
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reasons:
    """Effects in log-odds, the largest first. Where there are none, `missing` says why not."""

    found: tuple[Mapping[str, Any], ...]
    missing: str = ""


class Explainer:
    """Gives ledger rows their reasons. For one reading: a model that cannot be loaded is not tried again."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry
        self._models: dict[str, LoadedModel | None] = {}

    def reasons(self, row: LedgerRow) -> Reasons:
        """All that are known of a row that was answered openly; those of the holdout would give its score away.

        What was answered stands, unless fewer than `SHOWN` were asked for then and the model is still there.
        """
        if row.prediction is None:
            return Reasons((), "In the holdout: no reasons are shown.")
        answered = tuple(row.output.get("reasons", ()))
        if len(answered) >= SHOWN:
            return Reasons(answered)
        again = self._again(row)
        return again if again.found or not answered else Reasons(answered)

    def _again(self, row: LedgerRow) -> Reasons:
        loaded = self._load(f"{row.model}@{row.model_version}")
        if loaded is None:
            return Reasons((), "The model that scored this client is no longer here, so its reasons are not known.")
        given = {name: row.input[name] for name in loaded.schema.names if name in row.input}
        try:
            found = loaded.model.explain(loaded.model.input_schema.model_validate(given))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is shown without reasons
            log.warning("reasons_not_worked_out", model=loaded.ref, reason=type(error).__name__)
            return Reasons((), "The model could not work the reasons out again.")
        return Reasons(tuple(asdict(each) for each in found), "" if found else "This model gives no reasons.")

    def _load(self, ref: str) -> LoadedModel | None:
        if ref not in self._models:
            try:
                self._models[ref] = self._registry.load(ref)
            except UserError as error:
                log.warning("model_not_loaded", model=ref, reason=str(error))
                self._models[ref] = None
        return self._models[ref]
