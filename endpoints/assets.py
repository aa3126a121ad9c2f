"""Style sheets, scripts and fonts under an address that changes with their content, so browsers keep them."""

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, abort, request, url_for

FOLDER = Path(__file__).resolve().parent.parent / "static"
SQUEEZED = {".css", ".js", ".svg"}
FOREVER = "public, max-age=31536000, immutable"

assets = APIBlueprint("assets", __name__, enable_openapi=False)


def asset(name: str) -> str:
    """The address of a file in `static`, for templates."""
    return url_for("assets.file", digest=_digest(), name=name)


@assets.get("/assets/<digest>/<path:name>")
def file(digest: str, name: str) -> Response:
    """A file of `static`; for good under its present digest, shortly under one of an earlier release."""
    if name not in _names():
        abort(404)
    squeezed = Path(name).suffix in SQUEEZED and request.accept_encodings.quality("gzip") > 0
    response = Response(_content(name, squeezed), content_type=_type(name))
    response.headers["Cache-Control"] = FOREVER if digest == _digest() else "public, max-age=60"
    response.headers["Vary"] = "Accept-Encoding"
    if squeezed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _type(name: str) -> str:
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """The files that are served: what is not listed here cannot be asked for."""
    found = (path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file())
    return frozenset(str(path) for path in found if "vendor-src" not in path.parts)


@lru_cache(maxsize=256)
def _content(name: str, squeezed: bool) -> bytes:
    content = (FOLDER / name).read_bytes()
    return gzip.compress(content, mtime=0) if squeezed else content


@lru_cache(maxsize=1)
def _digest() -> str:
    """One for all files, so that what a style sheet names beside itself is kept as long as it is."""
    found = hashlib.sha256()
    for name in sorted(_names()):
        found.update(hashlib.sha256(name.encode() + b"\0" + _content(name, False)).digest())
    return found.hexdigest()[:16]
