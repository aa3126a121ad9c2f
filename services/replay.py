"""Recomputes a stored answer from what it is stamped with: its model, its config revision and its input."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Engine

from data import model_store, prediction_log
from data.prediction_log import LedgerRow
from data.spool_search import whereabouts
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.answers import Question
from services.config.past import Past, past_config
from services.replayed_fields import Compared, compared
from services.scoring import score
from services.snapshot import Serving

OF_THE_MOMENT = ("ltv", "recent_times_id_seen", "response_time")
BACKUP = "Bring its folder back from a backup: one that is trained anew is another model."
SOMEWHERE = {
    "spool": "it is in the outbox of this machine (VAR_DIR/spool), on its way there: start the service, and try again",
    "quarantine": "it was refused by the database and lies in VAR_DIR/spool/quarantine: the log says why",
    None: "it is not in the outbox of this machine (VAR_DIR/spool) either: check the id, DATABASE_URL and VAR_DIR",
}
SHARED = "clients shared cached predictions then (cache_fields, cache_decimals): the answer may be another input's"


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay. `missing` says what stands in the way, each with the fix. `row` is None when there is
    no such answer; then, and without its model, config or input, no `fields` could be compared."""

    prediction_id: str
    row: LedgerRow | None
    fields: tuple[Compared, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether everything that can be recomputed came out bit for bit."""
        return bool(self.fields) and not self.missing and all(field.same for field in self.fields)

    @property
    def taken(self) -> dict[str, Any]:
        """Stamps of the moment, which nothing can recompute."""
        return {name: getattr(self.row, name) for name in OF_THE_MOMENT} if self.row else {}

    def as_dict(self) -> dict[str, Any]:
        return {
            "prediction_id": self.prediction_id,
            "same": self.same,
            "fields": [field.as_dict() for field in self.fields],
            "taken_from_the_row": self.taken,
            "missing": list(self.missing),
            "notes": list(self.notes),
        }


def replay(engine: Engine, registry: ModelRegistry, spool: Path, prediction_id: str) -> Replay:
    """Reads only. `registry` should not cache answers; `spool` is where this machine's outbox lies."""
    with engine.connect() as connection:
        row = prediction_log.find(connection, prediction_id)
        if row is None:
            where = SOMEWHERE[whereabouts(spool, prediction_id)]
            return Replay(prediction_id, None, missing=(f"{prediction_id} is not in the ledger; {where}.",))
        return _replayed(connection, registry, row)


def _replayed(connection: Connection, registry: ModelRegistry, row: LedgerRow) -> Replay:
    """Without the model that answered, or its config, nothing is compared; without a shadow, all but that is."""
    refs = dict.fromkeys((f"{row.model}@{row.model_version}", *row.silent_scores))
    models = [_checked(connection, registry, ref) for ref in refs]
    missing = {each.ref: each.missing for each in models if each.missing}
    notes = [each.note for each in models if each.note]
    if models[0].missing:
        return Replay(row.prediction_id, row, missing=tuple(missing.values()), notes=tuple(notes))
    try:
        past = past_config(connection, registry, row.config_revision)
        fields = _recomputed(row, past.serving)
    except UserError as error:
        return Replay(row.prediction_id, row, (), (*missing.values(), f"{error}."), tuple(notes))
    fields = tuple(field for field in fields if field.field.removeprefix("silent ") not in missing)
    if not all(field.same for field in fields):
        missing |= _gone_since(past, set(refs))
        notes += [SHARED] if past.serving.config.cache_fields or past.serving.config.cache_decimals is not None else []
    notes += [f"config row {each.id} ({each.key}) is set aside: {each.reason}" for each in past.refused]
    return Replay(row.prediction_id, row, fields, tuple(missing.values()), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A model that answered: why it cannot be asked again, if so, or what to know of it."""

    ref: str
    missing: str | None = None
    note: str | None = None


def _checked(connection: Connection, registry: ModelRegistry, ref: str) -> _Checked:
    try:
        loaded = registry.load(ref)
    except UserError as error:
        return _Checked(ref, missing=f"{error}. {BACKUP}")
    if not loaded.manifest_sha256:
        return _Checked(ref, note=f"{ref} is a class of MODEL_CLASSES: its code of today was asked")
    record = model_store.find(connection, loaded.card.name, loaded.card.version)
    if record is None:
        return _Checked(ref, note=f"{ref} is not on record in model_metadata: its own manifest vouches for its folder")
    if record.manifest_sha256 == loaded.manifest_sha256:
        return _Checked(ref)
    differs = f"its manifest has SHA-256 {loaded.manifest_sha256}, model_metadata says {record.manifest_sha256}"
    return _Checked(ref, missing=f"the folder of {ref} is not the one that was trained: {differs}. {BACKUP}")


def _gone_since(past: Past, known: set[str]) -> dict[str, str]:
    """Models that the config of then names and that are gone: another config may be in force without them than was
    then."""
    found = {ref: said for ref, said in past.gone.items() if ref not in known}
    return {ref: f"{said}. The config of then names it. {BACKUP}" for ref, said in found.items()}


def _recomputed(row: LedgerRow, serving: Serving) -> tuple[Compared, ...]:
    question = Question(row.client_id, _fitting(row, serving))
    scored = score(serving, [question], shadow_failed=lambda _ref: None)[0]
    return tuple(compared(row, question.data, scored, serving))


def _fitting(row: LedgerRow, serving: Serving) -> BaseModel:
    """Raises UserError naming the field."""
    try:
        return serving.input_model.model_validate(row.input)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"the stored input does not fit the schema of {serving.champion.ref}: {field}: {first['msg']}"
        raise UserError(message, field) from None
