"""What the pages for people share: form tokens, templates, style, and the limits on signing in."""

from dataclasses import dataclass

from flask import Blueprint, Flask, Response, g, request
from flask_wtf import CSRFProtect

from app_settings import Settings
from endpoints.account_page import account_page
from endpoints.accounts import accounts
from endpoints.assets import asset, assets
from endpoints.call_list_page import call_list_page
from endpoints.client_page import client_page
from endpoints.config_page import config_page
from endpoints.experiments_page import experiments_page
from endpoints.model_ui import model_ui
from endpoints.models_page import models_page
from endpoints.monitoring_page import monitoring_page
from endpoints.roles import guard, may, may_read
from endpoints.scoring_page import scoring_page
from endpoints.sign_in_limits import limit_sign_ins
from endpoints.squeezing import squeeze
from endpoints.suggestions_page import suggestions_page
from endpoints.team_page import team_page
from endpoints.today_page import today_page
from endpoints.tokens_page import tokens_page
from endpoints.wording import money, percent
from services.sign_in import IDLE


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation."""

    endpoint: str
    label: str


PAGES = (
    Page("today_page.page", "Today"),
    Page("call_list_page.page", "Call list"),
    Page("client_page.by_query", "Clients"),
    Page("model_ui.page", "Predict"),
    Page("experiments_page.page", "Experiments"),
    Page("models_page.page", "Models"),
    Page("config_page.page", "Config"),
    Page("monitoring_page.page", "Monitoring"),
    Page("team_page.page", "Team"),
)
OPEN = (assets, accounts)
PAGE_BLUEPRINTS = (
    today_page,
    model_ui,
    scoring_page,
    call_list_page,
    suggestions_page,
    client_page,
    experiments_page,
    models_page,
    config_page,
    monitoring_page,
    team_page,
    tokens_page,
    account_page,
)


def serve_pages(app: Flask, settings: Settings, token_only: tuple[Blueprint, ...]) -> None:
    """Registers the pages. Every form needs its token, except under the `token_only` blueprints, which
    answer to an access token and never to a cookie."""
    local = settings.environment == "local"
    app.config["SESSION_COOKIE_NAME"] = "holdfast-form" if local else "__Host-holdfast-form"
    app.config["WTF_CSRF_TIME_LIMIT"] = int(IDLE.total_seconds())
    open_to_all = (*token_only, *OPEN)
    guard(app, [each.name for each in open_to_all], [each.name for each in PAGE_BLUEPRINTS])
    csrf = CSRFProtect(app)  # after the roles: who is not signed in is sent to the sign-in page, not told of tokens
    for blueprint in token_only:
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    for blueprint in (*OPEN, *PAGE_BLUEPRINTS):
        app.register_blueprint(blueprint)
    limit_sign_ins(app, settings.redis_address())
    app.add_template_filter(percent)
    app.add_template_filter(money)
    app.context_processor(_shared)
    app.after_request(_whole_page_on_error)
    app.after_request(squeeze)


def _shared() -> dict[str, object]:
    """Asks no store: an error page must not fail over what made the error."""
    pages = [page for page in PAGES if may_read(page.endpoint)]
    return {"asset": asset, "pages": pages, "current_user": g.get("visitor"), "may": may}


def _whole_page_on_error(response: Response) -> Response:
    """An error that comes in answer to a part of a page takes the page's place."""
    if "HX-Request" in request.headers and response.status_code >= 400 and not g.get("partial"):
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    return response
