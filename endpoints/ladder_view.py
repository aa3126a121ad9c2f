"""The promotion ladder on a page: where each model stands, and what a step up or back would change."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from endpoints.entered import Entered, entered, sentence
from endpoints.experiments_wording import arm_name
from endpoints.wording import percent
from helpers.errors import UserError
from services import ladder
from services.config.model import LiveConfig
from services.experiments import ExperimentService
from services.ladder import AB_SHARE, CANARY_SHARE, Stage, Step

STAGES: Mapping[Stage, str] = {
    "shadow": "Shadow",
    "canary": f"Canary, {percent(CANARY_SHARE)}",
    "ab": f"A/B, {percent(AB_SHARE)}",
    "champion": "Champion",
}
_ORDER: Sequence[Stage] = ("none", *STAGES)
_TITLES: Mapping[Stage, str] = {
    "shadow": "Let it score silently",
    "canary": f"Step up to {percent(CANARY_SHARE)} of the clients",
    "ab": f"Step up to {percent(AB_SHARE)} of the clients",
    "champion": "Make it the champion",
}
ADVANCE, RETREAT = "advance", "retreat"


@dataclass(frozen=True, slots=True)
class Move:
    """A step that can be taken, or why it cannot: then `problem` says so and there is no button."""

    do: str
    title: str
    what: str
    problem: str
    entered: Entered


@dataclass(frozen=True, slots=True)
class Rung:
    """A model on its way. `place` counts the stages from 0, which is none of them."""

    ref: str
    name: str
    stage: Stage
    place: int
    moves: Sequence[Move]

    def shows(self, given: Entered) -> bool:
        """Whether what was entered stands in one of its forms."""
        return any(move.entered is given for move in self.moves)


def rungs(config: LiveConfig, available: Sequence[str], used: Collection[str], given: Entered) -> list[Rung]:
    """The models but the champion, those furthest up first; `used` are the names of all experiments so far."""
    climbers = [ref for ref in available if ladder.where(config, ref) != "champion"]
    found = [_rung(config, ref, used, given if given.text("model") == ref else Entered()) for ref in climbers]
    return sorted(found, key=lambda rung: -rung.place)


def take_step(
    service: ExperimentService, config: LiveConfig, form: Mapping[str, str], author: str
) -> tuple[str, Entered]:
    """Takes the step that the form was shown for. Gives what was done in one sentence, or an empty text and what is
    wrong."""
    given = entered(form, ["reason"])
    if given.refused:
        return "", given
    try:
        return _take(service, config, given, author), given
    except UserError as error:
        return "", given.refused_by(error)


def _take(service: ExperimentService, config: LiveConfig, given: Entered, author: str) -> str:
    """The page shows a stage, and the step up from it: not one more where somebody else was quicker."""
    model = given.text("model")
    if ladder.where(config, model) != given.text("stage"):
        raise UserError(f"{arm_name(model)} was moved meanwhile: look where it stands now, and choose again")
    move = service.advance if given.text("do") == ADVANCE else service.retreat
    step = move(model, author, given.text("reason"))
    return f"Done. {_words(step)}"


def _rung(config: LiveConfig, ref: str, used: Collection[str], given: Entered) -> Rung:
    stage = ladder.where(config, ref)
    moves = [_move(ADVANCE, lambda: ladder.advance(config, ref, used), given)]
    if stage != "none":
        moves.append(_move(RETREAT, lambda: ladder.retreat(config, ref), given))
    return Rung(ref, arm_name(ref), stage, _ORDER.index(stage), moves)


def _move(do: str, plan: Callable[[], Step], given: Entered) -> Move:
    try:
        step = plan()
    except UserError as error:
        return Move(do, "No step now", "", sentence(str(error)), Entered())
    title = _TITLES[step.after] if do == ADVANCE else "Take it off the ladder"
    return Move(do, title, _words(step), "", given if given.text("do") == do else Entered())


def _words(step: Step) -> str:
    """What a step changes."""
    model = arm_name(step.model)
    ended = f"“{step.ended}” ends" if step.ended else ""
    begun = f"a new experiment, “{step.values['experiment']['name']}”" if "experiment" in step.values else ""
    return {
        "none": f"{model} scores nobody any more, not even silently. {f'{ended} without a winner.' if ended else ''}",
        "shadow": f"{model} scores every client silently: nobody sees its scores, the ledger keeps them to compare.",
        "canary": f"{model} answers {percent(CANARY_SHARE)} of the clients, the champion the others, in {begun}.",
        "ab": f"{model} answers {percent(AB_SHARE)} of the clients in {begun}; {ended}. Who met it goes on meeting it.",
        "champion": f"{model} becomes the champion and answers everybody; {ended} with it as the winner.",
    }[step.after].strip()
