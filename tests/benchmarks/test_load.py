"""What wrk says is read whole: failures count as such."""

import pytest

from benchmarks.load import read_round

SAID = """Running 1s test @ http://127.0.0.1:8000
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.10ms    1.20ms  12.00ms   80.00%
    Req/Sec     5.00k   100.00     5.20k    70.00%
  Latency Distribution
     50%  900.00us
     75%    3.50ms
     90%    4.50ms
     99%    1.20s
  5000 requests in 1.00s, 1.00MB read
REST
Requests/sec:   4990.50
Transfer/sec:      1.00MB
"""


def test_a_clean_round() -> None:
    found = read_round(SAID.replace("REST\n", ""), cpu_seconds=2.5, meanwhile=2.0)
    assert (found.requests_per_second, found.p50_ms, found.p99_ms, found.cpu_us) == (4990.5, 0.9, 1200.0, 500.0)
    assert found.cpu_us_meanwhile == 400.0
    assert found.errors == 0


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("  Socket errors: connect 1, read 2, write 4, timeout 8\n", 15),
        ("  Non-2xx or 3xx responses: 16\n", 16),
        ("  Socket errors: connect 0, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 4\n", 7),
    ],
)
def test_every_failure_counts(line: str, errors: int) -> None:
    assert read_round(SAID.replace("REST\n", line), cpu_seconds=1.0, meanwhile=1.0).errors == errors


def test_a_server_that_answers_nothing_is_no_measurement() -> None:
    with pytest.raises(SystemExit, match="no request was answered"):
        read_round(SAID.replace("5000 requests", "0 requests"), cpu_seconds=1.0, meanwhile=1.0)
