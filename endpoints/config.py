"""/config-refresh: this process rereads the config now, and the fleet is told to."""

from apiflask import APIBlueprint
from flask import Response, request

from endpoints.edge import json_response, wiring
from endpoints.tokens import body_with_token, require_token
from services.config.refresh import refresh_fleet

config = APIBlueprint("config", __name__, tag="Config")


@config.route("/config-refresh", methods=["GET", "POST"])
@config.doc(operation_id="config_refresh")
def config_refresh() -> Response:
    """Reread the config table here and make every other process do so at its next request."""
    if request.method == "POST" and request.content_length:
        body_with_token("config:write")
    else:
        require_token("config:write")
    return json_response(refresh_fleet(wiring().live, wiring().announce).as_dict())
