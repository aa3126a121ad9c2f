"""The Predict page over HTTP, with real models and a real customer table."""

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from endpoints.form_values import as_texts, typical
from endpoints.schema_form import PREFIX
from tests.support.customers import IDS, fill_tables
from tests.support.models import Trained
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

NOBODY = "<script>alert('9999')</script>"


@pytest.fixture
def visitor(app: APIFlask, trained: Trained) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
    fill_tables(app, trained.schema)
    found = Visitor(app)
    found.sign_in()
    found.get("/model_interface")
    return found


def score(visitor: Visitor, ids: str, order: str = "entered") -> TestResponse:
    return visitor.post("/model_interface", {"ids": ids, "order": order})


def rows_of(page: str) -> list[str]:
    return page.split("<tbody")[1].split("</tbody>", maxsplit=1)[0].split("<tr ")[1:]


def ledger(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text("select * from model_logs order by answered_at, client_id")))


def test_the_page_needs_a_session(app: APIFlask) -> None:
    stranger = Visitor(app)
    for path in ("/model_interface", "/model_interface?view=what-if", "/model_interface?pick=riskiest"):
        response = stranger.get(path)
        assert response.status_code == 303
        assert response.location.startswith("/login?next=/model_interface")
    stranger.get("/login")
    for path in ("/model_interface", "/model_interface/what-if", "/model_interface/answers.csv"):
        assert stranger.post(path, {"ids": IDS[0]}).status_code == 303


def test_each_client_is_scored_as_the_api_scores_it(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    page = score(visitor, "\n".join(IDS)).text
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    logged = {row.client_id: row for row in ledger(wiring.engine)}
    assert set(logged) == set(IDS)
    for client_id, row in zip(IDS, rows_of(page), strict=True):
        seen, entry = text_of(row), logged[client_id]
        assert client_id in seen
        assert f"{100 * entry.prediction:.1f}".removesuffix(".0") + "%" in seen
        assert ("High risk: yes" in seen) is bool(entry.high_risk)
        assert "Champion" in seen
        assert "First time seen" in seen
    assert f"Scored {len(IDS)}" in text_of(page)


def test_reasons_are_given_in_words_with_bars(visitor: Visitor) -> None:
    (row,) = rows_of(score(visitor, IDS[0]).text)
    assert row.count("<li>") == 3
    assert len(re.findall(r" is .*?(raises ×|lowers ÷|hardly any)", text_of(row))) == 3
    for start, width in re.findall(r'<rect class="(?:up|down)" x="([\d.]+)" width="([\d.]+)"', row):
        assert 0 <= float(start) <= 100
        assert float(start) + float(width) <= 100.01


def test_a_lifetime_value_that_is_unknown_is_called_so(visitor: Visitor) -> None:
    (row,) = rows_of(score(visitor, IDS[-1]).text)
    assert text_of(row).count("unknown") == 2
    assert 'data-label="Money at risk" data-value=""' in row


def test_ids_that_the_table_lacks_are_named_and_harmless(visitor: Visitor) -> None:
    page = score(visitor, f"{IDS[0]}\n{NOBODY}").text
    assert "1 of 2 could not be scored" in page
    assert f"{NOBODY} : unknown: the customer table has no such id" in text_of(page)
    assert "<script>alert" not in page
    assert "Scored 1 of 2" in text_of(page)


def test_when_all_are_unknown_there_is_no_table(visitor: Visitor) -> None:
    page = score(visitor, "nobody")
    assert page.status_code == 200
    assert "<tbody" not in page.text
    assert "1 of 1 could not be scored" in page.text


def test_a_held_out_client_is_shown_without_score(visitor: Visitor, app: APIFlask) -> None:
    configure(app, holdout_percentage=50)
    page = score(visitor, "\n".join(IDS)).text
    held = [row for row in rows_of(page) if "Holdout" in row]
    assert 0 < len(held) < len(IDS)
    for row in held:
        seen = text_of(row)
        assert "In the holdout: no score is shown." in seen
        assert "not shown" in seen
        assert "%" not in seen
        assert "<rect" not in row
        assert "Additive" not in seen
    assert f"Scored {len(IDS) - len(held)} of {len(IDS)}" in text_of(page)


def test_a_row_that_no_longer_fits_the_model_is_told(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    needed = next(feature.name for feature in trained.schema.features if not feature.nullable)
    fill_tables(app, trained.schema, more={"broken": {needed: None}})
    page = score(visitor, f"broken\n{IDS[0]}").text
    assert f"broken : its row in the customer table does not fit the model: {needed}" in text_of(page)
    assert len(rows_of(page)) == 1


def test_columns_of_the_table_that_the_model_does_not_read_do_no_harm(
    visitor: Visitor, app: APIFlask, trained: Trained
) -> None:
    fields = {**typical(trained.schema), "favourite colour": "green"}
    fill_tables(app, trained.schema, more={"extra": fields})
    assert len(rows_of(score(visitor, "extra").text)) == 1


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ("", "Enter at least one"),
        (" , \n", "Enter at least one"),
        ("x\n" + "y" * 191, "1 to 190"),
        ("a\x00b", "control"),
    ],
)
def test_a_list_that_cannot_be_used_is_explained_and_kept(visitor: Visitor, ids: str, words: str) -> None:
    response = score(visitor, ids)
    assert response.status_code == 422
    assert words in response.text
    assert "<tbody" not in response.text


