"""What is in service, described for people and for programs."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, render_template

from endpoints.edge import json_response, wiring
from endpoints.openapi import document
from endpoints.tokens import require_metrics_token
from experiments.plan import CHAMPION
from services.snapshot import Snapshot

metadata = APIBlueprint("metadata", __name__, tag="Metadata")
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@metadata.get("/metadata")
@metadata.doc(operation_id="metadata")
def models_in_service() -> Response:
    """The models in service, each with its schemas."""
    return json_response(_describe(wiring().snapshot()))


@metadata.get("/metrics")
@metadata.doc(operation_id="metrics")
def metrics() -> Response:
    """The counters of all processes, for Prometheus."""
    require_metrics_token()
    return Response(wiring().metrics.exposition(), content_type=EXPOSITION)


@metadata.get("/openapi.json")
@metadata.doc(operation_id="openapi")
def openapi() -> Response:
    """This description, with the schema of the models now in service."""
    return json_response(document(current_app))


@metadata.get("/docs")
@metadata.doc(hide=True)
def docs() -> str:
    """The same description as a page to try calls on."""
    return render_template("docs.html")


def _describe(snapshot: Snapshot) -> dict[str, Any]:
    serving = snapshot.serving
    shares = snapshot.config.experiment.arms
    models = [
        {
            "name": loaded.card.name,
            "version": loaded.card.version,
            "display_name": loaded.model.display_name,
            "description": loaded.model.description,
            "serves_as": name,
            "share": shares.get(name, 0.0),
            "shadow": name in snapshot.config.shadow,
            "deterministic": loaded.model.deterministic,
            "metrics": loaded.card.model_dump()["metrics"],
            "input_schema": loaded.model.input_schema.model_json_schema(),
            "output_schema": loaded.model.output_schema.model_json_schema(),
        }
        for name, loaded in serving.models.items()
    ]
    return {
        "config_revision": snapshot.revision,
        "champion": serving.models[CHAMPION].ref,
        "experiment": snapshot.config.experiment.name,
        "id": serving.schema.id,
        "target": serving.schema.target,
        "models": models,
    }
