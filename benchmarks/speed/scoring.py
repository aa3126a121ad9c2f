"""A FastAPI endpoint, as it is written by hand, that checks a customer, scores it by ONNX, and does nothing else."""

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import create_model

from modeling.artifacts import GRAPH, SCHEMA
from modeling.encoding import Encoder
from modeling.runtimes.onnx import INPUT, PROBABILITY, open_session
from modeling.schema import TableSchema

TYPES = {"number": float, "boolean": bool, "category": str, "date": str}


def create_app() -> FastAPI:
    """Of the model in the folder that BENCH_MODEL names."""
    folder = Path(os.environ["BENCH_MODEL"])
    schema = TableSchema.from_json((folder / SCHEMA).read_bytes())
    session = open_session((folder / GRAPH).read_bytes(), folder.name, len(schema.features))
    encoder = Encoder(schema)
    fields: dict[str, Any] = {feature.name: (TYPES[feature.kind] | None, None) for feature in schema.features}
    customer = create_model("Customer", client_id=(str, ...), **fields)
    app = FastAPI()

    @app.post("/predict")
    async def predict(body: customer) -> dict[str, Any]:
        given = body.__dict__
        found = session.run((PROBABILITY,), {INPUT: encoder.encode(given)[None]})[0]
        return {"client_id": given["client_id"], "prediction": float(found[0])}

    return app