def test_more_than_the_page_takes_is_refused_at_once(visitor: Visitor, app: APIFlask) -> None:
    response = score(visitor, "\n".join(str(i) for i in range(201)))
    assert response.status_code == 422
    assert "201 ids" in response.text


def test_results_come_in_the_order_asked_for(visitor: Visitor) -> None:
    found = [
        re.findall(r'class="chance" data-value="([\d.]+)"', row)[0]
        for row in rows_of(score(visitor, ",".join(IDS), "probability").text)
    ]
    assert [float(each) for each in found] == sorted((float(each) for each in found), reverse=True)


def test_the_address_can_bring_ids_and_does_not_score_them(visitor: Visitor, app: APIFlask) -> None:
    page = visitor.get("/model_interface", query_string={"ids": f"{IDS[0]},<b>"}).text
    assert f">{IDS[0]}\n&lt;b&gt;</textarea>" in page
    assert "No results yet" in page
    assert app.extensions["holdfast"].spool.measure() == 0 or not ledger(app.extensions["holdfast"].engine)


def test_the_riskiest_are_those_of_the_ledger(visitor: Visitor, app: APIFlask) -> None:
    assert "No client has been scored yet" in visitor.get("/model_interface?pick=riskiest").text
    score(visitor, ",".join(IDS))
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    most = sorted(
        (row for row in ledger(wiring.engine) if row.money_at_risk is not None), key=lambda row: -row.money_at_risk
    )
    page = visitor.get("/model_interface?pick=riskiest").text
    listed = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", page)[0].split()
    assert listed[: len(most)] == [row.client_id for row in most]


def test_the_form_starts_typical_and_scores_with_more_reasons(visitor: Visitor, trained: Trained) -> None:
    page = visitor.get("/model_interface?view=what-if").text
    for feature in trained.schema.features:
        assert f'name="{PREFIX}{feature.name}"' in page
    response = visitor.post("/model_interface/what-if", form_of(trained))
    assert response.status_code == 200
    (row,) = rows_of(response.text)
    assert row.count("<li>") == min(8, len(trained.schema.features))


def test_the_score_that_follows_what_is_typed_is_that_of_the_form(visitor: Visitor, trained: Trained) -> None:
    visitor.get("/model_interface?view=what-if")
    whole = visitor.post("/model_interface/what-if", form_of(trained)).text
    part = visitor.post("/model_interface/what-if?part=score", form_of(trained))
    percent = re.findall(r'<strong class="num">([^<]+)</strong>', part.text)
    assert part.status_code == 200
    assert "<form" not in part.text
    assert len(percent) == 1
    assert percent[0] in whole
    number = next(f for f in trained.schema.features if f.kind == "number" and not f.nullable)
    wrong = visitor.post("/model_interface/what-if?part=score", {**form_of(trained), PREFIX + number.name: "many"}).text
    assert "Nothing was scored yet. Look again at" in wrong
    assert '<strong class="num">' not in wrong


