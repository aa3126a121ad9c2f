"""What a readout says of clients whose fate is known."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from data import prediction_log
from data.tables import outcomes
from experiments.statistics import ALPHA, Tally, difference, mean
from services.config.model import LiveConfig
from services.readout import reading as readouts
from services.readout.parts import ArmReadout
from services.readout.reading import ExperimentFacts, Readout, read_facts
from services.readout.split import SPLIT_BROKEN
from services.readout.verdict import ALARM, ALONE, EARLY, NOBODY
from tests.support.clients import CLOSES, EXPERIMENT, FIRST_AT, MATURITY_DAYS, crowd, done, met, put, together, told
from tests.support.clock import StandingClock
from tests.support.ledger import row

HALVES = {"champion": 0.5, "challenger": 0.5}
THIRDS = {"champion": 1 / 3, "challenger": 1 / 3, "additive@1": 1 / 3}
CONFIG = LiveConfig(maturity_days=MATURITY_DAYS)


def facts(arms: Mapping[str, float] = HALVES, **changes: Any) -> ExperimentFacts:
    return ExperimentFacts(EXPERIMENT, arms, **{"started_at": FIRST_AT, **changes})


def read(engine: Engine, known: ExperimentFacts | None = None, now: datetime = CLOSES) -> Readout:
    return read_facts(engine, StandingClock(now), CONFIG, known or facts())


def arm(found: Readout, name: str) -> ArmReadout:
    return next(each for each in found.arms if each.arm == name)


def test_an_arm_that_keeps_more_clients_wins(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 2_000, 300), crowd("challenger", 2_000, 180)))
    found = read(engine)
    challenger, wanted = arm(found, "challenger"), difference(Tally.of_events(2_000, 180), Tally.of_events(2_000, 300))
    assert wanted is not None
    assert challenger.difference is not None
    assert (challenger.difference.value, challenger.difference.low, challenger.difference.high) == pytest.approx(
        (wanted.value, wanted.low, wanted.high)
    )
    assert (found.control, found.winner, challenger.difference.finding) == ("champion", "challenger", "better")
    assert found.verdict.startswith("challenger keeps more clients than champion: 9.0% leave instead of 15.0%")
    assert arm(found, "champion").difference is None
    assert [each.arm for each in found.arms] == ["champion", "challenger"]
    assert arm(found, "champion").churn_rate == mean(Tally.of_events(2_000, 300))


def test_an_arm_that_keeps_fewer_does_not(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 2_000, 180), crowd("challenger", 2_000, 300)))
    found = read(engine)
    compared = arm(found, "challenger").difference
    assert compared is not None
    assert (found.winner, compared.finding) == (None, "worse")
    assert "keeps fewer clients than champion: 15.0% leave instead of 9.0%" in found.verdict


def test_arms_that_are_alike_have_no_winner(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 1_000, 90), crowd("challenger", 1_000, 85)))
    found = read(engine)
    compared = arm(found, "challenger").difference
    assert found.winner is None
    assert compared is not None
    assert (compared.finding, compared.low < 0 < compared.high) == ("undecided", True)
    assert found.verdict.startswith("No winner yet: challenger cannot be told from champion")


def test_nothing_is_shown_before_there_are_enough(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 200, 30), crowd("challenger", 200, 9)))
    found = read(engine)
    challenger = arm(found, "challenger")
    hidden = (challenger.churn_rate, challenger.kept_money, challenger.kept_per_client, challenger.difference)
    assert hidden == (None, None, None, None)
    assert challenger.reason == "too few of the matured clients left, or too few stayed, so far; 10 of each are needed"
    assert (challenger.matured, challenger.churned) == (200, None)
    assert challenger.quality
    assert all(each.churned is each.auc is each.brier is each.ece is None for each in challenger.quality)
    assert (found.winner, found.verdict) == (None, EARLY)
    assert arm(found, "champion").churn_rate is not None


def test_an_arm_waits_for_the_control(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 99, 30), crowd("challenger", 200, 30)))
    challenger = arm(read(engine), "challenger")
    assert challenger.churn_rate is not None
    assert (challenger.difference, challenger.reason) == (
        None,
        "the control, champion, is not known yet: 99 clients have matured so far; 100 are needed",
    )


def test_shares_that_do_not_come_out_forbid_a_winner(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 2_000, 300), crowd("challenger", 1_500, 90)))
    found = read(engine)
    assert found.mismatch is not None
    assert (found.mismatch.alarm, found.mismatch.counts) == (True, {"champion": 2_000, "challenger": 1_500})
    assert (found.winner, found.verdict) == (None, ALARM)
    assert found.warnings[0].startswith("Do not trust these figures: clients should reach the arms as 50.0% champion")
    compared = arm(found, "challenger").difference
    assert compared is not None
    assert (compared.high < 0, compared.finding) == (True, "undecided")
    assert arm(found, "challenger").reason == SPLIT_BROKEN
    assert arm(found, "champion").reason is None


def test_shares_that_come_out_raise_no_alarm(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 1_010), crowd("challenger", 990), crowd("holdout", 5_000)))
    shares = read(engine).mismatch
    assert shares is not None
    assert (shares.alarm, set(shares.counts)) == (False, {"champion", "challenger"})


def test_each_of_several_arms_errs_with_its_part(engine: Engine) -> None:
    crowds = (("champion", 300), ("challenger", 260), ("additive@1", 200), ("holdout", 350))
    put(engine, **together(*(crowd(name, 2_000, churned) for name, churned in crowds)))
    found = read(engine, facts(THIRDS))
    for name, churned, alpha in (
        ("challenger", 260, ALPHA / 2),
        ("additive@1", 200, ALPHA / 2),
        ("holdout", 350, ALPHA),
    ):
        wanted = difference(Tally.of_events(2_000, churned), Tally.of_events(2_000, 300), alpha)
        compared = arm(found, name).difference
        assert wanted is not None
        assert compared is not None
        assert (compared.low, compared.high) == pytest.approx((wanted.low, wanted.high))
    assert [each.arm for each in found.arms] == ["champion", "additive@1", "challenger", "holdout"]
    assert found.winner == "additive@1"


def test_the_holdout_never_wins(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 2_000, 300), crowd("challenger", 2_000, 300), crowd("holdout", 2_000, 90)))
    found = read(engine)
    better = arm(found, "holdout").difference
    assert better is not None
    assert (better.finding, found.winner) == ("better", None)


@pytest.mark.parametrize(
    ("arms", "control"),
    [
        ({"champion": 0.1, "challenger": 0.9}, "champion"),
        ({"b@1": 0.3, "a@1": 0.3, "c@1": 0.4}, "c@1"),
        ({"b@1": 0.4, "a@1": 0.4, "c@1": 0.2}, "a@1"),
    ],
)
def test_the_control_is_the_champion_or_the_largest(engine: Engine, arms: dict[str, float], control: str) -> None:
    assert read(engine, facts(arms)).control == control


def test_an_experiment_that_nobody_met_says_so(engine: Engine) -> None:
    found = read(engine)
    assert (found.verdict, found.arms[0].clients, found.early_outcomes, found.shadows) == (NOBODY, 0, "none", ())
    assert read(engine, facts({"champion": 1.0})).verdict == ALONE


def test_early_reports_of_leavers_alone_wait(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 300, 60), crowd("challenger", 300, 30)))
    early = read(engine, now=CLOSES - timedelta(seconds=1))
    assert (early.early_outcomes, arm(early, "champion").matured, arm(early, "champion").immature) == (
        "waiting",
        0,
        300,
    )
    assert any("reported too seldom before 30 days" in warning for warning in early.warnings)
    stayed = [told(False, FIRST_AT, f"{name} {number}") for name in HALVES for number in range(100, 200)]
    put(engine, reports=stayed)
    early = read(engine, now=CLOSES - timedelta(seconds=1))
    assert (early.early_outcomes, arm(early, "champion").matured, arm(early, "champion").churned) == (
        "counted",
        160,
        60,
    )
    assert arm(read(engine), "champion").matured == 300


def test_every_doubt_is_told(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 100), crowd("challenger", 100), crowd("stranger", 1), crowd("holdout", 3)))
    other = met("another", model="newer@1", ltv=None)
    waiting = told(True, FIRST_AT, client_id=None, prediction_id="unheard of")
    put(engine, clients=[other], reports=[waiting], deeds=[done("holdout 1", FIRST_AT)])
    warnings = read(engine).warnings
    assert warnings[0].startswith("Clients met stranger, which the experiment does not have")
    assert warnings[1].startswith("champion was served by additive@1 and newer@1")
    assert warnings[2].startswith("Something was done to 1 client of the holdout")
    assert warnings[3].startswith("1 outcome names a prediction that the ledger does not have")
    assert warnings[4] == "1 of 205 clients have no lifetime value and are left out of all money."
    assert len(warnings) == 5


@pytest.mark.parametrize("look", [readouts.read, readouts.glance])
def test_looking_changes_nothing(engine: Engine, look: Callable[..., Readout]) -> None:
    """Whoever ships a prediction settles the reports on it; one that is left for the next look changes no readout."""
    answered = row("champion 1")
    put(engine, **together(crowd("champion", 3), crowd("challenger", 3)))
    put(engine, reports=[told(True, FIRST_AT, client_id=None, prediction_id=answered.prediction_id)])
    with engine.begin() as connection:
        prediction_log.append_many(connection, [answered])
    look(engine, StandingClock(CLOSES), CONFIG, EXPERIMENT)
    with engine.connect() as connection:
        assert connection.scalars(select(outcomes.c.client_id)).all() == [None]


def test_a_glance_decides_alike(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 300, 60), crowd("challenger", 300, 30), crowd("holdout", 300, 70)))
    asked = (engine, StandingClock(CLOSES), CONFIG, EXPERIMENT)
    whole, brief = readouts.read(*asked), readouts.glance(*asked)
    assert whole.arms[0].quality
    assert whole.arms[0].exposures is not None
    assert brief == replace(whole, arms=tuple(replace(each, exposures=None, quality=()) for each in whole.arms))


def test_a_paused_and_a_stopped_experiment_say_so(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 300, 60), crowd("challenger", 300, 55)))
    stopped = read(engine, facts(stopped_at=CLOSES - timedelta(days=1)))
    assert (stopped.state, stopped.stopped_at) == ("stopped", CLOSES - timedelta(days=1))
    assert stopped.verdict.startswith("No winner: ")
    assert read(engine, facts(paused=True)).state == "paused"
    assert read(engine, facts()).state == "running"
    assert read(engine, facts({})).state == "stopped"


def test_it_agrees_with_counting_every_client_by_hand(engine: Engine) -> None:
    """Random clients, with reports in any order, early, late, doubled and on the day itself."""
    drawn = random.Random(20_261_122)
    now = FIRST_AT + timedelta(days=45)
    clients = [_somebody(number, drawn) for number in range(600)]
    reports = [each for client in clients for each in _reports(client, drawn)]
    drawn.shuffle(reports)
    put(engine, clients=clients, reports=reports)
    found = read(engine, facts({"champion": 0.5, "challenger": 0.5}), now)
    by_hand = _by_hand(clients, reports, now)
    assert found.early_outcomes == "counted"
    for each in found.arms:
        wanted = by_hand[each.arm]
        assert (each.clients, each.matured, each.churned) == (wanted["clients"], wanted["matured"], wanted["churned"])
        assert each.clients_without_value == wanted["without"]
        assert each.kept_money == pytest.approx(wanted["kept"], abs=0.01)


def _somebody(number: int, drawn: random.Random) -> dict[str, Any]:
    first_at = FIRST_AT + timedelta(days=drawn.uniform(0, 40))
    value = None if drawn.random() < 0.05 else round(drawn.uniform(1, 900), 2)
    return met(f"client {number}", arm=drawn.choice(["champion", "challenger"]), first_at=first_at, ltv=value)


def _reports(client: dict[str, Any], drawn: random.Random) -> list[dict[str, Any]]:
    """Everybody is told of once a window, or nobody who stays would count early."""
    days = [drawn.uniform(0, 4), *(drawn.uniform(-3, 34) for _ in range(drawn.randrange(3)))]
    found = [
        told(drawn.random() < 0.4, client["first_at"] + timedelta(days=each), client["client_id"]) for each in days
    ]
    if drawn.random() < 0.3:
        found.append({**found[0], "outcome_id": f"again {client['client_id']}", "churned": not found[0]["churned"]})
    return found


def _by_hand(clients: list[dict[str, Any]], reports: list[dict[str, Any]], now: datetime) -> dict[str, dict[str, Any]]:
    of_client: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for report in reports:
        of_client[report["client_id"]].append(report)
    sums: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(float))
    for client in clients:
        first_at, arm_sums = client["first_at"], sums[client["arm"]]
        begins = first_at.replace(hour=0, minute=0, second=0, microsecond=0)
        ends = first_at + timedelta(days=MATURITY_DAYS)
        counted = [each for each in of_client[client["client_id"]] if begins <= each["observed_at"] <= ends]
        newest = max(counted, key=lambda each: (each["observed_at"], each["churned"]), default=None)
        arm_sums["clients"] += 1
        arm_sums["without"] += client["ltv"] is None
        if newest is None and now < ends:
            continue
        churned = newest is not None and newest["churned"]
        arm_sums["matured"] += 1
        arm_sums["churned"] += churned
        arm_sums["kept"] += 0 if churned else client["ltv"] or 0
    return sums
