"""Money kept and saved, and the months of the permanent holdout."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from experiments.statistics import Estimate, Tally, difference
from services.config.model import LiveConfig
from services.readout.money import MONTH, NO_HOLDOUT
from services.readout.months import NOT_ADDED
from services.readout.reading import ExperimentFacts, Readout, UnknownExperiment, all_facts, months, read, read_facts
from services.readout.split import SPLIT_BROKEN
from tests.support.clients import CLOSES, EXPERIMENT, FIRST_AT, MATURITY_DAYS, crowd, met, put, together
from tests.support.clock import StandingClock
from tests.support.exposed import configure_at

CONFIG = LiveConfig(maturity_days=MATURITY_DAYS)
STARTED = CLOSES - 2 * MONTH
MONTH_NAME = "holdout/2026-09"


def of_money(clients: int, churned: int, value: float) -> Tally:
    return Tally(clients, churned * value, churned * value**2)


def read_now(engine: Engine, **changes: Any) -> Readout:
    facts = ExperimentFacts(EXPERIMENT, {"champion": 0.5, "challenger": 0.5}, **{"started_at": STARTED, **changes})
    return read_facts(engine, StandingClock(CLOSES), CONFIG, facts)


def rounded(found: Estimate) -> tuple[float, float, float]:
    return round(found.value, 2), round(found.low, 2), round(found.high, 2)


def test_saved_is_what_the_holdout_loses_more_for_all_who_were_treated(engine: Engine) -> None:
    fresh = [met(f"fresh {number}", arm="challenger", first_at=CLOSES) for number in range(100)]
    put(engine, **together(crowd("champion", 1_000, 60), crowd("challenger", 1_000, 40), crowd("holdout", 1_000, 120)))
    put(engine, clients=[*fresh, met("unknown", ltv=None)])
    money = read_now(engine).money
    wanted = difference(of_money(1_000, 120, 100.0), of_money(2_000, 100, 100.0))
    assert wanted is not None
    assert money.per_client is not None
    assert money.per_month is not None
    assert money.total is not None
    assert (money.treated_clients, money.reason) == (2_100, None)
    assert money.months == pytest.approx(2.0)
    assert rounded(money.per_client) == rounded(wanted)
    assert rounded(money.total) == rounded(wanted.scaled(2_100))
    assert rounded(money.per_month) == rounded(wanted.scaled(1_050))
    low, high = money.per_month.low, money.per_month.high
    saved = f"saves 7,350 a month against the holdout (between {low:,.0f} and {high:,.0f})"
    assert money.sentence == f"Treating clients {saved}."


def test_a_stopped_experiment_saved_in_the_time_it_ran(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 1_000, 60), crowd("holdout", 1_000, 120)))
    assert read_now(engine, stopped_at=STARTED + MONTH).money.months == pytest.approx(1.0)
    young = read_now(engine, started_at=CLOSES - timedelta(hours=3)).money
    assert young.per_month == young.total


@pytest.mark.parametrize(("days", "told"), [(-1, True), (1, False), (19, False), (21, True)])
def test_nothing_is_said_of_a_holdout_that_changed_while_its_clients_came(
    engine: Engine, days: int, told: bool
) -> None:
    """Who comes early is not like who comes late: a holdout set up midway makes money out of that alone."""
    put(engine, **together(crowd("champion", 1_000, 60), crowd("holdout", 1_000, 120)))
    changed = (FIRST_AT + timedelta(days=days),)
    found = read_now(engine, holdout_changes=changed, stopped_at=FIRST_AT + timedelta(days=20))
    assert (found.money.per_client is not None) is told
    assert (found.arms[-1].arm, found.arms[-1].difference is not None) == ("holdout", told)
    assert told or "the holdout was set or changed while its clients came" in found.money.sentence


@pytest.mark.parametrize(
    ("holdout", "treated", "begins"),
    [
        (120, 40, "Treating clients saves "),
        (40, 120, "Treating clients loses "),
        (80, 78, "Whether treating clients saves money is not decided: it is between -"),
    ],
)
def test_the_sentence_says_which_way_the_money_goes(engine: Engine, holdout: int, treated: int, begins: str) -> None:
    put(engine, **together(crowd("champion", 1_000, treated), crowd("holdout", 1_000, holdout)))
    assert read_now(engine).money.sentence.startswith(begins)


@pytest.mark.parametrize(
    ("crowds", "reason"),
    [
        ([crowd("champion", 200, 20)], "no client is in the holdout; set holdout_percentage to learn it"),
        ([crowd("champion", 200, 20), crowd("holdout", 99, 20)], "too few clients of the holdout"),
        ([crowd("champion", 200, 20), crowd("holdout", 200, 9)], "too few clients of the holdout"),
        ([crowd("champion", 200, 9), crowd("holdout", 200, 20)], "too few clients of the treated clients"),
        ([crowd("champion", 200, 20), crowd("holdout", 200, 20, ltv=None)], "too few clients of the holdout"),
    ],
)
def test_without_enough_on_both_sides_nothing_is_said(engine: Engine, crowds: list[Any], reason: str) -> None:
    put(engine, **together(*crowds))
    money = read_now(engine).money
    assert (money.per_client, money.per_month, money.total) == (None, None, None)
    assert money.reason is not None
    assert money.reason.startswith(reason)
    assert money.sentence.startswith(f"What treating clients saves is not known yet: {reason}")


def test_money_kept_leaves_out_who_has_no_value(engine: Engine) -> None:
    put(engine, **together(crowd("champion", 300, 50), crowd("challenger", 300, 50, ltv=None)))
    champion, challenger = read_now(engine).arms
    assert (champion.kept_money, champion.clients_without_value) == (25_000.0, 0)
    assert champion.kept_per_client is not None
    assert champion.kept_per_client.value == pytest.approx(83.33)
    assert (challenger.kept_money, challenger.kept_per_client, challenger.clients_without_value) == (None, None, 300)
    assert challenger.churn_rate is not None


def month(name: str, holdout: int, treated: int, *, first_at: datetime = FIRST_AT) -> dict[str, list[dict[str, Any]]]:
    """1,000 clients of the holdout and 2,000 others, of whom so many left."""
    facts = {"experiment": name, "first_at": first_at}
    return together(crowd("holdout", 1_000, holdout, **facts), crowd("treated", 2_000, treated, **facts))


def test_a_month_of_the_holdout_tells_what_it_saved(engine: Engine) -> None:
    put(engine, **month(MONTH_NAME, 120, 120))
    second = month("holdout/2026-10", 0, 0, first_at=CLOSES)
    put(engine, clients=second["clients"])
    found = months(engine, StandingClock(CLOSES + timedelta(days=5)), CONFIG)
    first, last = found.months
    wanted = difference(of_money(1_000, 120, 100.0), of_money(2_000, 120, 100.0))
    assert wanted is not None
    assert first.saved is not None
    assert rounded(first.saved) == rounded(wanted.scaled(2_000))
    assert (first.month, first.holdout_clients, first.treated_clients) == ("2026-09", 1_000, 2_000)
    assert first.treated_matured == 2_000
    assert (last.saved, last.treated_matured) == (None, 0)
    assert found.sentence.startswith("Treating clients saves 12,000 in September 2026 against the holdout")
    assert NOT_ADDED not in found.sentence


def test_months_that_share_their_clients_are_not_added_up(engine: Engine) -> None:
    """The same 120 leavers count in both months: their sum would tell of twice the money."""
    put(engine, **month(MONTH_NAME, 120, 120))
    put(engine, clients=[{**row, "experiment": "holdout/2026-10"} for row in month("", 0, 0)["clients"]])
    found = months(engine, StandingClock(CLOSES), CONFIG)
    assert [each.saved and each.saved.value for each in found.months] == [12_000.0, 12_000.0]
    assert found.sentence.startswith("Treating clients saves 12,000 in October 2026 against the holdout")
    assert found.sentence.endswith(NOT_ADDED)


@pytest.mark.parametrize(("percentage", "believed"), [("33.3", True), ("10", False)])
def test_a_holdout_of_another_size_than_configured_saved_nothing_known(
    engine: Engine, percentage: str, believed: bool
) -> None:
    configure_at(engine, datetime(2026, 8, 1, tzinfo=UTC), holdout_percentage=percentage)
    put(engine, **month(MONTH_NAME, 120, 120))
    clock = StandingClock(CLOSES)
    found = months(engine, clock, CONFIG)
    (told,) = found.months
    assert (told.saved is not None, told.reason) == (believed, None if believed else SPLIT_BROKEN)
    assert believed or found.sentence == f"What treating clients saves is not known yet: {SPLIT_BROKEN}."
    money = read(engine, clock, CONFIG, MONTH_NAME).money
    assert (money.total is not None, money.reason) == (believed, told.reason)


def test_without_a_holdout_nothing_is_said_of_a_month(engine: Engine) -> None:
    assert months(engine, StandingClock(CLOSES), CONFIG).months == ()
    put(engine, clients=crowd("treated", 5, experiment=MONTH_NAME)["clients"])
    found = months(engine, StandingClock(CLOSES), CONFIG)
    assert found.months[0].reason == NO_HOLDOUT


def test_a_month_is_read_like_an_experiment(engine: Engine) -> None:
    configure_at(engine, datetime(2026, 8, 1, tzinfo=UTC), holdout_percentage="33.3")
    put(engine, **month(MONTH_NAME, 120, 120))
    found = read(engine, StandingClock(CLOSES), CONFIG, MONTH_NAME)
    assert (found.state, found.control, found.winner) == ("permanent", "holdout", "treated")
    assert (found.money.months, found.arms[0].exposures) == (1.0, None)
    assert found.mismatch is not None
    assert not found.mismatch.alarm
    assert found.mismatch.shares["holdout"] == pytest.approx(0.333)
    assert (found.started_at, found.stopped_at) == (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ([], None),
        ([(datetime(2026, 9, 1, tzinfo=UTC), "10")], 0.1),
        ([(datetime(2026, 9, 2, tzinfo=UTC), "10")], None),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "5"), (datetime(2026, 8, 2, tzinfo=UTC), "10")], 0.1),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "10"), (datetime(2026, 9, 9, tzinfo=UTC), "10.0")], 0.1),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "10"), (datetime(2026, 9, 9, tzinfo=UTC), "20")], None),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "10"), (datetime(2026, 10, 1, tzinfo=UTC), "20")], 0.1),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "ten")], None),
        ([(datetime(2026, 8, 1, tzinfo=UTC), "0")], None),
    ],
)
def test_the_share_of_a_month_is_known_where_it_never_changed(
    engine: Engine, changes: list[tuple[datetime, str]], share: float | None
) -> None:
    for at, percentage in changes:
        configure_at(engine, at, holdout_percentage=percentage)
    put(engine, clients=[met(experiment=MONTH_NAME, arm="treated")])
    (facts,) = all_facts(engine)
    assert facts.arms.get("holdout") == share


def test_experiments_are_known_from_the_config_and_from_the_ledger(engine: Engine) -> None:
    aliases = {"champion": "additive@1", "challenger": "gradient_boosting@1"}
    experiment = {"name": "a / b", "salt": "s", "arms": {"champion": 0.5, "challenger": 0.5}}
    configure_at(engine, STARTED, aliases=aliases, experiment=experiment)
    put(engine, clients=[met("x", experiment=name) for name in ("a / b", "forgotten", MONTH_NAME, "holdout/2026-12")])
    found = all_facts(engine)
    assert [facts.name for facts in found] == ["a / b", "forgotten", "holdout/2026-12", MONTH_NAME]
    assert (found[0].arms, found[0].started_at, found[0].salt) == (experiment["arms"], STARTED, "s")
    assert found[2].stopped_at == datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(UnknownExperiment, match=r"no experiment 'A / b'; there are: 'a / b', 'forgotten'"):
        read(engine, StandingClock(CLOSES), CONFIG, "A / b")
