"""A client is marked as contacted, by whoever works down the call list."""

from datetime import datetime

from sqlalchemy import Engine

from data import action_store, prediction_log, suggestion_store
from data.action_store import Action
from data.call_list_store import Contact
from helpers.canonical import digest
from helpers.clock import Clock
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.call_list import held_out
from services.row_reasons import Explainer
from services.snapshot import Snapshot
from services.suggestions import suggest

FIELD = "prediction_id"
LOOKED_AT = 1_000
UNKNOWN = "no answer of this id is in the ledger: load the call list again"
HELD = "this client is in the holdout, whom nobody contacts: it is how you learn what contacting is worth"


def mark(
    engine: Engine, clock: Clock, registry: ModelRegistry, snapshot: Snapshot, actor: str, prediction_id: str
) -> Contact:
    """Records that `actor` contacted the client of this answer, by the kind of action that is suggested for it, and
    gives the contact as the ledger has it.

    Marking the same answer again on one day (UTC) changes nothing: the first one stands. Raises UserError for an
    unknown answer and for a client in the holdout, SQLAlchemyError.
    """
    now = clock.now()
    with engine.connect() as connection:
        row = prediction_log.find(connection, prediction_id)
        table = suggestion_store.list_all(connection)
    if row is None:
        raise UserError(UNKNOWN, FIELD)
    if row.prediction is None or held_out(snapshot, row.client_id):
        raise UserError(HELD, FIELD)
    kind = suggest(table, Explainer(registry).reasons(row).found).kind
    wanted = Action(contact_id(prediction_id, now), row.client_id, kind, now, actor, prediction_id, now)
    with engine.begin() as connection:
        added = action_store.add_many(connection, [wanted])
        kept = wanted if added else _kept(action_store.of_client(connection, row.client_id, LOOKED_AT), wanted)
    return Contact(kept.kind, kept.at, kept.actor, row)


def contact_id(prediction_id: str, at: datetime) -> str:
    """The same for every mark of an answer on one day: a client who is on the list again after its rest may be marked
    again, scored anew or not."""
    return digest(["call-list", prediction_id, f"{at:%Y-%m-%d}"])


def _kept(actions: list[Action], wanted: Action) -> Action:
    return next((action for action in actions if action.action_id == wanted.action_id), wanted)
