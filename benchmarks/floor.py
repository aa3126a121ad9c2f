"""The least that a Flask endpoint does: read JSON, answer JSON."""

from flask import Flask, Response, jsonify, request


def create_app() -> Flask:
    app = Flask(__name__)

    @app.post("/predict")
    def predict() -> Response:
        body = request.get_json()
        return jsonify({"client_id": body["client_id"], "prediction": 0.5})

    return app
