"""The Predict page: clients by id, or a customer described in a form."""

from apiflask import APIBlueprint
from flask import Response, g, render_template, request
from flask.typing import ResponseReturnValue

from endpoints.answers_csv import unsealed_csv
from endpoints.by_ids import answered_list, riskiest_list, unanswered_list
from endpoints.predict_view import View
from endpoints.what_if import answered_form, unanswered_form

model_ui = APIBlueprint("model_ui", __name__, enable_openapi=False, url_prefix="/model_interface")


@model_ui.get("")
def page() -> ResponseReturnValue:
    """The page. `?ids=a,b` fills the list, so does `?pick=riskiest`; `?client=a` fills the form."""
    if request.args.get("view") == "what-if" or "client" in request.args:
        return _show(unanswered_form(request.args.get("client", "")))
    if request.args.get("pick") == "riskiest":
        return _show(riskiest_list())
    return _show(unanswered_list(request.args.get("ids", "")))


@model_ui.post("")
def by_ids() -> ResponseReturnValue:
    """Scores the clients whose ids were posted."""
    return _show(answered_list(request.form))


@model_ui.post("/what-if")
def what_if() -> ResponseReturnValue:
    """Scores the customer that the form describes; with `?part=score` for the line that follows what is typed."""
    view = answered_form(request.form)
    if request.args.get("part") == "score":
        g.partial = True
        return render_template("predict/score.html", view=view)
    return _show(view)


@model_ui.post("/answers.csv")
def answers_csv() -> ResponseReturnValue:
    """The answers that the page shows, as a file."""
    content = unsealed_csv(request.form.get("answers", ""))
    headers = {"Content-Disposition": 'attachment; filename="predictions.csv"'}
    return Response(content, headers=headers, content_type="text/csv; charset=utf-8")


@model_ui.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _show(view: View) -> ResponseReturnValue:
    """The whole page, or for a script the part that changes; 422 when what was posted is not usable."""
    g.partial = "HX-Request" in request.headers
    template = "predict/work.html" if g.partial else "predict/page.html"
    refused = request.method == "POST" and view.outcome is None
    return Response(render_template(template, view=view), 422 if refused else 200)
