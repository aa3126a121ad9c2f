"""Headers, hosts and proxies: what keeps a browser and a network in their place."""

from urllib.parse import urlsplit

from flask import Flask, abort, request
from flask_talisman import Talisman
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from app_settings import Settings

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_LOCAL_NAMES = ("localhost", "127.0.0.1")
_PROBES = ("/health", "/metrics")


def harden(app: Flask, settings: Settings) -> None:
    """TLS ends in front of the service, so nothing redirects to it here; HSTS goes out over it."""
    Talisman(
        app,
        force_https=False,
        content_security_policy=POLICY,
        content_security_policy_nonce_in=["script-src", "style-src"],
        referrer_policy="same-origin",
        session_cookie_secure=settings.environment != "local",
        frame_options="DENY",
    )
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    if settings.public_url:
        _accept_only(app, urlsplit(settings.public_url).netloc)


def _accept_only(app: Flask, host: str) -> None:
    """Probes come by the address of the pod, so their Host says nothing."""

    @app.before_request
    def refuse_other_hosts() -> None:
        if not request.path.startswith(_PROBES) and not host_is_trusted(_host(), [host, *_LOCAL_NAMES]):
            abort(400, "this Host is not served here")

    def _host() -> str:
        return str(request.environ.get("HTTP_HOST", ""))
