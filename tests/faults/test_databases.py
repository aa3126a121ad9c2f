"""What is promised of web processes that die and databases that hang, with small numbers and lenient latencies."""

import pytest

from faults import (
    p01_every_answer,
    p02_killed_web,
    p04_hung_database,
    p05_long_outage,
    p16_model_swaps,
)
from faults.finding import Finding
from faults.world import Database, Servers

pytestmark = pytest.mark.slow
both = pytest.mark.parametrize("database", ["SQLite", "MariaDB"])


def check(finding: Finding) -> None:
    assert finding.holds, finding


@pytest.mark.promise("P1")
def test_every_answer_is_in_the_ledger_once(own_servers: Servers) -> None:
    check(p01_every_answer.try_it(own_servers, "MariaDB", seconds=2, per_second=100))


@both
@pytest.mark.promise("P2")
def test_killed_web_processes_lose_nothing(own_servers: Servers, database: Database) -> None:
    check(p02_killed_web.try_it(own_servers, database, kills=2, per_second=100, most_errors=0.1))


@both
@pytest.mark.promise("P4")
def test_a_hung_database_is_not_felt(own_servers: Servers, database: Database) -> None:
    check(p04_hung_database.try_it(own_servers, database, idle=2, seconds=4, most_times_idle=20, most_times_usual=5))


@pytest.mark.promise("P5")
def test_a_database_away_and_killed_web_processes_lose_nothing(own_servers: Servers) -> None:
    check(p05_long_outage.try_it(own_servers, "MariaDB", seconds=5, kills=1))


@pytest.mark.promise("P5")
def test_a_full_outbox_says_so(own_servers: Servers) -> None:
    check(p05_long_outage.fill_spool(own_servers, "SQLite", per_second=150))


@pytest.mark.promise("P16")
def test_a_swap_of_models_is_whole(own_servers: Servers) -> None:
    check(p16_model_swaps.swap(own_servers, "MariaDB", swaps=9, per_second=60))


@pytest.mark.promise("P16")
def test_a_bad_model_folder_never_serves(own_servers: Servers) -> None:
    check(p16_model_swaps.tamper(own_servers, "SQLite"))
