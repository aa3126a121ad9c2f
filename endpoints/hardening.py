"""Headers, hosts and proxies: what keeps a browser and a network in their place."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
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


@dataclass(frozen=True, slots=True)
class Hardening:
    """What an answer must carry that is made without Flask, and which requests may have one."""

    plain_headers: list[tuple[str, str]]
    secure_headers: list[tuple[str, str]]
    public_host: str

    def headers(self, environ: Mapping[str, Any]) -> list[tuple[str, str]]:
        """With HSTS where the caller speaks TLS, as Talisman sees it."""
        secure = environ["wsgi.url_scheme"] == "https" or environ.get("HTTP_X_FORWARDED_PROTO") == "https"
        return self.secure_headers if secure else self.plain_headers

    def serves(self, environ: Mapping[str, Any]) -> bool:
        """Any Host, unless there is a public one. Probes come by the address of the pod, so their Host says nothing."""
        if not self.public_host or environ["PATH_INFO"].startswith(_PROBES):
            return True
        return host_is_trusted(environ.get("HTTP_HOST", ""), [self.public_host, *_LOCAL_NAMES])


def harden(app: Flask, settings: Settings) -> Hardening:
    """TLS ends in front of the service, so nothing redirects to it here; HSTS goes out over it."""
    talisman = Talisman(
        app,
        force_https=False,
        content_security_policy=POLICY,
        content_security_policy_nonce_in=["script-src", "style-src"],
        referrer_policy="same-origin",
        session_cookie_secure=settings.environment != "local",
        frame_options="DENY",
    )
    plain, secure = (_added(app, talisman, scheme) for scheme in ("http", "https"))
    hardening = Hardening(plain, secure, urlsplit(settings.public_url).netloc)
    app.before_request(partial(_refuse_other_hosts, hardening))
    return hardening


def trust_proxies(app: Flask, settings: Settings) -> None:
    """The outermost layer: the others see the addresses that the proxies tell of."""
    count = settings.trusted_proxies
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


def _added(app: Flask, talisman: Talisman, scheme: str) -> list[tuple[str, str]]:
    """The headers that Talisman adds to an answer of the API."""
    with app.test_request_context(base_url=f"{scheme}://localhost"):
        bare = Response()
        bare.headers.clear()
        return list(talisman._set_response_headers(bare).headers)


def _refuse_other_hosts(hardening: Hardening) -> None:
    if not hardening.serves(request.environ):
        abort(400, "this Host is not served here")
