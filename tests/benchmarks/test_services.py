"""A benchmark, and any deployment that tests start, stays away from the services that it finds configured."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text

from benchmarks.services import chosen_services
from data.engine import build_engine
from tests.support.deployment import ROOT, Deployment
from tests.support.services import ADMIN_URL

SOMEBODYS = {
    "DATABASE_URL": "mysql+pymysql://root@127.0.0.1/live",
    "REDIS_URL": "redis://live",
    "SMTP_URL": "smtp://live",
    "S3_BUCKET": "live",
    "SENTRY_DSN": "https://live@sentry.example/1",
    "AWS_SECRET_ID": "live",
    "AWS_PROFILE": "live",
}


@pytest.fixture
def somebodys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SOMEBODYS.items():
        monkeypatch.setenv(name, value)
    for name in ("BENCH_DATABASE_URL", "BENCH_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("somebodys")
def test_nothing_that_is_configured_is_used(tmp_path_factory: pytest.TempPathFactory) -> None:
    var_dir = tmp_path_factory.mktemp("v")
    with chosen_services(var_dir) as chosen:
        assert chosen == {}
        deployment = Deployment(var_dir, chosen)
        assert set(SOMEBODYS) & set(deployment.environ) == set()
        assert deployment.engine.url.database == str(var_dir / "holdfast.sqlite3")
        with Redis(unix_socket_path=str(var_dir / "redis" / "redis.sock")) as redis:
            assert redis.ping()
        deployment.engine.dispose()


@pytest.mark.usefixtures("somebodys", "mariadb_url")
def test_a_database_is_made_and_dropped_and_a_redis_emptied(
    tmp_path: Path, redis_url: str, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATABASE_URL", ADMIN_URL)
    monkeypatch.setenv("BENCH_REDIS_URL", redis_url)
    with chosen_services(tmp_path) as chosen:
        assert chosen["REDIS_URL"] == redis_url
        redis_client.set("key", "value")
        engine = build_engine(chosen["DATABASE_URL"])
        with engine.begin() as connection:
            assert connection.execute(text("SHOW TABLES")).all() == []
        engine.dispose()
    with pytest.raises(Exception, match="Unknown database"), engine.connect():
        pass
    engine.dispose()
    assert redis_client.dbsize() == 0


@pytest.mark.usefixtures("somebodys", "mariadb_url")
def test_a_likely_server_is_taken_where_it_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    with chosen_services(tmp_path_factory.mktemp("v"), likely_server=ADMIN_URL) as chosen:
        assert "/holdfast_test_" in chosen["DATABASE_URL"]
    nowhere = "mysql+pymysql://root@127.0.0.1:9"
    with chosen_services(tmp_path_factory.mktemp("v"), likely_server=nowhere) as chosen:
        assert chosen == {}


@pytest.mark.usefixtures("somebodys")
def test_a_redis_that_holds_something_is_refused_and_left(
    tmp_path: Path, redis_url: str, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_REDIS_URL", redis_url)
    redis_client.set("key", "value")
    with pytest.raises(SystemExit, match="holds 1 keys"), chosen_services(tmp_path):
        pass
    assert redis_client.get("key") == b"value"


def test_without_wrk_it_says_so_in_one_line(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "flask", "--app", "app", "bench"]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 1
    assert ended.stderr.strip() == "Error: wrk is needed to measure: apt install wrk, or brew install wrk"
