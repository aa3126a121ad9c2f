"""A sink that remembers what it was given, and fails when told to."""

import threading
from collections.abc import Sequence

from data.pump import RecordsRefused


class RecordingSink:
    """`outage`: every delivery fails. `poison`: records it will never take. `gate`: hangs until set."""

    def __init__(self, name: str = "ledger", *, max_records: int = 500, fixed_batches: bool = False) -> None:
        self.name = name
        self.max_records = max_records
        self.max_bytes = 1_000_000
        self.linger = 0.0
        self.fixed_batches = fixed_batches
        self.batches: list[list[bytes]] = []
        self.attempts = 0
        self.outage: Exception | None = None
        self.poison: set[bytes] = set()
        self.gate = threading.Event()
        self.gate.set()

    @property
    def records(self) -> list[bytes]:
        return [record for batch in self.batches for record in batch]

    def deliver(self, records: Sequence[bytes]) -> None:
        self.attempts += 1
        self.gate.wait(30)
        if self.outage is not None:
            raise self.outage
        if self.poison.intersection(records):
            raise RecordsRefused("too long for the table")
        self.batches.append(list(records))
