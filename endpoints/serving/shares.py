"""How many connections each worker of a server has, where all of them see it.

Whichever worker is woken first takes all that wait, and clients that keep their connections then meet one worker while
the others idle.
"""

import mmap
import struct

_WORKERS = 256
_CELL = struct.Struct("=i")
_GONE = -1
CHANCES = 50
Share = tuple[int, int]
"""The place of a worker, and how many connections it has."""


class Shares:
    """Made before the workers are forked. A worker is known by its number, which gunicorn counts up."""

    def __init__(self) -> None:
        self._cells = mmap.mmap(-1, _WORKERS * _CELL.size)
        for place in range(_WORKERS):
            self._set(place, _GONE)

    def tell(self, worker: int, connections: int) -> None:
        """How many the worker has now."""
        self._set(worker, connections)

    def leave(self, worker: int) -> None:
        """The worker is gone, by whatever death."""
        self._set(worker, _GONE)

    def fewer(self, worker: int, connections: int) -> list[Share]:
        """Those of other workers that have fewer."""
        held = enumerate(count for (count,) in _CELL.iter_unpack(self._cells[:]))
        return [share for share in held if _GONE < share[1] < connections and share[0] != worker % _WORKERS]

    def _set(self, worker: int, connections: int) -> None:
        _CELL.pack_into(self._cells, worker % _WORKERS * _CELL.size, connections)


class Courtesy:
    """How often a worker lets others go first: one that is well comes late on a busy machine, one that hangs never."""

    def __init__(self) -> None:
        self._given: dict[Share, int] = {}

    def grants(self, fewer: list[Share]) -> bool:
        """One more chance to these. Each has `CHANCES` until it moves."""
        self._given = {share: self._given.get(share, 0) + 1 for share in fewer}
        return any(given <= CHANCES for given in self._given.values())
