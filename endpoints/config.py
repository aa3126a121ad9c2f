"""/config-refresh: this process rereads the config now, and the fleet is told to."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from endpoints.edge import json_response, wiring
from endpoints.problems import field_problem
from endpoints.tokens import body_with_token, require_token
from services.config.refresh import refresh_fleet

config = APIBlueprint("config", __name__, tag="Config")


@config.route("/config-refresh", methods=["GET", "POST"])
@config.doc(operation_id="config_refresh")
def config_refresh() -> Response:
    """Reread the config table here and make every other process do so at its next request."""
    if request.method == "POST" and (request.content_length or "Transfer-Encoding" in request.headers):
        _refuse_fields(body_with_token("config:write"))
    else:
        require_token("config:write")
    return json_response(refresh_fleet(wiring().live, wiring().announce).as_dict())


def _refuse_fields(body: Mapping[str, Any]) -> None:
    for name in body:
        raise field_problem(name, "unknown field; nothing but the token may come with this call")
