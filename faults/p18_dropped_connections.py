"""P18: connections to the database that are dropped heal before anybody notices."""

from collections import Counter

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine
from faults.finding import Finding
from faults.tally import drained
from faults.world import Servers
from tests.support.deployment import Deployment
from tests.support.open_load import OpenLoad
from tests.support.own_mariadb import OwnMariaDb
from tests.support.traffic import session

DRAIN_SECONDS = 30.0
UNKNOWN = "Unknown thread id"
READS = ("/assignments/anna", "/v1/call-list?limit=5", "/v1/experiments/faults/readout")


def drop_connections(mariadb: OwnMariaDb) -> int:
    """Ends every connection but its own, and gives their number."""
    admin = build_engine(f"{mariadb.url}/information_schema")
    with admin.connect() as connection:
        others = text("select id from processlist where user = 'root' and id <> connection_id()")
        dropped = sum(_drop(connection, each) for each in connection.execute(others).scalars().all())
    admin.dispose()
    return dropped


def _drop(connection: Connection, number: int) -> bool:
    """Whether it was still there."""
    try:
        connection.execute(text(f"kill soft connection {number}"))
    except OperationalError as error:
        if UNKNOWN not in str(error.orig):
            raise
        return False
    return True


def try_it(servers: Servers, *, times: int = 10, per_second: float = 60.0) -> Finding:
    """Beside predictions, which ask the database nothing, what does ask it is read after each time."""
    dropped, read = 0, Counter[int]()
    with servers.service("MariaDB", "web") as deployment:
        _read(deployment)  # so that there are connections to drop
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            for _ in range(times):
                load.wait_for_answers(int(per_second))
                dropped += drop_connections(servers.mariadb)
                read += _read(deployment)
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
    other = load.attempted - load.statuses()[200]
    return Finding(
        promise="P18",
        on="MariaDB",
        fault=f"every connection killed, {times} times",
        count=f"{dropped} connections, {load.attempted:,} predictions, {read.total()} reads",
        figure=f"{other} predictions and {read.total() - read[200]} reads not 200; {found.told()}",
        holds=found.clean and other == 0 and set(read) == {200} and dropped >= times,
    )


def _read(deployment: Deployment) -> Counter[int]:
    with session() as own:
        return Counter(own.get(f"{deployment.url}{path}", timeout=30).status_code for path in READS * 4)
