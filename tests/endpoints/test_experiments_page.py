"""The pages of the experiments over HTTP: what they show is what the readout says."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from apiflask import APIFlask
from sqlalchemy import delete

from data import verdict_store
from data.tables import readings
from data.verdict_store import Verdict
from services.readout import figures
from services.readout.kept import FRESH, Readings
from services.readout.reading import Readout, months, read
from tests.support.clock import StandingClock
from tests.support.exposed import Group, configure_at, expose
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

ADDITIVE, BOOSTING, CATBOOST = "additive@1", "gradient_boosting@1", "catboost@1"
HALVES = {"champion": 0.5, "challenger": 0.5}
NONE = {"name": "default", "salt": "default", "arms": {"champion": 1.0}}
NOW = datetime.now(UTC)
TRIAL = "trees-in-autumn"
WHOLE = "/experiments?whole=yes"


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    found.get("/experiments")
    return found


def begin(app: APIFlask, name: str = TRIAL, arms: dict[str, float] = HALVES, days: int = 60) -> None:
    """A running experiment that was started by hand some time ago."""
    engine = app.extensions["holdfast"].engine
    experiment = {"name": name, "salt": name, "arms": arms}
    configure_at(engine, NOW - timedelta(days=days), experiment=experiment, reason="to see")
    app.extensions["holdfast"].live.reread(None)


def fill(app: APIFlask, *groups: Group, name: str = TRIAL, days: int = 60) -> None:
    expose(app.extensions["holdfast"].engine, name, groups, NOW - timedelta(days=days), NOW)


def readout(app: APIFlask, name: str = TRIAL) -> Readout:
    wired = app.extensions["holdfast"]
    return read(wired.engine, wired.clock, wired.live.config, name)


UNDECIDED = (Group("champion", ADDITIVE, 400, 40, 20, CATBOOST), Group("challenger", BOOSTING, 404, 36, 16, CATBOOST))
WON = (Group("champion", ADDITIVE, 3000, 600), Group("challenger", BOOSTING, 3000, 240))
LOST = (Group("champion", ADDITIVE, 3000, 240), Group("challenger", BOOSTING, 3000, 600))
SPLIT_WRONG = (Group("champion", ADDITIVE, 900, 90), Group("challenger", BOOSTING, 600, 60))
TOO_FEW = (Group("champion", ADDITIVE, 40, 4), Group("challenger", BOOSTING, 37, 3))


def test_the_pages_need_a_session(app: APIFlask) -> None:
    stranger = Visitor(app)
    for path in ("/experiments", f"/experiments/{TRIAL}", f"/experiments/{TRIAL}?format=csv"):
        response = stranger.get(path)
        assert response.status_code == 303
        assert response.location.startswith("/login?next=/experiments")
    stranger.get("/login")
    for path in ("/experiments", f"/experiments/{TRIAL}"):
        assert stranger.post(path, {"do": "pause", "reason": "x"}).status_code == 303


def test_an_empty_list_says_what_to_do(visitor: Visitor) -> None:
    seen = text_of(visitor.get(WHOLE).text)
    assert "No experiment is running Everybody meets Additive 1." in seen
    assert "set holdout_percentage to learn it" in seen
    assert "None has ended yet" in seen


def test_what_runs_stands_in_the_list_with_its_verdict(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    page = visitor.get(WHOLE).text
    assert readout(app).verdict in text_of(page)
    assert f'href="/experiments/{TRIAL}"' in page
    assert "Not decided" in text_of(page)
    assert "Challenger 50%, Champion 50%" in text_of(page)


def test_the_list_asks_later_for_what_takes_a_while(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    page = visitor.get("/experiments").text
    assert '<div class="verdict' not in page
    asked = [unescape(each) for each in re.findall(r'hx-get="([^"]+)"', page)]
    assert asked == [f"/experiments/{TRIAL}?part=verdict", "/experiments?part=months"]
    verdict, saved = (visitor.get(each).text for each in asked)
    assert text_of(verdict) == f"Not decided {readout(app).verdict}"
    assert "set holdout_percentage to learn it" in saved
    assert "<html" not in verdict + saved


def test_the_arms_show_the_figures_of_the_readout(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    found, seen = readout(app), text_of(visitor.get(f"/experiments/{TRIAL}").text)
    assert found.verdict in seen
    assert "Champion Additive 1, 50% of the clients 420 420 400 10%" in seen
    assert "Challenger Gradient boosting 1, 50% of the clients 420 420 404 8.9%" in seen
    assert "The control: the other arms are compared with it." in seen
    assert found.power.sentence in seen
    assert found.mismatch
    assert f"Yes, as far as can be told. {found.mismatch.sentence}" in seen
    assert found.money.sentence in seen


def test_intervals_are_drawn_and_said(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    page, found = visitor.get(f"/experiments/{TRIAL}").text, readout(app).arms[1].difference
    assert found
    (drawn,) = re.findall(r'<svg class="interval undecided" role="img" aria-label="([^"]*)"', page)
    signed = [f"{100 * each:+.1f}".replace("-", "−") for each in (found.value, found.low, found.high)]
    assert drawn == f"Challenger: {signed[0]} points, from {signed[1]} to {signed[2]}"
    assert " style=" not in page


@pytest.mark.parametrize(("groups", "finding"), [(WON, "fewer leave"), (LOST, "more leave")])
def test_a_decided_experiment_says_so_in_words(
    visitor: Visitor, app: APIFlask, groups: tuple[Group, ...], finding: str
) -> None:
    begin(app)
    fill(app, *groups)
    page = visitor.get(f"/experiments/{TRIAL}?count=now").text
    assert '<div class="verdict decided">' in page
    verdict = readout(app).verdict
    assert f"Decided {verdict[:1].upper()}{verdict[1:]}" in text_of(page)
    assert finding in text_of(page.split("<tbody")[1])


def test_the_holdout_decides_nothing(visitor: Visitor, app: APIFlask) -> None:
    """That untreated clients leave more is no verdict on the challenger."""
    begin(app)
    fill(app, *UNDECIDED, Group("holdout", ADDITIVE, 400, 160))
    page = visitor.get(f"/experiments/{TRIAL}").text
    assert "Not decided No winner yet" in text_of(page)
    assert '<svg class="interval worse"' in page


def test_below_the_minimum_nothing_is_shown_but_why(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *TOO_FEW)
    page = visitor.get(f"/experiments/{TRIAL}").text
    assert "Waiting Too early to tell" in text_of(page)
    assert "37 clients have matured so far; 100 are needed" in text_of(page)
    assert '<svg class="interval' not in page
    assert text_of(page).count("not yet") >= 4


def test_before_the_first_client_there_is_nothing_to_trust_or_not(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    response = visitor.get(f"/experiments/{TRIAL}")
    assert response.status_code == 200
    assert "No client has met this experiment yet." in text_of(response.text)


def test_a_wrong_split_is_an_alarm_above_all_figures(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *SPLIT_WRONG)
    seen = text_of(visitor.get(f"/experiments/{TRIAL}").text)
    assert "Alarm Do not trust this experiment" in seen
    assert "No. Do not trust the figures. Clients should reach the arms as" in seen
    assert seen.count("which chance does not do") == 1
    assert "p < 0.001" in seen
    assert "Alarm Do not trust" in text_of(visitor.get(WHOLE).text)


def test_models_are_judged_also_those_that_were_silent(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    found, seen = readout(app), text_of(visitor.get(f"/experiments/{TRIAL}").text)
    auc = found.arms[0].quality[0].auc
    assert auc is not None
    assert f"Champion Additive 1 400 40 {auc:.3f}" in seen
    pair = next(each for each in found.shadows if each.arm == "champion")
    assert pair.silent.auc is not None
    assert f"Catboost 1 silent, on the clients of Champion 400 40 {pair.silent.auc:.3f}" in seen


def test_a_paused_experiment_says_why(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    configure_at(app.extensions["holdfast"].engine, NOW, reason="errors: 3% against 0.1%", paused=[TRIAL])
    seen = text_of(visitor.get(f"/experiments/{TRIAL}").text)
    assert "State Paused" in seen
    assert "Paused: all its clients meet the champion. errors: 3% against 0.1%" in seen


def test_warnings_are_shown(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED, Group("champion", CATBOOST, 0, 0, 1))
    (warning,) = readout(app).warnings
    assert "champion was served by additive@1 and catboost@1" in warning
    assert warning in text_of(visitor.get(f"/experiments/{TRIAL}").text)


@pytest.mark.parametrize("path", [f"/experiments/{TRIAL}", "/experiments?part=months", WHOLE])
def test_while_others_are_read_a_page_asks_for_patience(
    visitor: Visitor, app: APIFlask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    begin(app)
    monkeypatch.setattr(figures, "WAIT_SECONDS", 0.01)
    with figures.asking(app.extensions["holdfast"].engine):
        response = visitor.get(path)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "try again in a few seconds" in text_of(response.text)


def test_an_unknown_name_is_a_page_that_says_so(visitor: Visitor) -> None:
    response = visitor.get("/experiments/none-such")
    assert response.status_code == 404
    assert "There is no experiment of that name" in text_of(response.text)
    assert visitor.get("/experiments/none-such?format=csv").status_code == 404
    assert visitor.post("/experiments/none-such", {"do": "pause", "reason": "x"}).status_code == 404


def test_a_name_is_text_and_nothing_else(visitor: Visitor, app: APIFlask) -> None:
    name = "<script>alert(1)</script> & 'ö' 50%?#"
    begin(app, name)
    fill(app, *UNDECIDED, name=name)
    listed = visitor.get("/experiments").text
    assert "<script>alert" not in listed
    address = re.search(r'href="(/experiments/[^"]+)"', listed)
    assert address
    response = visitor.get(unescape(address.group(1)))
    assert response.status_code == 200
    assert f"<title>{name}" in unescape(response.text)


def test_months_of_the_holdout_come_newest_first_with_their_intervals(visitor: Visitor, app: APIFlask) -> None:
    configure(app, holdout_percentage="10")
    clients = (Group("holdout", ADDITIVE, 600, 120), Group("treated", ADDITIVE, 5400, 540))
    fill(app, *clients, name="holdout/2025-01", days=500)
    fill(app, *clients, name="holdout/2025-02", days=470)
    fill(app, Group("holdout", ADDITIVE, 0, 0, 30), Group("treated", ADDITIVE, 0, 0, 90), name="holdout/2025-03")
    wired = app.extensions["holdfast"]
    saved = months(wired.engine, wired.clock, wired.live.config)
    page = visitor.get(WHOLE).text
    assert saved.sentence in text_of(page)
    rows = re.findall(r'href="/experiments/(holdout/[^"]+)">([^<]+)', page)
    assert rows == [
        ("holdout/2025-03", "March 2025"),
        ("holdout/2025-02", "February 2025"),
        ("holdout/2025-01", "January 2025"),
    ]
    assert page.count('<svg class="interval better"') == 2
    assert saved.months[0].saved
    assert f"{saved.months[0].saved.value:,.0f}" in text_of(page)
    assert "Not shown: " in text_of(page)
    month = text_of(visitor.get("/experiments/holdout/2025-01?count=now").text)
    assert "Permanent holdout, January 2025" in month
    assert "Difference to Holdout" in month
    assert "Change it" not in month


def test_past_experiments_have_their_dates_winner_and_note(visitor: Visitor, app: APIFlask) -> None:
    begin(app, days=60)
    engine = app.extensions["holdfast"].engine
    configure_at(engine, NOW - timedelta(days=3), experiment=NONE)
    with engine.begin() as connection:
        verdict_store.put(connection, Verdict(TRIAL, "challenger", "Trees it is.", "ben", NOW))
    seen = text_of(visitor.get("/experiments").text)
    began, ended = (f"{at.day} {at:%b %Y}" for at in (NOW - timedelta(days=60), NOW - timedelta(days=3)))
    assert f"{TRIAL} {began} {ended} Challenger Trees it is." in seen
    assert "No experiment is running" in seen
    one = text_of(visitor.get(f"/experiments/{TRIAL}").text)
    assert "Winner: Challenger , says ben. Trees it is." in one
    assert "Change the verdict" in one


def test_the_arms_can_be_downloaded(visitor: Visitor, app: APIFlask) -> None:
    begin(app, "=1+1")
    fill(app, *UNDECIDED, name="=1+1")
    response = visitor.get("/experiments/%3D1+1?format=csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))
    found = readout(app, "=1+1")
    assert [line["arm"] for line in lines] == ["champion", "challenger"]
    assert {line["experiment"] for line in lines} == {"'=1+1"}
    assert found.arms[1].difference
    assert float(lines[1]["difference_low"]) == found.arms[1].difference.low
    assert lines[0]["difference"] == ""
    assert [int(line["matured"]) for line in lines] == [400, 404]


def test_a_file_decides_nothing_where_the_split_is_broken(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, Group("champion", ADDITIVE, 3000, 600), Group("challenger", BOOSTING, 2000, 160))
    content = visitor.get(f"/experiments/{TRIAL}?format=csv").get_data().decode("utf-8-sig")
    champion, challenger = csv.DictReader(io.StringIO(content))
    assert (champion["finding"], challenger["finding"]) == ("", "undecided")
    assert challenger["note"].startswith("the split is broken")


def test_a_file_hides_what_became_of_few_clients(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *TOO_FEW)
    lines = list(
        csv.DictReader(io.StringIO(visitor.get(f"/experiments/{TRIAL}?format=csv").get_data().decode("utf-8-sig")))
    )
    assert [(line["matured"], line["churned"]) for line in lines] == [("40", ""), ("37", "")]


def test_no_page_is_kept_by_caches(visitor: Visitor) -> None:
    assert visitor.get("/experiments").headers["Cache-Control"] == "no-store"


@pytest.fixture
def large(app: APIFlask) -> None:
    """Has every experiment pass for one that takes long to count."""
    wired = app.extensions["holdfast"]
    wired.readings = Readings(wired.engine, wired.clock, few_clients=0)


@pytest.mark.usefixtures("large")
def test_a_large_experiment_is_counted_after_its_page_stands(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    page = visitor.get(f"/experiments/{TRIAL}").text
    assert "Its clients are being counted" in text_of(page)
    (asked,) = re.findall(r'hx-get="([^"]+)"', page)
    assert asked == f"/experiments/{TRIAL}?count=now"
    whole = visitor.get(asked).text
    wanted = re.findall(r"#(\w+)", " ".join(re.findall(r'hx-select(?:-oob)?="([^"]+)"', page)))
    assert wanted == ["figures", "facts", "quality", "acts"]
    assert all(f'id="{place}"' in page and f'id="{place}"' in whole for place in wanted)
    assert readout(app).verdict in text_of(whole)


@pytest.mark.usefixtures("large")
def test_a_kept_reading_is_shown_with_its_age_until_it_is_old(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    wired = app.extensions["holdfast"]
    for age, words in ((FRESH - timedelta(seconds=20), "4 minutes ago"), (FRESH, "5 minutes ago")):
        then = Readings(wired.engine, StandingClock(datetime.now(UTC) - age), few_clients=0)
        with wired.engine.begin() as connection:
            connection.execute(delete(readings))
        then.counted(then.readout(wired.live.config, TRIAL))
        page = visitor.get(f"/experiments/{TRIAL}").text
        assert readout(app).verdict in text_of(page)
        assert f"{words}. Count again" in text_of(page)
        assert ("hx-get" in page) == (age == FRESH)


@pytest.mark.usefixtures("large")
def test_the_list_shows_what_is_kept_at_once(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    visitor.get(WHOLE)
    page = visitor.get("/experiments").text
    assert "part=verdict" not in page
    assert readout(app).verdict in text_of(page)


@pytest.mark.usefixtures("large")
def test_a_form_that_is_refused_keeps_what_was_entered(visitor: Visitor, app: APIFlask) -> None:
    begin(app)
    fill(app, *UNDECIDED)
    answered = visitor.post(f"/experiments/{TRIAL}", {"do": "stop", "winner": "nobody", "note": "so be it"})
    assert answered.status_code == 422
    assert "so be it" in answered.text
    assert readout(app).verdict in text_of(answered.text)
