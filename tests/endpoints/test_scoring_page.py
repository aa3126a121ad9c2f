"""A file of customers goes in by the form, and comes out scored."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from data import scoring_store
from endpoints.answers_csv import COLUMNS
from services.accounts import AccountService
from services.scoring_jobs.intake import take_in
from services.scoring_jobs.scoring import Scorer
from tests.support.models import Trained
from tests.support.scoring import as_csv, customers, read_csv, steady
from tests.support.visitor import PASSWORD, Visitor

FILES = "/model_interface/files"


@pytest.fixture
def anna(app: Flask, accounts: AccountService) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in()
    visitor.get(FILES)
    return visitor


def upload(visitor: Visitor, text: str | bytes, name: str = "customers.csv") -> TestResponse:
    content = text.encode() if isinstance(text, str) else text
    return visitor.post(FILES, {"file": (io.BytesIO(content), name)})  # type: ignore[dict-item]


def job_of(response: TestResponse) -> str:
    assert response.status_code == 303, response.get_data(as_text=True)
    return response.headers["Location"].rsplit("/", 1)[1]


def work(app: Flask, job_id: str) -> None:
    """What the workers do, in this process."""
    wired = app.extensions["holdfast"]
    scorer = Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions)
    number: int | None = 0
    while number is not None:
        number = scorer.score(job_id, number)


def scored(visitor: Visitor, job_id: str) -> list[dict[str, str]]:
    response = visitor.get(f"{FILES}/{job_id}/scored.csv")
    assert response.content_type == "text/csv; charset=utf-8"
    return read_csv(response.get_data(as_text=True))


def test_a_file_is_scored_as_the_batch_call_scores_its_rows(
    app: Flask, anna: Visitor, client: FlaskClient, trained: Trained
) -> None:
    rows = customers(trained.rows, 30)
    job_id = job_of(upload(anna, as_csv(rows)))
    assert "0 of 30 rows" in anna.get(f"{FILES}/{job_id}").get_data(as_text=True)
    work(app, job_id)
    instances = [{"key": row["client_id"], "reasons": 3, **row} for row in rows]
    batch = client.post("/v1/predict/batch", json={"instances": instances}).get_json()["answers"]
    with app.extensions["holdfast"].engine.connect() as connection:
        found = scoring_store.answers(connection, job_id, 0)
    assert [steady(each) for each in found] == [steady({k: v for k, v in a.items() if k != "key"}) for a in batch]
    lines = scored(anna, job_id)
    assert tuple(lines[0]) == COLUMNS
    assert [(line["client_id"], float(line["prediction"])) for line in lines] == [
        (answer["client_id"], answer["prediction"]) for answer in batch
    ]
    assert "Download scored CSV" in anna.get(FILES).get_data(as_text=True)


def test_rows_that_the_model_refuses_are_told_with_their_reason(app: Flask, anna: Visitor, trained: Trained) -> None:
    rows = customers(trained.rows, 4)
    rows[1]["tenure_months"] = "ages"
    rows[2]["client_id"] = ""
    rows[3]["client_id"] = "=SUM(A1)"
    job_id = job_of(upload(anna, as_csv(rows)))
    work(app, job_id)
    lines = scored(anna, job_id)
    assert [bool(line["prediction"]) for line in lines] == [True, False, False, True]
    assert lines[1]["notes"].startswith("row 2: tenure_months: Input should be a valid number")
    assert lines[2]["notes"].startswith("row 3: client_id: ")
    assert lines[3]["client_id"] == "'=SUM(A1)"
    assert "2 of 4 rows scored, 2 refused" in anna.get(f"{FILES}/{job_id}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: "", "customers.csv is empty"),
        (lambda text: text.replace("tenure_months", "tenure_month", 1), "no column &#39;tenure_months&#39;; is it"),
        (lambda text: text.replace("client_id", "customer", 1), "with the clients&#39; ids"),
        (lambda text: text + "c-9,and no more\n", "line 4: 2 cells where the header has"),
        (lambda text: text.splitlines()[0] + "\n", "has column names but no rows"),
        (lambda text: b"\x00\x01\x02", "not text"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_beside_the_field(
    anna: Visitor, trained: Trained, change: Any, told: str
) -> None:
    response = upload(anna, change(as_csv(customers(trained.rows, 2))))
    assert response.status_code == 422
    assert told in response.get_data(as_text=True)
    assert "No files yet" in response.get_data(as_text=True)


def test_nothing_chosen_is_told(anna: Visitor) -> None:
    response = anna.post(FILES, {"file": ""})
    assert response.status_code == 422
    assert "Choose a CSV file first." in response.get_data(as_text=True)


def test_a_file_may_be_larger_than_other_bodies_up_to_a_limit(
    app: Flask, anna: Visitor, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = as_csv(customers(trained.rows, 2))
    app.config["MAX_CONTENT_LENGTH"] = 300
    assert job_of(upload(anna, text))
    settings = app.extensions["holdfast"].settings.model_copy(update={"max_upload_bytes": 100})
    monkeypatch.setattr(app.extensions["holdfast"], "settings", settings)
    assert upload(anna, text + " " * 20_000).status_code == 413


def test_a_form_of_many_parts_is_refused_since_each_might_open_a_file(anna: Visitor) -> None:
    many: dict[str, Any] = {"file": (io.BytesIO(b""), ""), **{f"part{number}": "x" for number in range(20)}}
    assert anna.post(FILES, many).status_code == 413


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("客户 😀.csv", "%E5%AE%A2%E6%88%B7%20%F0%9F%98%80"),
        ("Kündigungen.csv", "K%C3%BCndigungen"),
        ("a\r\nb\0.csv", "a%20b%20"),
        ('"><script>.csv', "%22%3E%3Cscript%3E"),
    ],
)
def test_a_file_comes_back_under_its_name_whatever_that_is(
    app: Flask, anna: Visitor, trained: Trained, name: str, whole: str
) -> None:
    wired, text = app.extensions["holdfast"], as_csv(customers(trained.rows, 1))
    schema = wired.snapshot().serving.schema
    job = take_in(wired.engine, wired.clock, schema, io.BytesIO(text.encode()), name, "anna")
    work(app, job.job_id)
    told = anna.get(f"{FILES}/{job.job_id}/scored.csv").headers["Content-Disposition"]
    assert told.isascii()
    assert told.endswith(f"; filename*=UTF-8''{whole}-scored.csv")


def test_an_upload_needs_its_form_token_and_a_manager(app: Flask, accounts: AccountService, trained: Trained) -> None:
    accounts.add("vera", "viewer", PASSWORD, "a test")
    vera = Visitor(app)
    vera.sign_in("vera")
    assert "needs the role of a manager" in vera.get(FILES).get_data(as_text=True)
    assert upload(vera, as_csv(customers(trained.rows, 2))).status_code == 403
    stranger = Visitor(app)
    assert upload(stranger, "anything").status_code == 303
    anna = Visitor(app)
    anna.sign_in()
    anna._token = "made up"
    assert upload(anna, as_csv(customers(trained.rows, 2))).status_code == 400


def test_a_file_is_its_owners_alone(app: Flask, anna: Visitor, accounts: AccountService, trained: Trained) -> None:
    job_id = job_of(upload(anna, as_csv(customers(trained.rows, 2))))
    accounts.add("bert", "manager", PASSWORD, "a test")
    bert = Visitor(app)
    bert.sign_in("bert")
    assert "No files yet" in bert.get(FILES).get_data(as_text=True)
    assert bert.get(f"{FILES}/{job_id}").status_code == 404
    assert bert.get(f"{FILES}/{job_id}/scored.csv").status_code == 404
    assert bert.post(f"{FILES}/{job_id}/delete", {}).status_code == 404
    assert anna.get(f"{FILES}/{job_id}").status_code == 200


def test_a_file_is_stopped_gone_on_with_and_deleted(app: Flask, anna: Visitor, trained: Trained) -> None:
    job_id = job_of(upload(anna, as_csv(customers(trained.rows, 2_500))))
    wired = app.extensions["holdfast"]
    Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions).score(job_id, 0)
    anna.post(f"{FILES}/{job_id}/stop", {})
    work(app, job_id)
    assert len(scored(anna, job_id)) == 1_000
    assert "Stopped" in anna.get(f"{FILES}/{job_id}").get_data(as_text=True)
    anna.post(f"{FILES}/{job_id}/go-on", {})
    for number in (1, 2):
        Scorer(wired.engine, wired.clock, wired.live, wired.customers, wired.predictions).score(job_id, number)
    assert [line["client_id"] for line in scored(anna, job_id)] == [f"c-{place:06}" for place in range(2_500)]
    assert anna.post(f"{FILES}/{job_id}/delete", {}).headers["Location"] == FILES
    assert anna.get(f"{FILES}/{job_id}").status_code == 404


def test_a_script_gets_the_progress_until_the_end_and_then_the_whole_file(
    app: Flask, anna: Visitor, trained: Trained
) -> None:
    job_id = job_of(upload(anna, as_csv(customers(trained.rows, 2))))
    script = {"HX-Request": "true"}
    session = {"Cookie": f"holdfast={anna.cookie('holdfast')}"}
    part = app.test_client(use_cookies=False).get(f"{FILES}/{job_id}", headers={**script, **session})
    assert re.search(r'<progress value="0" max="2" aria-label="Rows scored of customers.csv">', part.text)
    assert "<article" not in part.text
    work(app, job_id)
    whole = app.test_client(use_cookies=False).get(f"{FILES}/{job_id}", headers={**script, **session})
    assert whole.headers["HX-Retarget"] == f"#file-{job_id}"
    assert "Download scored CSV" in whole.text
    assert "hx-get" not in whole.text
