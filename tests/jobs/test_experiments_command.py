"""`flask experiments`, as a person and as a program call it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from data.client_activity import ClientActivity
from data.engine import build_engine
from data.schema import upgrade
from helpers.logs import configure_logging
from jobs import context
from jobs.commands.experiments import command
from tests.support.deployment import insert_config
from tests.support.models import Trained

HALVES = ("--arm", "champion=0.5", "--arm", "challenger=0.5")


@pytest.fixture
def service(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A service of this test alone; the commands build what they need from its settings."""
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    for name, value in (("DATABASE_URL", url), ("VAR_DIR", str(tmp_path)), ("REDIS_URL", embedded_redis_url)):
        monkeypatch.setenv(name, value)
    shutil.copytree(trained.models_dir, tmp_path / "models")
    engine = build_engine(url)
    upgrade(engine)
    insert_config(engine, aliases=trained.aliases)
    engine.dispose()
    context.wiring.cache_clear()
    yield tmp_path
    context.wiring.cache_clear()


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def listed() -> list[tuple[str, bool, bool]]:
    return [(one["name"], one["stopped_at"] is None, one["paused"]) for one in json.loads(run("list", "--json").stdout)]


def test_an_experiment_is_started_paused_resumed_and_stopped(service: Path, embedded_redis_url: str) -> None:
    with Redis.from_url(embedded_redis_url) as redis:
        activity = ClientActivity(redis)
        seen = [activity.fleet_revision()]
        assert run("list").output == "No experiment ran so far.\n"
        for words, now in (
            (("start", "autumn", *HALVES, "--reason", "to see"), ("autumn", True, False)),
            (("pause", "autumn"), ("autumn", True, True)),
            (("resume", "autumn"), ("autumn", True, False)),
            (("stop", "autumn", "--winner", "challenger", "--note", "better"), ("autumn", False, False)),
        ):
            done = run(*words)
            assert (done.exit_code, done.stderr) == (0, "")
            assert listed() == [now]
            seen.append(activity.fleet_revision())
        assert len(set(seen)) == len(seen), "the fleet was not told of every change"
    shown = run("list").output
    assert "champion 50 %, challenger 50 %  winner: challenger" in shown
    assert "ended" in shown
    assert run("stop", "autumn", "--note", "or not").output == "autumn had ended already; kept the verdict.\n"


def test_programs_read_json(service: Path) -> None:
    started = json.loads(run("start", "side", *HALVES, "--layer", "tenth", "--share", "0.1", "--json").stdout)
    assert (started["experiment"], started["fleet_told"]) == ("side", True)
    (one,) = json.loads(run("list", "--json").stdout)
    assert (one["layer"], one["share"], one["salt"]) == ("tenth", 0.1, "side")
    assert one["arms"] == {"champion": 0.5, "challenger": 0.5}
    assert one["author"].startswith("command line: ")
    assert "in layer tenth (10 %)" in run("list").output


def test_a_model_climbs_and_comes_back(service: Path) -> None:
    climbed = [json.loads(run("advance", "challenger", "--json").stdout)["after"] for _ in range(3)]
    assert climbed == ["shadow", "canary", "ab"]
    assert run("retreat", "challenger").output == "Led gradient_boosting@1 from ab to none.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("start", "x", "--arm", "champion"), "--arm champion: write ARM=SHARE"),
        (("start", "x", "--arm", "champion=0.5", "--arm", "challenger=0.4"), "experiment: the shares of the arms sum"),
        (("start", "x", "--arm", "champion=0.5", "--arm", "absent@1=0.5"), "absent@1"),
        (("start", "holdout", *HALVES), "'holdout' is the name of the layer above all arms"),
        (("stop", "never"), "there is no experiment 'never'; see `./run.sh experiments list`"),
        (("pause", "never"), "experiment 'never' is not in force"),
        (("resume", "never"), "experiment 'never' is not paused"),
        (("advance", "absent"), "'absent' is no alias and no name@version"),
        (("advance", "champion"), "champion is the champion already"),
        (("retreat", "challenger"), "challenger is on no step of the ladder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(service: Path, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert listed() == []


def test_without_redis_the_change_is_made_and_it_is_said_when_it_arrives(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    done = run("start", "autumn", *HALVES, "--json")
    assert done.exit_code == 0
    assert "Redis does not answer: running processes follow within 3600 seconds." in done.stderr
    assert json.loads(done.stdout)["fleet_told"] is False
    assert listed() == [("autumn", True, False)]
