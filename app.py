"""The web application. gunicorn serves `app:create_app()`; `flask --app app …` gives the commands."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported anywhere

from apiflask import APIFlask

from app_settings import Settings, load_settings
from endpoints.accounts import accounts
from endpoints.config import config
from endpoints.edge import attach
from endpoints.errors import register_errors
from endpoints.hardening import harden
from endpoints.health import health
from endpoints.metadata import metadata
from endpoints.model_ui import model_ui
from endpoints.observing import observe
from endpoints.openapi import describe
from endpoints.predict import predict
from helpers.logs import configure_logging
from jobs.commands import COMMANDS
from wiring import Wiring, build_wiring

API = (predict, config, health, metadata)
PAGES = (accounts, model_ui)


def create_app(settings: Settings | None = None, wiring: Wiring | None = None) -> APIFlask:
    """The application, built from the environment unless settings or a wiring are given.

    Raises UserError when a setting is missing or not usable.
    """
    settings = settings or (wiring.settings if wiring else load_settings())
    configure_logging()
    app = APIFlask("holdfast", root_path=os.path.dirname(__file__), spec_path=None, docs_path=None, json_errors=False)
    app.config.update(SECRET_KEY=settings.secret_key.get_secret_value(), MAX_CONTENT_LENGTH=settings.max_body_bytes)
    attach(app, wiring or build_wiring(settings))
    observe(app)
    harden(app, settings)
    describe(app)
    register_errors(app)
    for blueprint in (*API, *PAGES):
        app.register_blueprint(blueprint)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app
