"""One client: scores over time, reasons, arms, actions and outcomes."""

from apiflask import APIBlueprint
from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from endpoints.client_ids import problem_with_id
from endpoints.client_links import client_address
from endpoints.client_view import client_view
from endpoints.edge import wiring
from endpoints.experiments_wording import arm_name
from endpoints.session_cookie import from_store
from endpoints.wording import label
from services.client_story import story

client_page = APIBlueprint("client_page", __name__, enable_openapi=False, url_prefix="/clients")
client_page.add_app_template_global(client_address)
for _words in (arm_name, label):
    client_page.add_app_template_filter(_words)


@client_page.get("")
def by_query() -> ResponseReturnValue:
    """The client of `?id=`: what the search asks for, and ids that no path can carry."""
    return _page(request.args.get("id", ""))


@client_page.get("/<path:client_id>")
def by_path(client_id: str) -> ResponseReturnValue:
    return _page(client_id)


@client_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(client_id: str) -> ResponseReturnValue:
    """404, with a way on, for an id that nothing is known of."""
    wired = wiring()
    snapshot = wired.snapshot()
    problem = problem_with_id(client_id)
    if not problem:
        found = from_store(lambda: story(wired.engine, wired.clock, wired.registry, snapshot, client_id))
        if found.known:
            return render_template("client/page.html", view=client_view(found))
    page = render_template("client/missing.html", client_id=client_id, problem=problem if client_id else "")
    return Response(page, 404 if client_id else 200)
