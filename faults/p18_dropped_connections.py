"""P18: connections to the database that are dropped heal before anybody notices."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from data.engine import build_engine
from faults.finding import Finding
from faults.tally import drained
from faults.world import Servers
from tests.support.open_load import OpenLoad
from tests.support.own_mariadb import OwnMariaDb
from tests.support.traffic import change_cutoff, reading, wait_for_reads

DRAIN_SECONDS = 30.0
CUTOFFS = (0.4, 0.5, 0.65, 0.7)
UNKNOWN = "Unknown thread id"


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
    """Predictions ask the database nothing: what does ask it is read all the while. Then the service rests."""
    dropped, changed = 0, list[int]()
    with servers.service("MariaDB", "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load, reading(deployment) as read:
            for _ in range(times):
                load.wait_for_answers(int(per_second))
                dropped += drop_connections(servers.mariadb)
                wait_for_reads(read)
        for cutoff in CUTOFFS:
            dropped += drop_connections(servers.mariadb)
            changed.append(change_cutoff(deployment, cutoff))
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
    asked = read + changed
    others = load.attempted - load.statuses()[200], len(asked) - asked.count(200)
    return Finding(
        promise="P18",
        on="MariaDB",
        fault=f"every connection killed, {times + len(changed)} times",
        count=f"{dropped} connections, {load.attempted:,} predictions, {len(read)} reads, {len(changed)} changes",
        figure=f"{others[0]} predictions and {others[1]} reads and changes not 200; {found.told()}",
        holds=found.clean and others == (0, 0) and dropped >= times,
    )
