"""The web application. gunicorn serves `app:create_app()`; `flask --app app …` gives the commands."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported anywhere

from apiflask import APIFlask

from app_settings import Settings, load_settings
from endpoints.apis import TOKEN_ONLY
from endpoints.edge import attach
from endpoints.errors import register_errors
from endpoints.hardening import harden, trust_proxies
from endpoints.observing import observe
from endpoints.openapi import describe
from endpoints.pages import serve_pages
from endpoints.quick_predict import quicken
from helpers.logs import configure_logging
from helpers.memory import share_one_heap
from jobs.commands import Commands
from wiring import Wiring, build_wiring


def create_app(settings: Settings | None = None, wiring: Wiring | None = None) -> APIFlask:
    """The application, built from the environment unless settings or a wiring are given.

    Raises UserError when a setting is missing or not usable.
    """
    settings = settings or (wiring.settings if wiring else load_settings())
    configure_logging()
    share_one_heap()
    app = APIFlask(__name__, title="Holdfast", spec_path=None, docs_path=None, json_errors=False, static_folder=None)  # type: ignore[arg-type]
    app.config["SECRET_KEY"] = settings.secret_key.get_secret_value()
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    attach(app, wiring or build_wiring(settings))
    observe(app)
    quicken(app, harden(app, settings))
    trust_proxies(app, settings)
    describe(app)
    register_errors(app)
    serve_pages(app, settings, token_only=TOKEN_ONLY)
    app.cli = Commands()
    return app
