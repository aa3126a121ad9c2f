"""The tab on which a customer is described in a form, and scored without being recorded."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from endpoints import form_values
from endpoints.answer_rows import order_named
from endpoints.client_ids import problem_with_id
from endpoints.edge import wiring
from endpoints.predict_view import View, facts, outcome
from endpoints.schema_form import fields as fields_of
from endpoints.session_cookie import from_store
from endpoints.wording import label
from services.answers import Question
from services.client_scores import known_values
from services.snapshot import Serving

REASONS = 8
NOBODY = "what-if"


def unanswered_form(client_id: str) -> View:
    """The form with a typical customer, or with what the table holds of `client_id`."""
    snapshot = wiring().snapshot()
    schema = snapshot.serving.schema
    values, problem = form_values.typical(schema), ""
    if client_id:
        found = from_store(lambda: wiring().customers.find([client_id])).get(client_id)
        values |= known_values(schema, found or {})
        problem = "" if found else f"The customer table has no client “{client_id}”: this is a typical customer."
    fields = fields_of(schema, form_values.as_texts(values), {})
    return View(facts(snapshot), "what-if", client_id=client_id or NOBODY, fields=fields, problem=problem)


def answered_form(form: Mapping[str, str]) -> View:
    """The form as it was posted, with the answer or with what is wrong beside the fields."""
    snapshot = wiring().snapshot()
    schema = snapshot.serving.schema
    client_id, texts = form.get("client_id", "").strip(), form_values.posted_texts(schema, form)
    data, errors = _checked(snapshot.serving, form_values.typed_values(schema, texts))
    wrong_id = problem_with_id(client_id)
    fields = fields_of(schema, texts, errors)
    if data is None or wrong_id:
        named = [*(["client id"] if wrong_id else []), *(label(name) for name in errors)]
        problem = f"Nothing was scored yet. Look again at: {', '.join(named)}."
        error = f"Not usable: {wrong_id}." if wrong_id else ""
        return View(
            facts(snapshot), "what-if", client_id=client_id, client_id_error=error, fields=fields, problem=problem
        )
    answer = wiring().predictions.try_out(Question(client_id, data, REASONS))
    now = facts(wiring().snapshot())
    result = outcome([answer], [], order_named("entered"), now.cutoff)
    return View(now, "what-if", client_id=client_id, fields=fields, outcome=result)


def _checked(serving: Serving, values: Mapping[str, Any]) -> tuple[BaseModel | None, dict[str, str]]:
    """The values as the input model, or what is wrong by feature."""
    try:
        return serving.input_model.model_validate(values), {}
    except ValidationError as error:
        return None, form_values.messages(serving.schema, error.errors())
