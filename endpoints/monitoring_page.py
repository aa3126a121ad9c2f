"""How the service does, for whoever looks after it."""

from typing import cast, get_args

from apiflask import APIBlueprint
from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from endpoints.csv_cells import MARK, csv_lines
from endpoints.edge import wiring
from endpoints.monitoring_figures_view import inputs_view, truth_view
from endpoints.monitoring_files import FILES
from endpoints.monitoring_view import live_view
from endpoints.session_cookie import from_store
from services.monitoring.traffic import Span

monitoring_page = APIBlueprint("monitoring_page", __name__, enable_openapi=False, url_prefix="/monitoring")


@monitoring_page.get("")
def page() -> ResponseReturnValue:
    """The page; with `?part=live` or `?part=figures` that part alone, as the page asks for it by itself."""
    monitor, part = wiring().monitor, request.args.get("part")
    if part == "figures":
        return render_template("monitoring/figures.html", figures=_figures())
    live = live_view(from_store(lambda: monitor.live(_span())))
    if part == "live":
        return render_template("monitoring/live.html", view=live)
    return render_template("monitoring/page.html", view=live, figures=_figures())


@monitoring_page.get("/<name>.csv")
def file(name: str) -> Response:
    """The numbers behind a chart."""
    if name not in FILES:
        abort(404)
    columns, rows = from_store(lambda: FILES[name](wiring().monitor, _span()))
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(MARK + "".join(csv_lines(columns, rows)), headers=headers, content_type="text/csv; charset=utf-8")


@monitoring_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _figures() -> dict[str, object]:
    monitor, now = wiring().monitor, wiring().clock.now()
    return {"inputs": inputs_view(monitor.inputs(), now), "truth": truth_view(monitor.truth(), now)}


def _span() -> Span:
    """The last day, unless another span is asked for."""
    given = request.args.get("span")
    return cast("Span", given) if given in get_args(Span) else "day"
