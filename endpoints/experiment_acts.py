"""What can be done to an experiment on its page: pause, resume, stop, and naming a winner afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from endpoints.entered import Entered, entered
from endpoints.experiments_wording import arm_name
from endpoints.schema_form import Choice
from helpers.errors import UserError
from services.experiments import ExperimentService
from services.runs import Run

_LEARNED = ("What was learned?", "Others read it in the list of past experiments")
NOBODY = ""
REASON, NOTE, WINNER = "reason", "note", "winner"


@dataclass(frozen=True, slots=True)
class Act:
    """A form that changes the experiment. `what` names the change before it is made; `winners` are to choose from."""

    do: str
    title: str
    what: str
    button: str
    field: str
    label: str
    hint: str
    entered: Entered
    winners: Sequence[Choice] = ()
    winner: str = NOBODY


def acts_of(run: Run, winner: str | None, given: Entered) -> list[Act]:
    """The acts that make sense now; `winner` is the readout's, `given` what was entered into one of them."""

    def of(do: str) -> Entered:
        return given if given.text("do") == do else Entered()

    if not run.running:
        return [_conclude(run, of("stop"))]
    return [_resume(of("resume")) if run.paused else _pause(run, of("pause")), _stop(run, winner, of("stop"))]


def perform(service: ExperimentService, name: str, form: Mapping[str, str], author: str) -> tuple[str, Entered]:
    """Does what the form asks for. Gives what was done in one sentence, or an empty text and what is wrong."""
    field = NOTE if form.get("do") == "stop" else REASON
    given = entered(form, [field])
    if given.refused:
        return "", given
    try:
        return _perform(service, name, given, given.text(field), author), given
    except UserError as error:
        return "", given.refused_by(error)


def _perform(service: ExperimentService, name: str, given: Entered, reason: str, author: str) -> str:
    do = given.text("do")
    if do == "pause":
        service.pause(name, author, reason)
        return f"“{name}” is paused: all its clients meet the champion until it is resumed."
    if do == "resume":
        service.resume(name, author, reason)
        return f"“{name}” goes on: its clients meet their arms again."
    if do == "stop":
        ended = service.stop(name, given.text(WINNER) or None, reason, author) is not None
        return f"“{name}” is stopped: all its clients meet the champion." if ended else f"Written down for “{name}”."
    raise UserError("choose to pause, to resume or to stop the experiment", "do")


def _pause(run: Run, given: Entered) -> Act:
    what = f"All clients of “{run.name}” meet the champion until it is resumed, and no new client enters it."
    return Act("pause", "Pause", what, "Pause the experiment", REASON, "Why?", "", given)


def _resume(given: Entered) -> Act:
    what = "Its clients meet their arms again, each the same one as before, and new clients enter it."
    return Act("resume", "Resume", what, "Resume the experiment", REASON, "Why?", "", given)


def _stop(run: Run, winner: str | None, given: Entered) -> Act:
    what = (
        f"“{run.name}” ends: all its clients meet the champion, and it cannot be started again under this name. Its"
        " page stays. Naming a winner changes no model; the promotion ladder does."
    )
    chosen = given.text(WINNER) if given.texts else winner or NOBODY
    return Act("stop", "Stop", what, "Stop the experiment", NOTE, *_LEARNED, given, _winners(run), chosen)


def _conclude(run: Run, given: Entered) -> Act:
    chosen = given.text(WINNER) if given.texts else run.winner or NOBODY
    title = "Change the verdict" if run.decided_by else "Name the winner"
    what = "Only what is written about the experiment changes; it stays stopped."
    return Act("stop", title, what, "Write it down", NOTE, *_LEARNED, given, _winners(run), chosen)


def _winners(run: Run) -> list[Choice]:
    return [Choice(NOBODY, "No winner"), *(Choice(arm, arm_name(arm)) for arm in run.arms)]
