"""What is promised of the services around, hung, refused and emptied, with small numbers and lenient latencies."""

import pytest

from faults import p06_hung_redis, p07_lost_redis, p09_archive_and_mail, p10_hung_error_reports
from faults.world import Servers
from tests.faults.test_databases import check

pytestmark = pytest.mark.slow


@pytest.mark.promise("P6")
def test_a_hung_redis_costs_little(own_servers: Servers) -> None:
    lenient = {"most_ms": 1_000, "most_over_idle_ms": 500, "most_over_usual_ms": 50}
    check(p06_hung_redis.try_it(own_servers, idle=1, seconds=3, times=1, **lenient))


@pytest.mark.promise("P7")
def test_a_lost_redis_changes_no_score(own_servers: Servers) -> None:
    check(p07_lost_redis.try_it(own_servers, times=1))


@pytest.mark.promise("P9")
def test_archive_and_mail_server_in_trouble_are_not_felt(own_servers: Servers) -> None:
    check(p09_archive_and_mail.try_it(own_servers, "SQLite", seconds=1, most_times_idle=30))


@pytest.mark.promise("P10")
def test_error_reports_that_hang_are_not_felt(own_servers: Servers) -> None:
    check(p10_hung_error_reports.try_it(own_servers, errors=40, most_ms_more=50, most_exit=4))
