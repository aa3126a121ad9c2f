"""A database that hangs or is away delays the ledger, loses nothing, and is not felt by who appends."""

import threading
import time
from pathlib import Path

import orjson
from sqlalchemy import select

from data.engine import build_engine
from data.outbox import Shipper
from data.quarantine import FOLDER
from data.queue import Queue
from data.schema import upgrade
from data.spool import Spool
from data.tables import model_logs
from services.ledger import LedgerSink
from tests.support.letters import spool_record
from tests.support.mailroom import proxied


class Writer:
    """Appends a hundred records a second until told to stop."""

    def __init__(self, spool: Spool) -> None:
        self.ids: list[str] = []
        self.longest = 0.0
        self._spool = spool
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.01):
            record = spool_record()
            started = time.monotonic()
            self._spool.append(record)
            self.longest = max(self.longest, time.monotonic() - started)
            self.ids.append(orjson.loads(record)["prediction_id"])


def test_a_hang_and_an_absence_of_the_database(mariadb_url: str, tmp_path: Path) -> None:
    direct = build_engine(mariadb_url)
    upgrade(direct)
    with proxied(mariadb_url, 3306) as (proxy, url):
        spool = Spool(tmp_path)
        shipper = Shipper(spool, [LedgerSink(build_engine(url, read_timeout=1), Queue("redis://127.0.0.1:1/0"))])
        shipper.start()
        writer = Writer(spool)
        for mode in ("hang", "refuse", "hang"):
            time.sleep(1)
            proxy.become(mode)
            time.sleep(3)
            assert shipper.depth() > 50
            proxy.become("pass")
        writer.stop()
        assert shipper.flush(60)
        shipper.close(1)
    with direct.connect() as connection:
        found = set(
            connection.scalars(select(model_logs.c.prediction_id).where(model_logs.c.prediction_id >= writer.ids[0]))
        )
    assert set(writer.ids) <= found
    assert writer.longest < 1.0
    assert not (tmp_path / FOLDER).exists()
    direct.dispose()
