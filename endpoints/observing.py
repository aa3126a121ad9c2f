"""Every request: its id, its time, its count, its log line."""

import re
import time

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from endpoints.edge import wiring
from helpers.ids import new_id

log = structlog.get_logger()
HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/health/ready", "/health/startup", "/metrics"})


def observe(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    wiring().ensure_started()
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SANE.fullmatch(given) else new_id()
    g.started = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else "unknown"
    metrics = wiring().metrics
    # Anybody can send any word as a method, and each label is kept for ever.
    method = request.method if request.method in _METHODS else "other"
    metrics.requests.labels(method, route, str(response.status_code)).inc()
    metrics.request_seconds.labels(route).observe(seconds)
    response.headers[HEADER] = g.request_id
    if request.path not in _QUIET:
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 2),
        )
    return response
