"""`flask config`: the configuration for people at a command line, and for CI."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from data.config_change_store import Change
from data.stage_client import StageClient
from helpers.errors import UserError
from jobs.commands.acting import actor, tell_fleet
from jobs.commands.reporting import reported
from jobs.context import wiring
from services.config.candidate import Difference
from services.config.history import Revision
from services.config.lifecycle import Lifecycle, NothingChanges
from services.config.spelling import spelled
from services.config.staging import shared
from services.config.yaml_file import values_of_file, written

UNCHANGED = "Nothing to change: these values are in force already."
PLACES = click.Choice(["local", "stage", "prod"])
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the change.")


@click.group("config")
def command() -> None:
    """Read and change the live configuration. Every change is checked as a whole and rehearsed beforehand."""


@command.command("list")
@_json
@reported
def list_all(as_json: bool) -> None:
    """Show every key with its value."""
    found = _changes().current()
    if as_json:
        click.echo(orjson.dumps(asdict(found)))
        return
    for key, value in found.values.items():
        click.echo(f"{key:<24} {spelled(key, value)}{'  (default)' if key in found.defaults else ''}")
    for row in found.refused:
        click.echo(f"row {row.id} ({row.key}) is not in force: {row.reason}", err=True)


@command.command("get")
@click.argument("key")
@_json
@reported
def get(key: str, as_json: bool) -> None:
    """Show the value of KEY."""
    values = _changes().current().values
    if key not in values:
        raise UserError(f"there is no key {key!r}; see `./run.sh config list`", "key")
    click.echo(json.dumps(values[key]) if as_json else spelled(key, values[key]))


@command.command("set")
@click.argument("key")
@click.argument("value")
@click.argument("more", nargs=-1, metavar="[KEY VALUE]...")
@_reason
@_json
@reported
def set_values(key: str, value: str, more: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Change KEY to VALUE, and further keys together with it. Lists and objects are written as JSON."""
    if len(more) % 2:
        raise UserError(f"{more[-1]} has no value: write KEY VALUE pairs", "more")
    values = {key: value, **dict(zip(more[::2], more[1::2], strict=True))}
    _set(values, reason, as_json)


@command.command("diff")
@click.argument("a", type=int)
@click.argument("b", type=int, required=False)
@_json
@reported
def diff(a: int, b: int | None, as_json: bool) -> None:
    """Show what was in force at revision B, or is now, and was not at A."""
    found = _changes().diff(a, b)
    click.echo(orjson.dumps([asdict(each) for each in found]) if as_json else _lines(found) or "No difference.")


@command.command("history")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many revisions.")
@_json
@reported
def history(limit: int, as_json: bool) -> None:
    """Show the newest revisions: who changed what, when and why."""
    found = _changes().history(limit)
    if as_json:
        click.echo(orjson.dumps([asdict(each) for each in found]))
        return
    for each in found:
        click.echo(_told(each))


@command.command("promote")
@click.argument("change", type=int, required=False)
@click.option("--from", "source", type=PLACES, help="Where to take the values from: the deployment at STAGE_URL.")
@click.option("--to", "target", type=PLACES, help="This deployment's ENVIRONMENT.")
@click.option("--reason", metavar="TEXT", help="Why, with --from; without it, that these are its values.")
@_json
@reported
def promote(change: int | None, source: str | None, target: str | None, reason: str | None, as_json: bool) -> None:
    """Put the rehearsed CHANGE into force, or carry the values of another deployment here: --from stage --to prod."""
    if change is not None and source is None and target is None:
        revision = _changes().promote(change, actor())
        _say(as_json, {"change": change, "revision": revision}, f"Promoted change {change}: revision {revision}.")
    elif change is None and source == "stage" and target is not None:
        _carry(target, reason, as_json)
    else:
        raise UserError("name either a change, or --from stage and --to", "change")


@command.command("revert")
@click.argument("revision", type=int)
@_reason
@_json
@reported
def revert(revision: int, reason: str, as_json: bool) -> None:
    """Bring back all values as they were at REVISION; history is not rewritten."""
    _attempt(lambda: _changes().revert(revision, actor(), reason), as_json)


