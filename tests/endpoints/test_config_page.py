"""The pages of the configuration, without a script: each step of a change's way, and what stops it."""

import re
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from data import config_change_store
from endpoints.config_catalogue import GROUPS, RAILS, settings
from endpoints.config_fields import WAS, changed_values, fields_of, values_of
from endpoints.config_words import words_of_text
from services.config.lifecycle import Lifecycle
from services.config.model import KEYS, LiveConfig
from services.config.parts import Guardrails
from services.config.spelling import texts
from tests.support.customers import fill_tables
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

PATH = "/config"


@pytest.fixture
def visitor(app: APIFlask, trained: Trained) -> Visitor:
    fill_tables(app, trained.schema)
    return someone(app, "anna")


def someone(app: APIFlask, name: str, role: str = "manager") -> Visitor:
    app.extensions["holdfast"].accounts.add(name, role, PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in(name)
    found.get(PATH)
    return found


def changes(app: APIFlask) -> Lifecycle:
    made: Lifecycle = app.extensions["holdfast"].config_changes
    return made


def config(app: APIFlask) -> LiveConfig:
    made: LiveConfig = app.extensions["holdfast"].snapshot().config
    return made


def form(app: APIFlask, reason: str = "to see", **entered: str) -> dict[str, Any]:
    """What a browser posts of the page, with some fields as they were entered."""
    return {**fields_of(config(app).model_dump(mode="json")).to_dict(flat=False), "reason": reason, **entered}


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def seen_on(person: Visitor, address: str) -> str:
    return seen_in(person.get(address).text)


def advance(person: Visitor, address: str, do: str) -> TestResponse:
    """Presses a button of the page as it is now."""
    return person.post(address, {"do": do, "seen": seen_on(person, address)})


def test_every_key_has_one_place_and_every_guardrail_a_switch_if_it_can_be_off() -> None:
    assert sorted(each.key for each in settings()) == sorted(KEYS)
    assert len({group.id for group in GROUPS}) == len(GROUPS)
    may_be_off = {name: Guardrails.model_fields[name].annotation == float | None for name in Guardrails.model_fields}
    assert {rail.name: rail.switch for rail in RAILS} == may_be_off


RICH = LiveConfig(
    aliases={"champion": "additive@1", "challenger": "catboost@1"},
    experiment={"name": "trees", "salt": "s", "arms": {"champion": 0.285, "challenger": 0.715}},
    layers={"side": {"share": 0.1, "experiment": {"name": "b"}}},
    shadow=("heuristic", "catboost@1"),
    email_policy="every",
    email_recipients=("a@example.com", "b@example.com"),
    guardrails={"brier": None, "latency": 3},
    cache_fields=("Contract, old", "tenure"),
    cache_decimals=0,
    proba_cutoff=0.29,
    two_person_rule=True,
)


@pytest.mark.parametrize("given", [LiveConfig(), RICH], ids=["defaults", "rich"])
def test_a_form_that_nobody_touched_changes_nothing(given: LiveConfig) -> None:
    fields = fields_of(given.model_dump(mode="json"))
    assert set(values_of(fields)) == set(KEYS)
    assert changed_values(fields) == {}
    assert LiveConfig(**values_of(fields)) == given
    assert all(words_of_text(key, text) for key, text in texts(given).items())


def test_what_is_entered_becomes_the_values_it_means() -> None:
    fields = fields_of(RICH.model_dump(mode="json"))
    entered = {
        "proba_cutoff": " 40,5 ",
        "call_list_capacity": "many",
        "aliases.challenger": "",
        "alias-name": "next",
        "alias-model": "heuristic@1",
        "experiment.share.champion": "100",
        "experiment.share.challenger": "0",
        "email_recipients": "c@example.com, b@example.com\n",
        "guardrails.errors": "nan",
        "layers": "{",
    }
    for name, text in entered.items():
        fields[name] = text
    fields.pop("two_person_rule")
    fields.pop("guardrails.latency.on")
    fields.setlist("shadow", ["catboost@1"])
    found = changed_values(fields)
    assert found.pop("guardrails") == {**RICH.guardrails.model_dump(), "latency": None, "errors": "nan"}
    assert found == {
        "proba_cutoff": 0.405,
        "call_list_capacity": "many",
        "aliases": {"champion": "additive@1", "next": "heuristic@1"},
        "experiment": {"name": "trees", "salt": "s", "arms": {"champion": 1.0}},
        "email_recipients": ["c@example.com", "b@example.com"],
        "shadow": ["catboost@1"],
        "two_person_rule": False,
        "layers": "{",
    }


def test_an_experiment_of_another_name_has_a_salt_of_its_own() -> None:
    fields = fields_of(RICH.model_dump(mode="json"))
    fields["experiment.name"] = "forest"
    assert changed_values(fields)["experiment"]["salt"] == "forest"
    fields["experiment.salt"] = "mine"
    assert changed_values(fields)["experiment"]["salt"] == "mine"


def test_a_value_that_others_changed_meanwhile_stays_as_it_is() -> None:
    fields: MultiDict[str, str] = MultiDict({f"{WAS}proba_cutoff": "0.5", "proba_cutoff": "50"})
    assert changed_values(fields) == {}
    assert changed_values(MultiDict({f"{WAS}proba_cutoff": "}", "proba_cutoff": "50"})) == {"proba_cutoff": 0.5}


def test_a_change_goes_from_the_form_into_force_and_back(visitor: Visitor, app: APIFlask) -> None:
    seen = text_of(visitor.get(PATH).text)
    assert "High risk from" in seen
    assert "50%" in seen
    response = visitor.post(PATH, form(app, proba_cutoff="5"))
    assert response.status_code == 303
    address = response.location
    page = text_of(visitor.get(address).text)
    assert "from 50% → to 5%" in page
    assert config(app).proba_cutoff == 0.5
    assert advance(visitor, address, "promote").status_code == 422
    assert visitor.post(address, {"do": "rehearse"}).location == address
    page = text_of(visitor.get(address).text)
    assert "9 customers of the table were asked for under the old and the new values" in page
    assert "A typical customer" in page or "become high risk" in page
    assert config(app).proba_cutoff == 0.5
    assert advance(visitor, address, "promote").location == address
    (newest, *_) = changes(app).history(1)
    page = text_of(visitor.get(address).text)
    assert f"Revision {newest.revision} is in force. Every process follows with its next request." in page
    assert "Watched for 15 more minutes" in page
    assert config(app).proba_cutoff == 0.05
    assert (newest.author, newest.reason) == ("anna", "to see")

    assert "say why" not in text_of(visitor.get(f"{PATH}/history").text)
    before = changes(app).history(5)[1].revision
    refused = visitor.post(f"{PATH}/history/{before}", {"reason": " "})
    assert refused.status_code == 422
    assert "Must be filled in." in refused.text
    back = visitor.post(f"{PATH}/history/{before}", {"reason": "too many calls"})
    assert back.status_code == 303
    assert config(app).proba_cutoff == 0.5
    page = text_of(visitor.get(address).text)
    assert "Taken back" in page
    assert f"Revision {before} was brought back by change 2." in page
    assert "In force, watched" in text_of(visitor.get(back.location).text)


def test_what_cannot_be_is_said_beside_the_field_and_the_rest_is_kept(visitor: Visitor, app: APIFlask) -> None:
    entered = {"proba_cutoff": "150", "call_list_capacity": "77", "email_policy": "every", "guardrails.errors": "7"}
    response = visitor.post(PATH, form(app, "because <b>", **entered))
    assert response.status_code == 422
    assert re.search(r'id="proba_cutoff-help">Must be a number from 1 to 99%\.', response.text)
    assert "Failed answers: must be a number from 0 to 1." in response.text
    for name, text in entered.items():
        if name != "email_policy":
            assert re.search(rf'name="{re.escape(name)}"[^>]* value="{text}"', response.text), name
    assert '<option value="every" selected>' in response.text
    assert "because &lt;b&gt;" in response.text
    alone = visitor.post(PATH, form(app, email_policy="every")).text
    assert 'id="email_policy-help">Mail about answers needs one recipient at least.' in alone
    nameless = visitor.post(PATH, form(app, " ", proba_cutoff="40"))
    assert nameless.status_code == 422
    assert re.search(r'id="f-reason-help" class="wrong">Must be filled in\.', nameless.text)
    same = visitor.post(PATH, form(app))
    assert (same.status_code, "these values are in force already" in same.text) == (422, True)
    assert changes(app).listing(5) == []


def test_a_draft_is_seen_by_others_edited_and_abandoned(visitor: Visitor, app: APIFlask) -> None:
    address = visitor.post(PATH, form(app, call_list_capacity="60")).location
    other = someone(app, "bob")
    listed = other.get(PATH).text
    assert f'href="{address}"' in listed
    assert re.search(r'name="call_list_capacity"[^>]* value="50"', listed)
    editing = other.get(f"{address}/edit").text
    assert re.search(r'name="call_list_capacity"[^>]* value="60"', editing)
    entered = form(app, "fewer", call_list_capacity="40")
    assert other.post(f"{address}/edit", entered).location == address
    (kept,) = changes(app).open_changes()
    assert (kept.changes, kept.author, kept.reason) == ({"call_list_capacity": "40"}, "bob", "fewer")
    assert other.post(address, {"do": "abandon"}).status_code == 303
    assert "Nothing of it took effect." in text_of(visitor.get(address).text)
    assert f'href="{address}"' not in visitor.get(PATH).text
    assert visitor.get(f"{address}/edit").status_code == 409
    assert visitor.post(address, {"do": "rehearse"}).status_code == 422
    assert visitor.get(f"{PATH}/changes/999999").status_code == 404
    assert visitor.get(f"{PATH}/changes/{2**64}").status_code == 404


def test_a_second_person_approves_where_two_are_needed(visitor: Visitor, app: APIFlask) -> None:
    configure(app, two_person_rule="true")
    address = visitor.post(PATH, form(app, call_list_capacity="60")).location
    visitor.post(address, {"do": "rehearse"})
    own = visitor.get(address).text
    assert "A second person must approve it: you wrote it." in own
    assert 'value="approve"' not in own
    assert visitor.post(address, {"do": "promote"}).status_code == 422
    other = someone(app, "bob")
    assert 'value="approve"' in other.get(address).text
    advance(other, address, "approve")
    assert "bob approved it" in text_of(visitor.get(address).text)
    advance(visitor, address, "promote")
    assert config(app).call_list_capacity == 60


def test_nobody_approves_or_promotes_what_they_were_not_shown(visitor: Visitor, app: APIFlask) -> None:
    configure(app, two_person_rule="true")
    address = visitor.post(PATH, form(app, call_list_capacity="60")).location
    visitor.post(address, {"do": "rehearse"})
    other = someone(app, "bob")
    stale = seen_on(other, address)
    visitor.post(f"{address}/edit", form(app, "rather this", call_list_capacity="70"))
    visitor.post(address, {"do": "rehearse"})
    for do in ("approve", "promote"):
        for seen in ({"seen": stale}, {}):
            refused = other.post(address, {"do": do, **seen})
            assert refused.status_code == 422
            assert "was edited since you looked: look again" in refused.text
    (waiting,) = changes(app).open_changes()
    assert (waiting.state, waiting.approved_by) == ("rehearsed", None)
    assert "to 70 calls a day" in text_of(refused.text)
    again = {"seen": seen_in(refused.text)}
    assert other.post(address, {"do": "approve", **again}).status_code == 303
    assert other.post(address, {"do": "promote", **again}).status_code == 303
    assert config(app).call_list_capacity == 70


def test_who_may_only_look_sees_values_and_no_form(app: APIFlask) -> None:
    viewer = someone(app, "vera", "viewer")
    page = viewer.get(PATH).text
    assert "Capacity of the team" in page
    assert "<form" not in page.split("<main")[1]
    assert "Bring back" not in viewer.get(f"{PATH}/history").text


def test_the_arms_of_a_running_experiment_are_no_controls(visitor: Visitor, app: APIFlask) -> None:
    configure(app, experiment={"name": "trees", "salt": "trees", "arms": {"champion": 0.5, "challenger": 0.5}})
    page = visitor.get(PATH).text
    assert "“trees” is running, so its arms stay as they are" in page
    assert 'href="/experiments/trees"' in page
    assert "experiment.share." not in page


def test_rows_typed_in_sql_are_told_apart_and_refused_ones_say_why(visitor: Visitor, app: APIFlask) -> None:
    insert_config(app.extensions["holdfast"].engine, call_list_capacity="61")
    configure(app, proba_cutoff="7")
    page = text_of(visitor.get(PATH).text)
    assert "Not in force: rows of the table that were typed in SQL and refused." in page
    assert "since" in page
    assert "by SQL" in page
    past = text_of(visitor.get(f"{PATH}/history").text)
    assert "Never in force Must be a number from 1 to 99%." in past
    assert "from 50 calls a day → to 61 calls a day" in past


def test_what_staging_said_is_shown(visitor: Visitor, app: APIFlask) -> None:
    address = visitor.post(PATH, form(app, call_list_capacity="60")).location
    (draft,) = changes(app).open_changes()
    with app.extensions["holdfast"].engine.begin() as connection:
        report = changes(app).preview(draft.changes).report
        examples = [{"client_id": "c1", "problem": "answered 500"}]
        staging = {"passed": False, "error": "it answers 500", "asked": 1200, "examples": examples, "left_out": []}
        config_change_store.put(connection, draft.id, rehearsal=report, staging=staging)
    page = text_of(visitor.get(address).text)
    assert "Staging refused it, so production stays as it is. it answers 500" in page
    assert "c1 : answered 500" in page
    assert "Asked 1,200" in page
    assert "Try on staging : failed" in page
