"""Starting, pausing, resuming and stopping experiments, and the promotion ladder, by the forms of the pages."""

import re
from html import unescape
from pathlib import Path

import pytest
from apiflask import APIFlask

from services.experiments import runs
from services.ladder import where
from services.runs import Run
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.visitor import PASSWORD, Visitor, text_of

TRIAL = "trees-in-autumn"
START = {
    "do": "start",
    "name": TRIAL,
    "share.champion": "50",
    "share.challenger": "50",
    "share.catboost@1": "",
    "layer": "",
    "share": "",
    "reason": "Do trees keep more?",
}
BOOSTING = "gradient_boosting@1"


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    return signed_in(app)


def signed_in(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    found.get("/experiments")
    return found


def run(app: APIFlask, name: str = TRIAL) -> Run:
    return next(each for each in runs(app.extensions["holdfast"].engine) if each.name == name)


def names(app: APIFlask) -> list[str]:
    return [each.name for each in runs(app.extensions["holdfast"].engine)]


def wrong(page: str) -> list[str]:
    """What stands beside the fields."""
    return [unescape(each) for each in re.findall(r'class="wrong"[^>]*>([^<]+)', page)]


def test_an_experiment_is_started_and_in_force_at_once(visitor: Visitor, app: APIFlask) -> None:
    wired = app.extensions["holdfast"]
    told = wired.activity.fleet_revision()
    response = visitor.post("/experiments", START)
    assert (response.status_code, response.location) == (303, "/experiments")
    assert wired.live.config.experiment.name == TRIAL
    assert dict(wired.live.config.experiment.arms) == {"champion": 0.5, "challenger": 0.5}
    assert wired.activity.fleet_revision() != told
    found = run(app)
    assert (found.author, found.reason) == ("anna", "Do trees keep more?")
    page = text_of(visitor.get("/experiments").text)
    assert f"“{TRIAL}” has started" in page
    assert "has started" not in text_of(visitor.get("/experiments").text), "it is said once"


def test_an_experiment_is_started_in_a_layer_beside_another(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", START)
    second = {**START, "name": "catboost-too", "share.challenger": "", "share.catboost@1": "50", "layer": "side"}
    refused = visitor.post("/experiments", second)
    assert refused.status_code == 422
    assert wrong(refused.text) == ["Layer 'side' is new: say what share of all clients it gets, such as 0.1."], (
        "the layer needs a share"
    )
    assert visitor.post("/experiments", {**second, "share": "12.5"}).status_code == 303
    layer = app.extensions["holdfast"].live.config.layers["side"]
    assert (layer.share, layer.experiment.name) == (0.125, "catboost-too")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, ["Must be filled in."]),
        ({"reason": ""}, ["Must be filled in."]),
        ({"reason": "x" * 70_000}, ["The reason may have 10,000 characters at most; this one has 70,000."]),
        ({"share.challenger": "40"}, ["The shares sum to 90%, not 100%: 10% are missing."]),
        ({"share.challenger": "60.5"}, ["The shares sum to 110.5%, not 100%: 10.5% are too much."]),
        ({"share.challenger": "half"}, ["Must be a number from 0 to 100."]),
        ({"share.challenger": "nan"}, ["Must be a number from 0 to 100."]),
        ({"share.champion": "100", "share.challenger": "0"}, ["Give at least two models a share"]),
        ({"share": "5"}, ["A share is that of a layer: name the layer as well."]),
        ({"name": "holdout/2026-01"}, []),
        ({"share.none": "50", "share.challenger": ""}, []),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    visitor: Visitor, app: APIFlask, changes: dict[str, str], said: list[str]
) -> None:
    form = {**START, **changes}
    response = visitor.post("/experiments", form)
    assert response.status_code == 422
    found = wrong(response.text)
    assert len(found) == len(said)
    assert all(each.startswith(words) for each, words in zip(found, said, strict=True))
    assert said or 'role="alert"' in response.text
    assert 'id="start" open' in response.text
    assert f'name="name" value="{form["name"].strip()}"' in response.text
    assert form["reason"] in response.text
    assert names(app) == []


