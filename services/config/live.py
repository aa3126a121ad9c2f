"""The configuration in force in this process, and how it follows the config table."""

import threading
import time
from contextlib import suppress

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from helpers.errors import UserError
from helpers.metrics import Metrics
from modeling.registry import ModelRegistry
from services.background import Background
from services.config.last import LastConfig
from services.config.model import ConfigRefused, LiveConfig
from services.config.present import in_force
from services.config.reading import Reading, read_config
from services.snapshot import Serving, Snapshot, build_serving

log = structlog.get_logger()
PATIENCE_SECONDS = 1.0
MOST_TOLD = 5
AWAY = "the database does not answer"
_NEVER_SEEN = object()


class NotReady(UserError):
    """What is asked cannot be done now: as long as no configuration is in force, nothing can be predicted."""


class DatabaseAway(NotReady):
    """The table cannot be read now; what is in force stays in force."""


class LiveConfigSource:
    """Holds one immutable Snapshot and swaps it whole, once every new model is loaded and rehearsed.

    The table is read by a thread of its own. A request that knows of a change waits for that, until
    PATIENCE_SECONDS after the reading began: so no request waits long for a database that hangs.
    """

    def __init__(self, engine: Engine, registry: ModelRegistry, last: LastConfig, metrics: Metrics) -> None:
        self._engine = engine
        self._registry = registry
        self._last = last
        self._metrics = metrics
        self._background = Background("config", threads=1)
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._problem = "the configuration has not been read yet"
        self._seen: object = _NEVER_SEEN
        self._reading: threading.Event | None = None
        self._reading_since = 0.0
        self._read_at: float | None = None

    def current(self) -> Snapshot:
        """The snapshot in force. Raises NotReady when none could be built so far."""
        if self._snapshot is None:
            raise NotReady(f"No model is in service: {self._problem}. Run `./run.sh train --promote`.")
        return self._snapshot

    @property
    def newest(self) -> Snapshot | None:
        """The snapshot in force, if there is one."""
        return self._snapshot

    @property
    def ready(self) -> bool:
        return self._snapshot is not None

    @property
    def age_seconds(self) -> float | None:
        """How long ago the table was last read whole; None when it never was."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    @property
    def config(self) -> LiveConfig:
        """The values in force, or the defaults as long as there is no model: what needs them comes first."""
        return self._snapshot.config if self._snapshot else LiveConfig()

    @property
    def problem(self) -> str | None:
        """Why the newest state of the table is not in force, or None when it is."""
        if self._problem or self._snapshot is None:
            return self._problem or None
        refused = self._snapshot.refused
        told = [f"row {row.id} ({row.key}): {row.reason}" for row in refused[:MOST_TOLD]]
        more = [f"and {len(refused) - MOST_TOLD} more rows"] if len(refused) > MOST_TOLD else []
        return "; ".join([*told, *more]) or None

    def following(self, fleet_revision: str | None) -> Snapshot:
        """The snapshot in force once this process has caught up with the fleet.

        `fleet_revision` is what Redis holds: any value other than the one last seen means that
        somebody changed the table or that Redis was emptied; both are answered by one reread.
        """
        while fleet_revision != self._seen and self._problem != AWAY:
            done = self._begin(fleet_revision)
            if not done.wait(max(0.0, self._reading_since + PATIENCE_SECONDS - time.monotonic())):
                break
        return self.current()

    def retry(self) -> None:
        """Rereads the table if the last attempt failed: called every few seconds in the background."""
        if self._problem:
            self._begin(_NEVER_SEEN)

    def reread(self, fleet_revision: object) -> None:
        """Rereads the table by a reading that begins after this call, and returns when it ended."""
        under_way = self._reading
        if under_way is not None:
            under_way.wait()
        self._begin(fleet_revision).wait()

    def refresh(self) -> Snapshot:
        """What is in force after a reread. Raises DatabaseAway, or NotReady."""
        self.reread(self._seen)
        if self._problem == AWAY:
            raise DatabaseAway(f"{AWAY}, so its config table cannot be read; nothing changed. Try again.")
        return self.current()

    def load_models(self) -> None:
        """Loads the models that the table puts in force, and nothing more: for whoever forks, whose processes then
        share them. Never raises: each process reads the table itself, and says what it cannot read."""
        with suppress(Exception):
            self._from_table()

    def _begin(self, fleet_revision: object) -> threading.Event:
        """The reading that is under way, or a new one. The former may have begun before the change was
        made: it then counts for the revision it began with, and whoever waits for it begins another."""
        with self._lock:
            if self._reading is None or self._reading.is_set():
                self._reading_since = time.monotonic()
                self._reading = self._background.submit(lambda: self._read(fleet_revision))
            return self._reading

    def _read(self, fleet_revision: object) -> None:
        """The revision counts as seen only afterwards: a request that comes meanwhile must wait."""
        try:
            self._install(self._from_table())
            self._problem, self._read_at = "", self._reading_since
        except Exception as error:  # noqa: BLE001 - whatever it is, what is in force stays in force
            self._problem = _reason(error)
            log.warning("config_not_reread", reason=self._problem)
            self._start_from_last()
        finally:
            self._seen = fleet_revision

    def _from_table(self) -> Reading[Serving]:
        with self._engine.connect() as connection:
            found = in_force(connection, self._registry)
        self._last.remember(found.rows)
        return found

    def _build(self, config: LiveConfig) -> Serving:
        return build_serving(config, self._registry)

    def _start_from_last(self) -> None:
        """A process that starts while the database is away serves what this machine served last."""
        rows = self._last.recall() if self._snapshot is None and self._problem == AWAY else []
        if rows:
            self._install(read_config(rows, self._build))

    def _install(self, found: Reading[Serving]) -> None:
        old, self._snapshot = self._snapshot, Snapshot(found.built, found.revision, found.refused)
        self._metrics.config_revision.set(found.revision)
        known = set(old.refused) if old else set()
        for row in found.refused:
            if row not in known:
                self._metrics.config_rows_refused.inc()
                log.warning("config_row_refused", row=row.id, key=row.key, reason=row.reason)
        if old is None or old.revision != found.revision:
            log.info("config_in_force", revision=found.revision, champion=found.built.champion.ref)


def _reason(error: Exception) -> str:
    if isinstance(error, SQLAlchemyError):
        return AWAY
    return str(error) if isinstance(error, ConfigRefused) else f"{type(error).__name__}: {error}"