@command.command("export")
@reported
def export() -> None:
    """Write the values in force as YAML to standard output."""
    click.echo(written(_changes().current()), nl=False)


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check and rehearse, show the difference, and change nothing.")
@click.option("--reason", metavar="TEXT", help="Why; without it, the file's name.")
@_json
@reported
def import_file(file: Path, dry_run: bool, reason: str | None, as_json: bool) -> None:
    """Put the values of a YAML FILE into force. Keys that it does not have stay as they are."""
    values = values_of_file(_text(file))
    if dry_run:
        _try_out(values, as_json)
    else:
        _set(values, reason or f"import of {file.name}", as_json)


def _changes() -> Lifecycle:
    return wiring().config_changes


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file.name} is not UTF-8", "file") from None


def _try_out(values: Mapping[str, Any], as_json: bool) -> None:
    try:
        seen = _changes().preview(values)
    except NothingChanges:
        _say(as_json, {"state": "unchanged"}, UNCHANGED, changed=False)
        return
    difference, errors = seen.candidate.difference, seen.report["errors"]
    facts = {"state": "dry_run", "rehearsal": seen.report}
    _say(as_json, facts, f"{_lines(difference)}\n{_rehearsed(seen.report)}", changed=False)
    if errors:
        first = errors[0]
        raise UserError(f"the rehearsal failed: {first['client_id'] or 'all clients'}: {first['error']}", "file")


def _carry(target: str, reason: str | None, as_json: bool) -> None:
    """Carries what is in force on staging into this deployment, whose database is another; keys that each deployment
    has for itself stay as they are."""
    settings = wiring().settings
    if target != settings.environment:
        raise UserError(f"ENVIRONMENT is {settings.environment}: run this where it is {target}", "to")
    if not settings.stage_url:
        raise UserError("STAGE_URL is not set: it says where the other deployment is", "STAGE_URL")
    found = StageClient(settings.stage_url, settings.stage_token.get_secret_value()).config()
    source = f"config revision {found.revision} of {settings.stage_url}"
    _set(shared(found.values), f"{reason} ({source})" if reason else source, as_json)


def _set(values: Mapping[str, Any], reason: str, as_json: bool) -> None:
    _attempt(lambda: _changes().set_now(values, actor(), reason), as_json)


def _attempt(act: Callable[[], Change], as_json: bool) -> None:
    try:
        change = act()
    except NothingChanges:
        _say(as_json, {"state": "unchanged"}, UNCHANGED, changed=False)
    else:
        _tell(change, as_json)


def _tell(change: Change, as_json: bool) -> None:
    facts = {"change": change.id, "state": change.state, "revision": change.revision, "rehearsal": change.rehearsal}
    words = "waits for approval" if change.open else f"is in force: revision {change.revision}"
    report = change.rehearsal or {}
    shown = _lines([Difference(**each) for each in report.get("changes", [])])
    _say(as_json, facts, f"{shown}\n{_rehearsed(report)}\nChange {change.id} {words}.", changed=not change.open)


def _say(as_json: bool, facts: Mapping[str, Any], text: str, changed: bool = True) -> None:
    told = tell_fleet(wiring()) if changed else True
    click.echo(orjson.dumps({**facts, "fleet_told": told}) if as_json else text)


def _lines(found: list[Difference]) -> str:
    return "\n".join(f"{each.key}: {each.old} → {each.new}" for each in found)


def _rehearsed(report: Mapping[str, Any]) -> str:
    counts = f"{report['answers_changed']} of {report['customers']} answers change, {report['arms_changed']} arms"
    return f"Rehearsal: {counts}; high risk {report['high_risk_before']} → {report['high_risk_after']}."


def _told(each: Revision) -> str:
    head = f"{each.revision:>6}  {each.at:%Y-%m-%d %H:%M:%S}  {each.author}  {each.reason or ''}".rstrip()
    refused = [f"        not in force: {each.refused}"] if each.refused else []
    changes = [f"        {one.key}: {one.old} → {one.new}" for one in each.changes]
    return "\n".join([head, *changes, *refused])
