"""The models: every version, one of them in words, two beside each other; and the drafts that put them to use."""

from collections.abc import Mapping

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from endpoints.edge import wiring
from endpoints.entered import Entered, entered
from endpoints.model_card_view import NOTHING, OPTIONS, card_view, cutoff_words
from endpoints.model_plots import picture, sealed
from endpoints.models_reading import champion_card, compared, config_in_force, models, one
from endpoints.models_view import list_view
from endpoints.problems import Problem
from endpoints.session_cookie import from_store, visitor
from helpers.errors import UserError
from modeling.artifacts import ModelRefused
from services.config.model import ConfigRefused
from services.model_duties import duties, values_for
from services.models import UnknownModel

LONGEST_NUMBER = 18
NO_SUCH = "there is no such picture, or it is not the file that was written"

models_page = APIBlueprint("models_page", __name__, enable_openapi=False, url_prefix="/models")
models_page.add_app_template_filter(cutoff_words)


@models_page.get("")
def page() -> ResponseReturnValue:
    """The newest; `?before=` leads on to older ones."""
    before = request.args.get("before", "")
    number = int(before) if before.isdecimal() and len(before) <= LONGEST_NUMBER else None
    found = from_store(lambda: models().newest(number))
    references = from_store(lambda: models().references())
    view = list_view(found, config_in_force(), champion_card(), references)
    return render_template("models/page.html", view=view)


@models_page.get("/compare")
def compare() -> ResponseReturnValue:
    view = compared(request.args.get("a", ""), request.args.get("b", ""))
    return render_template("models/compare.html", view=view), 422 if view.errors else 200


@models_page.get("/<name>/<version>")
def card(name: str, version: str) -> ResponseReturnValue:
    return _card(f"{name}@{version}", NOTHING)


@models_page.post("/<name>/<version>")
def use(name: str, version: str) -> ResponseReturnValue:
    """Drafts the change that puts the model to use; where it goes from there is up to the Config page."""
    ref = f"{name}@{version}"
    one(ref)
    given = entered(request.form, ["use", "reason"])
    if given.refused:
        return _card(ref, given), 422
    try:
        change = from_store(lambda: _drafted(ref, given.texts))
    except UserError as error:
        return _card(ref, _refused(given, error)), 422
    return redirect(f"/config/changes/{change}", 303)


@models_page.get("/<name>/<version>/plots/<plot>.svg")
@sealed
def plot_file(name: str, version: str, plot: str) -> Response:
    try:
        content = from_store(lambda: models().plot(f"{name}@{version}", plot))
    except (ModelRefused, UnknownModel) as error:
        raise Problem(404, NO_SUCH) from error
    return picture(content, plot)


@models_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _card(ref: str, given: Entered) -> str:
    known = one(ref)
    view = card_view(known, models().condition(known), duties(config_in_force(), ref), champion_card(), given)
    return render_template("models/card.html", view=view)


def _drafted(ref: str, form: Mapping[str, str]) -> int:
    """The number of the new change."""
    wanted = next((option.use for option in OPTIONS if option.use == form["use"]), None)
    if wanted is None:
        raise UserError("choose one of what the model can be used for", "use")
    changes, person = wiring().config_changes, visitor()
    values = values_for(changes.current().values, ref, wanted)
    return changes.draft(values, person.username if person else "", form["reason"]).id


def _refused(given: Entered, error: UserError) -> Entered:
    """Keys of the config are no fields of this form: what is wrong with them is wrong with the choice."""
    if isinstance(error, ConfigRefused) or error.field not in given.texts:
        return given.refused_by(UserError(str(error), "use"))
    return given.refused_by(error)