def test_a_name_is_used_once(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", START)
    visitor.post(f"/experiments/{TRIAL}", {"do": "stop", "winner": "", "note": "enough"})
    response = visitor.post("/experiments", START)
    assert response.status_code == 422
    assert wrong(response.text) == [f"There was an experiment '{TRIAL}' before: choose a new name."]


def test_pause_and_resume(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", START)
    response = visitor.post(f"/experiments/{TRIAL}", {"do": "pause", "reason": "the CRM is down"})
    assert (response.status_code, response.location) == (303, f"/experiments/{TRIAL}")
    assert (run(app).paused, run(app).paused_because) == (True, "the CRM is down")
    page = text_of(visitor.get(f"/experiments/{TRIAL}").text)
    assert f"“{TRIAL}” is paused" in page
    assert "Resume the experiment" in page
    assert "Pause the experiment" not in page
    assert visitor.post(f"/experiments/{TRIAL}", {"do": "resume", "reason": "it is back"}).status_code == 303
    assert not run(app).paused
    assert "goes on" in text_of(visitor.get(f"/experiments/{TRIAL}").text)


def test_stop_keeps_winner_and_note_and_both_can_be_corrected(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", START)
    done = visitor.post(f"/experiments/{TRIAL}", {"do": "stop", "winner": "challenger", "note": "Trees <b>win</b>."})
    assert done.status_code == 303
    found = run(app)
    assert not found.running
    assert (found.winner, found.note, found.decided_by) == ("challenger", "Trees <b>win</b>.", "anna")
    page = visitor.get(f"/experiments/{TRIAL}").text
    assert "Trees &lt;b&gt;win&lt;/b&gt;." in page
    assert '<option value="challenger" selected>' in page
    visitor.post(f"/experiments/{TRIAL}", {"do": "stop", "winner": "", "note": "On second thoughts, no."})
    assert (run(app).winner, run(app).note) == (None, "On second thoughts, no.")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"do": "pause", "reason": ""}, "Must be filled in."),
        ({"do": "stop", "winner": "challenger", "note": "  "}, "Must be filled in."),
        ({"do": "stop", "winner": "nobody", "note": "x"}, "'nobody' is no arm of"),
        ({"do": "resume", "reason": "x"}, "is not paused"),
        ({"do": "resume", "reason": ""}, "Must be filled in."),
        ({"do": "burn", "reason": "x"}, "Choose to pause, to resume or to stop the experiment."),
    ],
)
def test_what_cannot_be_done_changes_nothing(visitor: Visitor, app: APIFlask, form: dict[str, str], said: str) -> None:
    visitor.post("/experiments", START)
    before = app.extensions["holdfast"].live.current().revision
    response = visitor.post(f"/experiments/{TRIAL}", form)
    assert response.status_code == 422
    assert said in text_of(response.text)
    app.extensions["holdfast"].live.reread(None)
    assert app.extensions["holdfast"].live.current().revision == before


def test_a_model_climbs_the_ladder_step_by_step(visitor: Visitor, app: APIFlask) -> None:
    live = app.extensions["holdfast"].live
    for before, after in (("none", "shadow"), ("shadow", "canary"), ("canary", "ab"), ("ab", "champion")):
        form = {"do": "advance", "model": BOOSTING, "stage": before, "reason": "it looks good"}
        assert visitor.post("/experiments", form).status_code == 303
        assert where(live.config, BOOSTING) == after
        assert "Done. Gradient boosting 1" in text_of(visitor.get("/experiments").text)
    assert run(app, "gradient_boosting-1-ab").winner == BOOSTING
    assert "Champion Gradient boosting 1" in text_of(visitor.get("/experiments").text)


def test_a_step_names_what_it_changes_before_it_is_taken(visitor: Visitor) -> None:
    visitor.post("/experiments", {"do": "advance", "model": BOOSTING, "stage": "none", "reason": "x"})
    page = text_of(visitor.get("/experiments").text)
    assert (
        "Gradient boosting 1 answers 5% of the clients, the champion the others,"
        " in a new experiment, “gradient_boosting-1-canary”." in page
    )
    assert "Gradient boosting 1 scores nobody any more, not even silently." in page


def test_a_step_back(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", {"do": "advance", "model": BOOSTING, "stage": "none", "reason": "x"})
    visitor.post("/experiments", {"do": "advance", "model": BOOSTING, "stage": "shadow", "reason": "x"})
    back = {"do": "retreat", "model": BOOSTING, "stage": "canary", "reason": "too many errors"}
    assert visitor.post("/experiments", back).status_code == 303
    assert where(app.extensions["holdfast"].live.config, BOOSTING) == "none"
    assert not run(app, "gradient_boosting-1-canary").running


def test_a_step_that_was_taken_meanwhile_is_not_taken_twice(visitor: Visitor, app: APIFlask) -> None:
    step = {"do": "advance", "model": BOOSTING, "stage": "none", "reason": "x"}
    assert visitor.post("/experiments", step).status_code == 303
    response = visitor.post("/experiments", step)
    assert response.status_code == 422
    assert "Gradient boosting 1 was moved meanwhile" in text_of(response.text)
    assert where(app.extensions["holdfast"].live.config, BOOSTING) == "shadow"


def test_a_step_of_what_is_the_champion_by_now_says_so(visitor: Visitor) -> None:
    response = visitor.post("/experiments", {"do": "advance", "model": "additive@1", "stage": "ab", "reason": "x"})
    assert response.status_code == 422
    assert "Additive 1 was moved meanwhile" in text_of(response.text)


def test_a_step_needs_a_reason(visitor: Visitor, app: APIFlask) -> None:
    response = visitor.post("/experiments", {"do": "advance", "model": BOOSTING, "stage": "none", "reason": ""})
    assert response.status_code == 422
    assert wrong(response.text) == ["Must be filled in."]
    assert where(app.extensions["holdfast"].live.config, BOOSTING) == "none"


def test_a_form_without_its_token_changes_nothing(visitor: Visitor, app: APIFlask) -> None:
    visitor.post("/experiments", START)
    for path, form in (("/experiments", START), (f"/experiments/{TRIAL}", {"do": "pause", "reason": "x"})):
        assert visitor.post(path, {**form, "csrf_token": "none"}).status_code == 400
    assert not run(app).paused


def test_without_redis_the_change_is_made_and_the_page_says_who_follows_later(tmp_path: Path, trained: Trained) -> None:
    with application(tmp_path, trained, "redis://127.0.0.1:1") as app:
        configure(app, aliases=trained.aliases)
        visitor = signed_in(app)
        assert visitor.post("/experiments", START).status_code == 303
        assert app.extensions["holdfast"].live.config.experiment.name == TRIAL
        assert "Redis does not answer: they follow" in text_of(visitor.get("/experiments").text)