def test_what_is_tried_out_leaves_no_trace(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    """Or an invented customer would stand on the call list, and in an experiment, under a real one's id."""
    tried = {**form_of(trained), "client_id": IDS[1]}
    assert visitor.post("/model_interface/what-if", tried).status_code == 200
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    assert ledger(wiring.engine) == []
    assert "First time seen" in score(visitor, IDS[1]).text


def test_the_form_gives_the_score_of_the_same_customer_by_id(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    page = visitor.get("/model_interface", query_string={"client": IDS[2]}).text
    form = {name: unescape(value) for name, value in posted_by_a_browser(page).items()}
    answered = visitor.post("/model_interface/what-if", form)
    by_form = re.findall(r'class="chance" data-value="([\d.]+)"', answered.text)
    by_id = re.findall(r'class="chance" data-value="([\d.]+)"', score(visitor, IDS[2]).text)
    assert by_form == by_id
    assert "Seen once before" in score(visitor, IDS[2]).text


def test_an_unknown_client_in_the_address_starts_typical_and_says_so(visitor: Visitor) -> None:
    page = visitor.get("/model_interface", query_string={"client": NOBODY}).text
    assert f"The customer table has no client “{NOBODY}”" in text_of(page)
    assert "<script>alert" not in page


def test_what_is_wrong_in_the_form_stands_beside_its_field(visitor: Visitor, app: APIFlask, trained: Trained) -> None:
    number = next(f for f in trained.schema.features if f.kind == "number" and not f.nullable)
    response = visitor.post("/model_interface/what-if", {**form_of(trained), PREFIX + number.name: "many"})
    assert response.status_code == 422
    assert "Must be a number" in response.text
    assert 'value="many"' in response.text
    assert response.text.count('aria-invalid="true"') == 1
    assert "<tbody" not in response.text


@pytest.mark.parametrize("client_id", ["", "x" * 191, "a\x01b"])
def test_the_form_needs_an_id_that_can_be_one(visitor: Visitor, trained: Trained, client_id: str) -> None:
    response = visitor.post("/model_interface/what-if", {**form_of(trained), "client_id": client_id})
    assert response.status_code == 422
    assert "Not usable" in response.text


def test_a_script_gets_the_part_that_changes_and_no_more(visitor: Visitor) -> None:
    part = visitor.post("/model_interface", {"ids": IDS[0]}, {"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="work">')
    assert "<html" not in part.text
    assert "HX-Retarget" not in part.headers
    wrong = visitor.post("/model_interface", {"ids": ""}, {"HX-Request": "true"})
    assert (wrong.status_code, "HX-Retarget" in wrong.headers) == (422, False)


def test_an_error_takes_the_place_of_the_whole_page(visitor: Visitor) -> None:
    failed = visitor.post("/model_interface", {"ids": IDS[0], "csrf_token": "stale"}, {"HX-Request": "true"})
    assert failed.status_code == 400
    assert failed.headers["HX-Retarget"] == "body"
    assert "<h1>" in failed.text


def test_the_file_is_what_the_page_shows_and_scores_nobody_again(visitor: Visitor, app: APIFlask) -> None:
    page = score(visitor, f"{IDS[0]}\n{IDS[-1]}\nnobody").text
    sealed = unescape(re.findall(r'name="answers" value="([^"]+)"', page)[0])
    response = visitor.post("/model_interface/answers.csv", {"answers": sealed})
    assert response.content_type == "text/csv; charset=utf-8"
    assert "predictions.csv" in response.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert [line["client_id"] for line in lines] == [IDS[0], IDS[-1], "nobody"]
    wiring = app.extensions["holdfast"]
    assert wiring.shipper.flush(10)
    logged = {row.prediction_id: row for row in ledger(wiring.engine)}
    assert len(logged) == 2
    for line in lines[:2]:
        assert float(line["prediction"]) == logged[line["prediction_id"]].prediction
    assert (lines[1]["ltv"], lines[2]["prediction"]) == ("", "")


def test_a_file_of_ones_own_making_is_refused(visitor: Visitor) -> None:
    assert visitor.post("/model_interface/answers.csv", {"answers": "[]"}).status_code == 422


def form_of(trained: Trained) -> dict[str, str]:
    texts = as_texts(typical(trained.schema))
    switched_off = {f.name for f in trained.schema.features if f.kind == "boolean" and texts[f.name] == "false"}
    fields = {PREFIX + name: value for name, value in texts.items() if name not in switched_off}
    return {"client_id": "what-if", **fields}


def posted_by_a_browser(page: str) -> dict[str, str]:
    """The form of the page as a browser would post it, untouched."""
    form = page.split('<form method="post" action="/model_interface/what-if"')[1].split("</form>", maxsplit=1)[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        if attributes.get("type") == "checkbox" and " checked" not in tag:
            continue
        found[attributes["name"]] = attributes.get("value", "")
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, flags=re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options)
        found[name] = chosen[0]
    return {unescape(name): value for name, value in found.items() if name != "csrf_token"}
