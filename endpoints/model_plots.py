"""A picture of a model's folder: an image and nothing else, whatever somebody wrote into it."""

import gzip
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Response, request
from flask_talisman import Talisman

P = ParamSpec("P")
R = TypeVar("R")
POLICY = {
    "default-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "sandbox": "",
}
KEPT_SECONDS = 3_600


def sealed(view: Callable[P, R]) -> Callable[P, R]:
    """The view, whose answers may run nothing, load nothing, and have no origin."""
    Talisman()(content_security_policy=dict(POLICY))(view)
    return view


def picture(content: bytes, name: str) -> Response:
    """The SVG for an `<img>`; who opens its address gets a file."""
    squeezed = request.accept_encodings.quality("gzip") > 0
    response = Response(gzip.compress(content, mtime=0) if squeezed else content, content_type="image/svg+xml")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.svg"'
    response.headers["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if squeezed:
        response.headers["Content-Encoding"] = "gzip"
    return response
