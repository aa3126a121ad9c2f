"""`flask config`, as a person, a program and a pipeline call it."""

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
from jobs.commands.config import command
from tests.support.browser import served
from tests.support.deployment import TOKEN, insert_config
from tests.support.models import Trained
from tests.support.stack import application, configure


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


def value(key: str) -> object:
    return json.loads(run("get", key, "--json").stdout)


def history() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("history", "--json").stdout)
    return found


def test_a_value_is_set_shown_and_brought_back(service: Path, embedded_redis_url: str) -> None:
    with Redis.from_url(embedded_redis_url) as redis:
        seen = ClientActivity(redis).fleet_revision()
        done = run("set", "proba_cutoff", "0.6", "shadow", '["heuristic"]', "--reason", "to see")
        assert (done.exit_code, done.stderr) == (0, "")
        assert ClientActivity(redis).fleet_revision() != seen
    assert 'proba_cutoff: 0.5 → 0.6\nshadow: [] → ["heuristic"]' in done.output
    assert "Rehearsal: " in done.output
    assert (value("proba_cutoff"), value("shadow"), run("get", "proba_cutoff").output) == (0.6, ["heuristic"], "0.6\n")
    newest, first = history()
    assert (newest["reason"], first["author"]) == ("to see", "SQL")
    assert str(newest["author"]).startswith("command line: ")
    assert run("diff", str(first["revision"])).output.startswith("proba_cutoff: 0.5 → 0.6\n")
    back = run("revert", str(first["revision"]), "--reason", "it was worse", "--json")
    assert json.loads(back.stdout)["state"] == "promoted"
    assert (value("proba_cutoff"), value("shadow")) == (0.5, [])
    assert "it was worse" in run("history").output
    listed = run("list").output
    assert "aliases " in listed
    assert "maturity_days            30  (default)" in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "proba_cutoff", "7", "--reason", "x"), "proba_cutoff: Input should be less than or equal to 0.99"),
        (("set", "cutoff", "0.6", "--reason", "x"), "cutoff: unknown key"),
        (("set", "proba_cutoff", "0.6", "shadow", "--reason", "x"), "shadow has no value"),
        (("set", "proba_cutoff", "0.6", "--reason", " "), "say why"),
        (("set", "shadow", '["absent@1"]', "--reason", "x"), "absent@1"),
        (("set", "experiment", '{"name', "--reason", "x"), "experiment: is not JSON"),
        (("get", "cutoff"), "there is no key 'cutoff'"),
        (("diff", "99"), "there is no config revision 99"),
        (("revert", "99", "--reason", "x"), "there is no config revision 99"),
        (("promote", "99"), "there is no change 99"),
        (("promote",), "name either a change, or --from stage and --to"),
        (("promote", "--from", "stage", "--to", "prod"), "ENVIRONMENT is local: run this where it is prod"),
        (("promote", "--from", "stage", "--to", "local"), "STAGE_URL is not set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(service: Path, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert len(history()) == 1


def test_a_reason_must_be_given(service: Path) -> None:
    assert run("set", "proba_cutoff", "0.6").exit_code == 2


def test_the_same_again_changes_nothing(service: Path) -> None:
    assert run("set", "proba_cutoff", "0.50", "--reason", "x").output == (
        "Nothing to change: these values are in force already.\n"
    )
    assert len(history()) == 1


def test_a_second_person_is_waited_for(service: Path) -> None:
    run("set", "two_person_rule", "true", "--reason", "four eyes")
    done = run("set", "proba_cutoff", "0.6", "--reason", "x", "--json")
    assert (done.exit_code, json.loads(done.stdout)["state"], value("proba_cutoff")) == (0, "rehearsed", 0.5)
    change = json.loads(done.stdout)["change"]
    context.wiring().config_changes.approve(change, "bob")
    assert run("promote", str(change)).exit_code == 0
    assert value("proba_cutoff") == 0.6


def test_what_is_exported_can_be_kept_edited_and_imported(service: Path) -> None:
    run("set", "email_policy", "high_risk", "email_recipients", '["a@example.com"]', "--reason", "x")
    run("set", "holdout_salt", "0123", "--reason", "text that looks like a number")
    file = service / "config.yaml"
    file.write_text(run("export").output, encoding="utf-8")
    assert (
        "# Probability from which a client counts as high risk. This is the default.\nproba_cutoff: 0.5"
        in file.read_text()
    )
    assert run("import", str(file)).output == "Nothing to change: these values are in force already.\n"
    edited = file.read_text().replace("proba_cutoff: 0.5", "proba_cutoff: 0.6")
    file.write_text(edited.replace("email_policy: high_risk", "email_policy: off"), encoding="utf-8")
    tried = run("import", str(file), "--dry-run")
    assert (tried.exit_code, value("proba_cutoff")) == (0, 0.5)
    assert "email_policy: high_risk → off\nproba_cutoff: 0.5 → 0.6\nRehearsal: " in tried.output
    assert run("import", str(file)).exit_code == 0
    assert (value("proba_cutoff"), value("email_policy"), value("holdout_salt")) == (0.6, "off", "0123")
    assert history()[0]["reason"] == "import of config.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("proba_cutoff: 7\nwatch_minutes: soon\n", "proba_cutoff: Input should be less"),
        ("experiment: {name: half, arms: {champion: 0.5\n", "is not YAML that can be read: line 2"),
        ("proba_cutoff: 0.6\nproba_cutoff: 0.7\n", "line 2: proba_cutoff appears twice"),
        ("shadow: &a [heuristic]\npaused: *a\n", "line 2: aliases are not taken"),
        ("? [proba_cutoff]\n: 0.6\n", "is not YAML that can be read"),
        ("- proba_cutoff\n", "the file must hold keys"),
        ("", "the file must hold keys"),
        ("1: 2\n", "1: unknown key"),
        ("proba_cutoff: 2026-01-02\n", "proba_cutoff: "),
        ("two_person_rule: !!python/name:os.system\n", "is not YAML that can be read"),
        ("experiment: {name: x, salt: s, arms: {champion: 0.5, challenger: 0.4}}\n", "must sum to 1"),
    ],
)
@pytest.mark.parametrize("how", [("--dry-run",), ()])
def test_a_bad_file_fails_the_pipeline(service: Path, text: str, said: str, how: tuple[str, ...]) -> None:
    file = service / "config.yaml"
    file.write_text(text, encoding="utf-8")
    done = run("import", str(file), *how)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(history()) == 1


def test_a_revision_is_carried_from_staging_to_production(
    service: Path, tmp_path: Path, trained: Trained, embedded_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with application(tmp_path / "stage", trained, embedded_redis_url) as stage, served(stage) as url:
        configure(stage, aliases=trained.aliases, proba_cutoff="0.65", shadow=["heuristic"])
        configure(stage, alert_recipients=["testers@example.com"])
        monkeypatch.setenv("STAGE_URL", url)
        monkeypatch.setenv("STAGE_TOKEN", TOKEN)
        context.wiring.cache_clear()
        done = run("promote", "--from", "stage", "--to", "local", "--json")
        assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "promoted")
        monkeypatch.setenv("STAGE_TOKEN", "another")
        context.wiring.cache_clear()
        refused = run("promote", "--from", "stage", "--to", "local")
    assert "answered 403; STAGE_TOKEN needs the scope config:read" in refused.stderr
    assert (value("proba_cutoff"), value("shadow"), value("alert_recipients")) == (0.65, ["heuristic"], [])
    assert history()[0]["reason"] == f"config revision 4 of {url}"
    gone = run("promote", "--from", "stage", "--to", "local")
    assert (gone.exit_code, "does not answer" in gone.stderr) == (1, True)
