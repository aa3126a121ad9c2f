"""The configuration in force in this process, and how it follows the config table."""

import threading

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from data.config_store import newest_rows
from helpers.errors import UserError
from helpers.metrics import Metrics
from modeling.registry import ModelRegistry
from services.config_model import ConfigRefused, LiveConfig
from services.config_reading import read_config
from services.snapshot import Serving, Snapshot, build_serving

log = structlog.get_logger()
WAIT_SECONDS = 1.0
_NEVER_SEEN = object()


class NotReady(UserError):
    """No configuration is in force yet, so nothing can be predicted."""


class LiveConfigSource:
    """Holds one immutable Snapshot and swaps it whole: new models are loaded before the old are let go."""

    def __init__(self, engine: Engine, registry: ModelRegistry, metrics: Metrics) -> None:
        self._engine = engine
        self._registry = registry
        self._metrics = metrics
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._problem = "the configuration has not been read yet"
        self._seen: object = _NEVER_SEEN
        self._failed = False

    def current(self) -> Snapshot:
        """The snapshot in force. Raises NotReady when none could be built so far."""
        if self._snapshot is None:
            raise NotReady(f"No model is in service: {self._problem}. Run `./run.sh train --promote`.")
        return self._snapshot

    @property
    def ready(self) -> bool:
        return self._snapshot is not None

    @property
    def config(self) -> LiveConfig:
        """The values in force, or the defaults as long as there is no model: what needs them comes first."""
        return self._snapshot.config if self._snapshot else LiveConfig()

    def following(self, fleet_revision: str | None) -> Snapshot:
        """The snapshot in force once this process has caught up with the fleet.

        `fleet_revision` is what Redis holds: any value other than the one last seen means that
        somebody changed the table or that Redis was emptied; both are answered by one reread.
        """
        if fleet_revision != self._seen or self._snapshot is None:
            self._catch_up(fleet_revision)
        return self.current()

    def retry(self) -> None:
        """Rereads the table if the last attempt failed: called every few seconds in the background, so
        that no request pays for a database that hangs."""
        if self._failed:
            self.reread(_NEVER_SEEN)

    def reread(self, fleet_revision: object) -> None:
        """Rereads the table whatever was seen before; a failure is logged, and `retry` tries again."""
        self._catch_up(fleet_revision, again=True)

    def refresh(self) -> Snapshot:
        """Rereads the table now. Raises ConfigRefused or SQLAlchemyError when that is impossible; the
        snapshot that was in force stays."""
        with self._lock:
            return self._reread(self._seen)

    @property
    def problem(self) -> str | None:
        """Why the newest state of the table is not in force, or None when it is."""
        if self._problem or self._snapshot is None:
            return self._problem or None
        refused = self._snapshot.refused
        return "; ".join(f"row {row.id} ({row.key}): {row.reason}" for row in refused) or None

    def _catch_up(self, fleet_revision: object, *, again: bool = False) -> None:
        """One reread by one thread; the others wait for it, but never long."""
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return
        try:
            if again or fleet_revision != self._seen:
                self._reread(fleet_revision)
        except Exception as error:  # noqa: BLE001 - whatever it is, what is in force stays in force
            log.warning("config_not_reread", reason=_reason(error))
        finally:
            self._lock.release()

    def _reread(self, fleet_revision: object) -> Snapshot:
        """The revision counts as seen only afterwards: a request that comes meanwhile must wait."""
        try:
            with self._engine.connect() as connection:
                rows = newest_rows(connection)
            found = read_config(rows, self._build)
            snapshot = Snapshot(found.built, found.revision, found.refused)
            self._install(snapshot)
            self._failed, self._problem = False, ""
            return snapshot
        except Exception as error:
            self._failed, self._problem = True, _reason(error)
            raise
        finally:
            self._seen = fleet_revision

    def _build(self, config: LiveConfig) -> Serving:
        return build_serving(config, self._registry)

    def _install(self, snapshot: Snapshot) -> None:
        old, self._snapshot = self._snapshot, snapshot
        self._metrics.config_revision.set(snapshot.revision)
        known = old.refused if old else ()
        for row in snapshot.refused:
            if row not in known:
                self._metrics.config_rows_refused.inc()
                log.warning("config_row_refused", row=row.id, key=row.key, reason=row.reason)
        if old is None or old.revision != snapshot.revision:
            log.info("config_in_force", revision=snapshot.revision, champion=snapshot.serving.champion.ref)


def _reason(error: Exception) -> str:
    if isinstance(error, SQLAlchemyError):
        return "the database does not answer"
    return str(error) if isinstance(error, ConfigRefused) else f"{type(error).__name__}: {error}"
