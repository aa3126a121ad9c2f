"""The page of suggestions: what the team writes is what the call list advises, without a script."""

import re

import pytest
from apiflask import APIFlask

from data import audit_log, suggestion_store
from data.suggestion_store import Suggestion
from services import suggestions
from tests.support.calls import Calls
from tests.support.models import Trained
from tests.support.visitor import PASSWORD, Visitor, text_of

PATH = "/call-list/suggestions"


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    found.get(PATH)
    return found


def form(**changes: str) -> dict[str, str]:
    given = {"id": "", "feature": "contract", "value": "Monthly", "kind": "offer", "advice": "Offer <b>.", "do": "save"}
    return {**given, **changes}


def stored(app: APIFlask) -> list[Suggestion]:
    return suggestions.listed(app.extensions["holdfast"].engine)


def test_a_suggestion_is_added_changed_and_deleted(visitor: Visitor, app: APIFlask) -> None:
    assert "Everybody else Call" in text_of(visitor.get(PATH).text)
    response = visitor.post(PATH, form())
    assert (response.status_code, response.location) == (303, f"{PATH}?done=saved")
    seen = visitor.get(response.location).text
    assert "The suggestion is saved." in seen
    assert "Contract is Monthly Offer Offer <b>." in text_of(seen)
    (kept,) = stored(app)
    edited = visitor.get(f"{PATH}?edit={kept.id}").text
    assert re.search(r'<option value="contract" selected>', edited)
    assert 'value="Monthly"' in edited
    assert visitor.post(PATH, form(id=str(kept.id), value="", kind="ask")).status_code == 303
    assert stored(app) == [Suggestion(kept.id, "contract", None, "ask", "Offer <b>.")]
    assert visitor.post(PATH, form(id=str(kept.id), do="delete")).location == f"{PATH}?done=deleted"
    assert stored(app) == []
    with app.extensions["holdfast"].engine.connect() as connection:
        acts = [(each.actor, each.action) for each in audit_log.list_entries(connection) if "suggestion" in each.action]
    assert acts == [("anna", f"suggestion_{act}") for act in ("deleted", "changed", "added")]


def test_the_advice_is_on_the_call_list_and_in_the_action(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    calls = Calls(app, trained)
    told = [{"feature": "contract", "value": "Monthly", "effect": 0.7 - n} for n in range(3)]
    one = calls.score("bert", 10.0, output={"reasons": told})
    visitor.post(PATH, form(kind="yearly-offer", advice="Offer a year."))
    assert "Yearly offer Offer a year." in text_of(visitor.get("/call-list").text)
    visitor.post("/call-list/contacted", {"prediction_id": one.prediction_id})
    assert [each.kind for each in calls.actions("bert")] == ["yearly-offer"]


def test_what_is_wrong_is_told_beside_its_field_and_the_rest_stays(visitor: Visitor, app: APIFlask) -> None:
    response = visitor.post(PATH, form(feature="support_calls", value="many", kind="Call!", advice="x" * 501))
    assert response.status_code == 422
    seen = text_of(response.text)
    assert "Nothing was saved. Look again at: Value, Kind of action, Advice." in seen
    assert "Value must be a number, such as 3 or 2.5." in seen
    assert response.text.count('aria-invalid="true"') == 3
    assert 'value="Call!"' in response.text
    assert stored(app) == []


def test_the_same_twice_is_refused(visitor: Visitor, app: APIFlask) -> None:
    visitor.post(PATH, form())
    response = visitor.post(PATH, form())
    assert (response.status_code, "has such a suggestion already" in response.text) == (422, True)
    assert len(stored(app)) == 1


@pytest.mark.parametrize("number", ["7", "x", "-1", "²", "9" * 40])
def test_what_is_gone_is_told(visitor: Visitor, app: APIFlask, number: str) -> None:
    response = visitor.post(PATH, form(id=number, do="delete"))
    assert (response.status_code, "deleted meanwhile" in response.text) == (422, True)


def test_a_suggestion_for_a_column_of_an_earlier_model_is_marked(visitor: Visitor, app: APIFlask) -> None:
    wired = app.extensions["holdfast"]
    with wired.engine.begin() as connection:
        suggestion_store.put(connection, Suggestion(None, "old_column", None, "letter", "Write."))
    page = visitor.get(PATH).text
    assert "No column of the model in charge" in page
    (kept,) = stored(app)
    assert '<option value="old_column" selected>' in visitor.get(f"{PATH}?edit={kept.id}").text


def test_every_feature_of_the_champion_can_be_chosen(visitor: Visitor, trained: Trained) -> None:
    chosen = re.findall(r'<option value="([^"]*)"', visitor.get(PATH).text.split("<select")[1].split("</select>")[0])
    assert chosen == ["", *trained.schema.names]
