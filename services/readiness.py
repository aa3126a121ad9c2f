"""Whether a process can do its duty, and what is amiss while it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.config.live import LiveConfigSource


@dataclass(frozen=True, slots=True)
class Readiness:
    """`degraded` maps a part to what is wrong with it; a process may be ready and degraded."""

    ready: bool
    revision: int | None
    degraded: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        status = "unavailable" if not self.ready else "degraded" if self.degraded else "ready"
        return {"status": status, "config_revision": self.revision, "degraded": dict(self.degraded)}


def readiness(
    live: LiveConfigSource, outbox_has_room: bool, dependencies: Mapping[str, str], stopping: bool
) -> Readiness:
    """Ready means: a model is in service, an answer can be recorded, and the process is not about to stop.
    `dependencies` maps those that fail to the reason; none of them makes a process unready."""
    degraded = dict(dependencies)
    if live.problem:
        degraded["config"] = live.problem
    if not outbox_has_room:
        degraded["outbox"] = "the spool is full or cannot be written: answers cannot be recorded"
    if stopping:
        degraded["process"] = "is about to stop: send what comes next to another"
    revision = live.current().revision if live.ready else None
    return Readiness(live.ready and outbox_has_room and not stopping, revision, degraded)
