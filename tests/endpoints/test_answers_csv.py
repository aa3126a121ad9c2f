"""The CSV file: the very answers of the page, and nothing that a spreadsheet would run."""

import csv
import io
from collections.abc import Iterator

import pytest
from flask import Flask

from endpoints.answers_csv import COLUMNS, seal, unsealed_csv
from endpoints.problems import Problem
from services.client_scores import Unscored
from tests.support.answers import answer


@pytest.fixture(autouse=True)
def context() -> Iterator[None]:
    app = Flask("test")
    app.secret_key = "k" * 32
    with app.app_context():
        yield


def lines(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_the_file_holds_every_answer_as_it_was() -> None:
    odd = answer("x", ltv=None, warnings=[{"message": "ltv is unknown"}])
    sealed = seal([answer(), odd, answer("held", None)], [Unscored("9", "unknown: no such id")])
    first, second, held, missing = lines(unsealed_csv(sealed))
    assert tuple(first) == COLUMNS
    assert (first["client_id"], first["prediction"], first["high_risk"]) == ("7590-VHVEG", "0.6312", "yes")
    assert (first["money_at_risk"], first["recent_times_id_seen"], first["arm"]) == ("896.62", "3", "champion")
    assert first["reasons"] == "Contract is Month-to-month: raises ×2.2"
    assert (second["ltv"], second["money_at_risk"], second["notes"]) == ("", "", "ltv is unknown")
    assert (held["prediction"], held["high_risk"], held["model"]) == ("", "", "")
    assert held["notes"] == "in the holdout: no score is shown"
    assert (missing["client_id"], missing["notes"]) == ("9", "unknown: no such id")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_text_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(start: str) -> None:
    client_id = f"{start}cmd|' /C calc'!A0"
    assert lines(unsealed_csv(seal([answer(client_id)], [])))[0]["client_id"] == f"'{client_id}"


def test_quotes_commas_and_breaks_stay_in_their_cell() -> None:
    client_id = 'a "quoted", id\nin two lines; 😀'
    assert lines(unsealed_csv(seal([answer(client_id)], [])))[0]["client_id"] == client_id


def test_only_what_the_service_sealed_becomes_a_file() -> None:
    sealed = seal([answer()], [])
    for forged in ("", "[]", sealed[:-1], sealed.replace(sealed[5], "_" if sealed[5] != "_" else "-", 1)):
        with pytest.raises(Problem) as caught:
            unsealed_csv(forged)
        assert caught.value.status == 422
