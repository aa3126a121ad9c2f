"""Liveness, readiness and start-up. Liveness asks nothing of any other service."""

from apiflask import APIBlueprint
from flask import Response

from endpoints.edge import json_response, wiring
from services.readiness import readiness

health = APIBlueprint("health", __name__, tag="Health")


@health.get("/health")
@health.doc(operation_id="health")
def alive() -> Response:
    """Whether this process answers at all."""
    return json_response({"status": "alive"})


@health.get("/health/ready")
@health.doc(operation_id="ready")
def ready() -> Response:
    """Whether this process can predict and can record what it answers; says what is degraded."""
    wiring().redis_guard.call(wiring().redis.ping, default=False)  # without traffic nobody else would notice
    state = readiness(wiring().live, wiring().has_room(), wiring().degraded(), wiring().draining)
    return json_response(state.as_dict(), 200 if state.ready else 503)


@health.get("/health/startup")
@health.doc(operation_id="startup")
def startup() -> Response:
    """Whether models are loaded and caches warmed."""
    started = wiring().live.ready
    return json_response({"status": "started" if started else "starting"}, 200 if started else 503)
