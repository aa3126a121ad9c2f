"""Rereads the config in this process and tells the fleet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.config.live import LiveConfigSource


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`old_revision` is None when nothing was in force. `fleet_told` is False when Redis did not answer: other
    processes then follow within CONFIG_REFRESH_SECONDS. `problem` says why the newest state of the table is not
    in force."""

    old_revision: int | None
    new_revision: int
    fleet_told: bool
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def refresh_fleet(live: LiveConfigSource, announce: Callable[[], bool]) -> Refreshed:
    """`announce` tells the fleet and returns whether it could. Raises DatabaseAway or NotReady, and then
    tells nobody: the fleet could not follow either."""
    before = live.current().revision if live.ready else None
    after = live.refresh().revision
    return Refreshed(before, after, announce(), live.problem)
