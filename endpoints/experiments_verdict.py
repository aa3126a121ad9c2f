"""The verdict of an experiment as a sign and a word: nobody should have to read colours."""

from dataclasses import dataclass
from typing import Literal

from endpoints.entered import sentence
from experiments.plan import HOLDOUT
from services.readout.reading import Readout

Kind = Literal["distrust", "decided", "undecided", "early"]
_WORDS: dict[Kind, str] = {
    "distrust": "Alarm",
    "decided": "Decided",
    "undecided": "Not decided",
    "early": "Waiting",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` chooses the sign; `word` says it; `sentence` is the readout's own."""

    kind: Kind
    word: str
    sentence: str


def verdict_of(readout: Readout) -> Verdict:
    """A mismatch comes before everything: with it no figure can be trusted."""
    kind = _kind(readout)
    return Verdict(kind, _WORDS[kind], sentence(readout.verdict))


def _kind(readout: Readout) -> Kind:
    if readout.mismatch and readout.mismatch.alarm:
        return "distrust"
    found = [arm.difference for arm in readout.arms if arm.arm not in {readout.control, HOLDOUT}]
    if not any(found):
        return "early"
    if readout.winner is not None:
        return "decided"
    return "decided" if all(each and each.finding == "worse" for each in found) else "undecided"
