"""The least that a Flask endpoint does: read JSON, answer JSON."""

from flask import Flask, Response, jsonify, request

from app_settings import load_settings
from helpers.metrics import Metrics


class Bare:
    """What `gunicorn.conf.py` and the worker ask of an application, which here has nothing to start or stop."""

    def __init__(self) -> None:
        self.settings = load_settings()
        self.metrics = Metrics()
        self.draining = False

    def ensure_started(self) -> None:
        """There is nothing to start."""

    def stop(self) -> None:
        """There is nothing to stop."""


def create_app() -> Flask:
    app = Flask(__name__)
    app.extensions["holdfast"] = Bare()

    @app.post("/predict")
    def predict() -> Response:
        body = request.get_json()
        return jsonify({"client_id": body["client_id"], "prediction": 0.5})

    return app
