"""A change tried out on the staging deployment: applied there, asked for golden customers, and put back if it fails."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Engine

from data.stage_client import StageClient, StageConfig, StageProblem
from data.staging_trial_store import Owed
from helpers.clock import Clock
from helpers.errors import UserError
from services.answers import Question
from services.client_id import LONGEST_ID
from services.client_scores import known_values
from services.config.candidate import Candidate
from services.config.golden import Golden, question
from services.config.model import LiveConfig
from services.config.staging_checks import LocalScores, Staged
from services.config.staging_debt import put_back
from services.config.staging_lease import WAIT_SECONDS, Lease, leased, left
from services.prose import LONGEST

log = structlog.get_logger()
PREFIX = "rehearsal/"
ROWS_A_CALL, MOST_EXAMPLES = 200, 20
OF_ITS_OWN = frozenset({"two_person_rule", "email_policy", "email_recipients", "alert_recipients"})
"""Keys about people, which every deployment has for itself: no trial mails them or waits for them."""


def shared(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that are carried from one deployment to another."""
    return {key: value for key, value in values.items() if key not in OF_ITS_OWN}


@dataclass(slots=True)
class _Trial:
    """What was found so far. `revision` is of staging's table; `compared` are answers whose score is known here."""

    revision: int | None = None
    asked: int = 0
    answered: int = 0
    compared: int = 0
    wrong: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)
    left_by_another: str | None = None

    def note(self, client_id: str, fault: str) -> None:
        self.wrong += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append({"client_id": client_id, "problem": fault})


@dataclass(frozen=True, slots=True)
class StagingDeployment:
    """`place` is the name of this deployment's environment, for whoever reads staging's history; `engine` is of its own
    database, where trials take turns and what staging is to be given back is written down beforehand."""

    client: StageClient
    place: str
    engine: Engine
    clock: Clock

    def try_out(self, candidate: Candidate, reason: str, customers: Sequence[Golden]) -> dict[str, Any]:
        """The report: `passed`, `error` in words, staging's `url` and `revision`, how many customers were asked for,
        answered, compared and wrong, with examples, the keys left out, what an earlier trial had left there, what was
        put back, and seconds. Raises nothing but SQLAlchemyError, when the own database is away."""
        begun, trial = time.monotonic(), _Trial()
        taken_back = None
        why = f"tried out for {self.place}, after its config revision {candidate.base}: {reason}"[:LONGEST]
        try:
            with leased(self.engine, self.clock, self.client.url, WAIT_SECONDS) as lease:
                trial.left_by_another = self._settle(lease)
                error: str | None = self._attempt(lease, trial, candidate, why, customers)
                if error:
                    taken_back = self._taken_back(lease)
                else:
                    lease.owe(None)
        except StageProblem as problem:
            error = str(problem)
        return {
            "passed": error is None,
            "error": error,
            "url": self.client.url,
            **asdict(trial),
            "left_out": sorted(set(candidate.changes) & OF_ITS_OWN),
            "put_back": taken_back,
            "seconds": round(time.monotonic() - begun, 3),
        }

    def clear(self) -> None:
        """Puts back what a trial left there whose process died, or that staging did not answer in time. To be called
        now and then; raises SQLAlchemyError."""
        if not left(self.engine, self.clock, self.client.url):
            return
        try:
            with leased(self.engine, self.clock, self.client.url, 0) as lease:
                log.info("staging_cleared", outcome=self._settle(lease))
        except StageProblem as problem:
            log.warning("staging_not_cleared", error=str(problem))

    def _settle(self, lease: Lease) -> str | None:
        """What was done about that which is owed. Raises StageProblem."""
        return None if lease.owed is None else put_back(self.client, lease, lease.owed)

    def _taken_back(self, lease: Lease) -> str | None:
        try:
            return self._settle(lease)
        except StageProblem as problem:
            return f"the values before could not be put back there yet: {problem}"

    def _attempt(
        self, lease: Lease, trial: _Trial, candidate: Candidate, why: str, customers: Sequence[Golden]
    ) -> str | None:
        """What went wrong."""
        try:
            self._apply(lease, shared(candidate.changes), why)
            self._ask(lease, trial, self._follow(lease, trial, candidate, customers), customers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the change was not shown to work
            return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return _verdict(trial)

    def _apply(self, lease: Lease, values: Mapping[str, str], why: str) -> None:
        """Puts the values into force there; what staging had before is written down first."""
        found = self.client.config()
        if not values:
            return
        before = {key: found.values[key] for key in values if key in found.values}
        owed = Owed(before, dict(values), why, self.clock.now().timestamp())
        lease.owe(owed)
        try:
            landed = self.client.change(values, why)
        except StageProblem as problem:
            if problem.refused:
                lease.owe(None)
            raise
        lease.owe(None if landed is None else replace(owed, landed=landed))

    def _follow(self, lease: Lease, trial: _Trial, candidate: Candidate, customers: Sequence[Golden]) -> Staged:
        lease.keep()
        self.client.refresh()
        found = self.client.config()
        trial.revision = found.revision
        asked = [each for each in (question(candidate.after, customer) for customer in customers) if each]
        return Staged(_read(found, candidate), found.revision, LocalScores(candidate.after, asked))

    def _ask(self, lease: Lease, trial: _Trial, staged: Staged, customers: Sequence[Golden]) -> None:
        rows = _instances(staged.local, customers)
        for first in range(0, len(rows), ROWS_A_CALL):
            chunk = rows[first : first + ROWS_A_CALL]
            trial.asked += len(chunk)
            lease.keep()
            answers = _by_key(self.client.ask(chunk))
            for row in chunk:
                _look(trial, staged, row, answers.get(row["key"]))


def _read(found: StageConfig, candidate: Candidate) -> LiveConfig:
    """Raises StageProblem unless the change is in force there."""
    try:
        config = LiveConfig.model_validate(found.values)
    except ValidationError as error:
        first = error.errors()[0]
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise StageProblem(f"staging has a configuration that this release cannot read: {text}") from None
    wanted = candidate.after.config
    absent = [key for key in shared(candidate.changes) if getattr(config, key) != getattr(wanted, key)]
    if absent:
        raise StageProblem(f"staging took the change but has other values in force: {', '.join(sorted(absent))}")
    return config


def _instances(local: LocalScores, customers: Sequence[Golden]) -> list[dict[str, Any]]:
    """Rows of a batch, under names that no customer has."""
    stored = {customer.client_id: customer.features for customer in customers}
    schema = local.serving.schema
    return [
        {"key": position, "client_id": _name(each), **known_values(schema, stored[each.client_id])}
        for position, each in enumerate(local.questions)
    ]


def _name(asked: Question) -> str:
    return f"{PREFIX}{asked.client_id}"[:LONGEST_ID]


def _by_key(answers: Iterable[Any]) -> dict[Any, Mapping[str, Any]]:
    return {answer.get("key"): answer for answer in answers if isinstance(answer, Mapping)}


def _look(trial: _Trial, staged: Staged, row: Mapping[str, Any], answer: Mapping[str, Any] | None) -> None:
    position, client_id = row["key"], row["client_id"]
    trial.answered += answer is not None and "error" not in answer
    trial.compared += staged.compares(position, answer)
    fault = staged.fault(position, client_id, answer)
    if fault:
        trial.note(client_id, fault)


def _verdict(trial: _Trial) -> str | None:
    if not trial.asked:
        return "no golden customer could be asked for"
    if not trial.wrong:
        return None
    first = trial.examples[0]
    return f"{trial.wrong} of {trial.asked} answers are wrong; the first, {first['client_id']}: {first['problem']}"
