"""How an endpoint reaches what the application was built with."""

from typing import Any, cast

import orjson
from flask import Flask, Response, current_app

from wiring import Wiring

_KEY = "holdfast"


def attach(app: Flask, wiring: Wiring) -> None:
    app.extensions[_KEY] = wiring


def attached(app: Flask) -> Wiring:
    return cast("Wiring", app.extensions[_KEY])


def wiring() -> Wiring:
    """The wiring of the application that handles this request."""
    return attached(current_app)


def json_response(data: Any, status: int = 200) -> Response:
    """`data` as JSON; datetimes as RFC 3339, NaN as null."""
    return Response(orjson.dumps(data), status, content_type="application/json")
