"""How many connections each worker of a server has, where all of them see it.

Whichever worker is woken first takes all that wait, and clients that keep their connections then meet one worker while
the others idle.
"""

import mmap
import struct

_WORKERS = 256
_CELL = struct.Struct("=i")
_GONE = -1


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

    def has_more(self, worker: int, connections: int) -> bool:
        """Whether another worker has fewer."""
        held = (count for (count,) in _CELL.iter_unpack(self._cells[:]))
        return any(_GONE < count < connections for place, count in enumerate(held) if place != worker % _WORKERS)

    def _set(self, worker: int, connections: int) -> None:
        _CELL.pack_into(self._cells, worker % _WORKERS * _CELL.size, connections)
