"""Every request: its id, its time, its count, its log line."""

import re
import time

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from endpoints.edge import wiring
from helpers.ids import new_id
from helpers.metrics import Metrics

log = structlog.get_logger()
HEADER = "X-Request-ID"
STARTED = "holdfast.started"
"""Where in the environ `time.perf_counter()` stands of a request that began before the application got it."""
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/health/ready", "/health/startup", "/metrics"})


def observe(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def request_id_of(given: str) -> str:
    """The id that the caller gave the request, or a new one."""
    return given if _SANE.fullmatch(given) else new_id()


def note(metrics: Metrics, method: str, route: str, status: int, seconds: float) -> None:
    """Counts an answered request, and writes its line in the log."""
    # Anybody can send any word as a method, and each label is kept for ever.
    metrics.requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
    metrics.request_seconds.labels(route).observe(seconds)
    if route not in _QUIET:
        log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 2))


def _begin() -> None:
    wiring().ensure_started()
    g.request_id = request_id_of(request.headers.get(HEADER, ""))
    g.started = request.environ.get(STARTED) or time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else "unknown"
    note(wiring().metrics, request.method, route, response.status_code, seconds)
    response.headers[HEADER] = g.request_id
    return response
