"""`flask experiments`: what runs, what ran, and every act by which that changes."""

import json
from dataclasses import asdict
from typing import Any

import click
import orjson

from experiments.plan import control
from helpers.errors import UserError
from jobs.commands.acting import actor, tell_fleet
from jobs.commands.reporting import reported
from jobs.context import wiring
from services.experiment_values import Start
from services.experiments import ExperimentService, runs
from services.ladder import Step
from services.runs import Run

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
_reason = click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the change.")
_name = click.argument("name")
_model = click.argument("model")


@click.group("experiments")
def command() -> None:
    """List, start, pause, resume and stop experiments, and lead models up the promotion ladder.

    The ladder's steps are shadow, canary (5 % of the clients), A/B (50 %) and champion.
    """


@command.command("list")
@_json
@reported
def list_all(as_json: bool) -> None:
    """Show every experiment that ever ran, the newest first."""
    found = runs(wiring().engine)
    if as_json:
        click.echo(orjson.dumps([asdict(run) for run in found]))
        return
    if not found:
        click.echo("No experiment ran so far.")
    for run in found:
        click.echo(_line(run))


@command.command("start")
@_name
@click.option("--arm", "arms", metavar="ARM=SHARE", multiple=True, required=True, help="May be given again.")
@click.option("--salt", metavar="TEXT", help="What draws the arms; without it the name.")
@click.option("--layer", metavar="LAYER", help="The layer to run in; without it, outside of all layers.")
@click.option("--share", type=float, help="The layer's share of all clients, such as 0.1.")
@_reason
@_json
@reported
def start(
    name: str,
    arms: tuple[str, ...],
    salt: str | None,
    layer: str | None,
    share: float | None,
    reason: str,
    as_json: bool,
) -> None:
    """Start the experiment NAME. An arm is an alias, such as champion, or name@version; the shares sum to 1."""
    wanted = Start(name, dict(_arm(text) for text in arms), salt, layer, share)
    revision = _service().start(wanted, actor(), reason)
    _say(as_json, {"experiment": name, "revision": revision}, f"Started {name}: config revision {revision}.")


@command.command("stop")
@_name
@click.option("--winner", metavar="ARM", help="The arm that won; without it, none did.")
@click.option("--note", default="", metavar="TEXT", help="What was concluded, and why.")
@_json
@reported
def stop(name: str, winner: str | None, note: str, as_json: bool) -> None:
    """End the experiment NAME: its clients meet the champion. One that has ended already gets the verdict alone."""
    revision = _service().stop(name, winner, note, actor())
    text = f"{name} had ended already; kept the verdict." if revision is None else f"Stopped {name}."
    _say(as_json, {"experiment": name, "winner": winner, "revision": revision}, text, revision is not None)


@command.command("pause")
@_name
@_reason
@_json
@reported
def pause(name: str, reason: str, as_json: bool) -> None:
    """Let the clients of NAME all meet the champion until it is resumed; nobody is enrolled meanwhile."""
    revision = _service().pause(name, actor(), reason)
    _say(as_json, {"experiment": name, "revision": revision}, f"Paused {name}.")


@command.command("resume")
@_name
@_reason
@_json
@reported
def resume(name: str, reason: str, as_json: bool) -> None:
    """Let the paused experiment NAME go on."""
    revision = _service().resume(name, actor(), reason)
    _say(as_json, {"experiment": name, "revision": revision}, f"Resumed {name}.")


@command.command("advance")
@_model
@_reason
@_json
@reported
def advance(model: str, reason: str, as_json: bool) -> None:
    """Lead MODEL (an alias or name@version) one step up the ladder."""
    _say_step(as_json, _service().advance(model, actor(), reason))


@command.command("retreat")
@_model
@_reason
@_json
@reported
def retreat(model: str, reason: str, as_json: bool) -> None:
    """Take MODEL off the ladder, whatever its step: all clients meet the champion."""
    _say_step(as_json, _service().retreat(model, actor(), reason))


def _service() -> ExperimentService:
    wired = wiring()
    return ExperimentService(wired.engine, wired.registry, wired.clock)


def _arm(text: str) -> tuple[str, float]:
    arm, _, share = text.partition("=")
    try:
        return arm, float(share)
    except ValueError:
        raise UserError(f"--arm {text}: write ARM=SHARE, such as champion=0.9", "arm") from None


def _say_step(as_json: bool, step: Step) -> None:
    facts = {"model": step.model, "before": step.before, "after": step.after, "ended": step.ended}
    _say(as_json, facts, f"Led {step.words}.")


def _say(as_json: bool, facts: dict[str, Any], text: str, changed: bool = True) -> None:
    told = tell_fleet(wiring()) if changed else True
    click.echo(json.dumps({**facts, "fleet_told": told}) if as_json else text)


def _line(run: Run) -> str:
    first = control(run.arms)
    arms = ", ".join(f"{arm} {100 * run.arms[arm]:g} %" for arm in sorted(run.arms, key=lambda arm: arm != first))
    where = f" in layer {run.layer} ({100 * (run.share or 0):g} %)" if run.layer else ""
    return f"{run.name:<32} {_state(run):<22} {run.started_at:%Y-%m-%d}{where}  {arms}{_verdict(run)}"


def _state(run: Run) -> str:
    if run.stopped_at is not None:
        return f"ended {run.stopped_at:%Y-%m-%d}"
    return "paused" if run.paused else "running"


def _verdict(run: Run) -> str:
    return f"  winner: {run.winner or 'none'}" if run.decided_by else ""
