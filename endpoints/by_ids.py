"""The tab on which clients of the customer table are scored by their ids."""

from collections.abc import Mapping

from flask import g

from endpoints.answer_rows import order_named
from endpoints.client_ids import MOST_IDS, problem_with_ids, split_ids
from endpoints.edge import wiring
from endpoints.predict_view import View, facts, outcome
from endpoints.session_cookie import from_store
from services.client_scores import ClientScores, score_clients

REASONS = 3
RISKIEST = 10
NONE_YET = "No client has been scored yet, so none stands out: enter some ids first."


def unanswered_list(text: str) -> View:
    """The list as an address gave it."""
    ids = split_ids(text)[:MOST_IDS]
    return View(facts(wiring().snapshot()), "ids", ids_text="\n".join(ids))


def riskiest_list() -> View:
    """The clients with most money at risk, as the ledger knows them, to be scored afresh."""
    found = from_store(lambda: wiring().customers.riskiest(RISKIEST))
    text = "\n".join(row.client_id for row in found)
    return View(facts(wiring().snapshot()), "ids", ids_text=text, pick_note="" if found else NONE_YET)


def answered_list(form: Mapping[str, str]) -> View:
    """The list as it was posted, with the answers or with what is wrong."""
    text, order = form.get("ids", ""), order_named(form.get("order", ""))
    ids = split_ids(text)
    problem = problem_with_ids(ids)
    if problem:
        return View(facts(wiring().snapshot()), "ids", ids_text=text, order=order.name, problem=problem)
    found = from_store(lambda: _scores(ids))
    now = facts(wiring().snapshot())
    result = outcome(found.answers, found.unscored, order, now.cutoff)
    return View(now, "ids", ids_text=text, order=order.name, outcome=result)


def _scores(ids: list[str]) -> ClientScores:
    wired = wiring()
    serving = wired.snapshot().serving
    return score_clients(serving, wired.customers, wired.predictions, ids, REASONS, g.get("request_id"))
