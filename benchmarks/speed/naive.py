"""The way of a hurried afternoon: a data frame of one row and a scikit-learn pipeline for each request, in Flask."""

import os
from pathlib import Path

from flask import Flask, Response, jsonify, request

from benchmarks.cache_models import naive


def create_app() -> Flask:
    """Fitted to the `table.csv` in the folder that BENCH_TABLE names."""
    score = naive(Path(os.environ["BENCH_TABLE"]))
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> Response:
        body = request.get_json()
        return jsonify({"client_id": body["client_id"], "prediction": score(body)})

    return app
