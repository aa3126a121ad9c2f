"""Rereads the config in this process and tells the fleet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from services.config_model import ConfigRefused
from services.live_config import LiveConfigSource


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`fleet_told` is False when Redis did not answer: other processes follow within the period of
    CONFIG_REFRESH_SECONDS. `problem` says why the newest state of the table is not in force."""

    old_revision: int | None
    new_revision: int | None
    fleet_told: bool
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def refresh_fleet(live: LiveConfigSource, announce: Callable[[], bool]) -> Refreshed:
    """`announce` tells the fleet and returns whether it could."""
    before = live.current().revision if live.ready else None
    try:
        live.refresh()
    except (ConfigRefused, SQLAlchemyError):
        return Refreshed(before, before, announce(), live.problem)
    return Refreshed(before, live.current().revision, announce(), live.problem)
