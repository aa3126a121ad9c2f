"""How often a password or a code may be tried, over all web processes, so that it cannot be guessed.

At most 10 passwords are tried for one account in 15 minutes: 6 from browsers that never signed in to it (no
more than 4 of them from one address) and 4 from browsers that did. A guesser can use up the 6, not the 4: the
owner's own browser still gets in. Names that nobody has are counted alike, so they answer alike.
Codes of the second factor are counted alike, apart from passwords; so are passwords that are asked for again.
While Redis is away each web process counts for itself.
"""

import hashlib
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog
from flask import Flask, current_app, g, request
from flask_limiter import Limiter
from limits import parse
from redis import RedisError

from data.redis_client import build_redis
from endpoints.familiar import familiar_with
from endpoints.half_signed_in import pending
from services.sign_in import spell_name

log = structlog.get_logger()
TOO_MANY = "Too many tries. Wait 15 minutes, or use a browser that signed in to this account before."
WAIT_SECONDS = "900"
VIEWS = ("accounts.sign_in", "accounts.finish", "account_page.password", "account_page.second_factor")
PER_ADDRESS = "40 per 15 minutes"
PER_STRANGER = "4 per 15 minutes"
BY_STRANGERS = "6 per 15 minutes"
BY_FAMILIARS = "4 per 15 minutes"
_FORGIVEN = (parse(PER_STRANGER), parse(BY_FAMILIARS))
_KEY = "sign-in limiter"


def limit_sign_ins(app: Flask, redis_url: str) -> None:
    """Puts the limits around the views that take passwords and codes."""
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": build_redis(redis_url).connection_pool}
    limiter = Limiter(
        _network, app=app, strategy="moving-window", in_memory_fallback_enabled=True, key_prefix="sign-in"
    )
    limiter.request_filter(_elsewhere)
    for name in VIEWS:
        app.view_functions[name] = _limited(limiter, app.view_functions[name])
    app.extensions[_KEY] = limiter


def _limited(limiter: Limiter, view: Any) -> Any:
    """Counted in this order, and only as far as the first that is full: one address cannot use up an account."""
    view = limiter.limit(PER_ADDRESS)(view)
    view = limiter.limit(PER_STRANGER, key_func=_account_and_network, exempt_when=_familiar)(view)
    view = limiter.limit(BY_STRANGERS, key_func=_account, exempt_when=_familiar)(view)
    return limiter.limit(BY_FAMILIARS, key_func=_familiar_account, exempt_when=_unfamiliar)(view)


def forgive() -> None:
    """After the right password: the slips of this browser no longer count. The counts of the account and of
    the address stay, or a guesser could sign in to an account of his own between two guesses."""
    limiter: Limiter = current_app.extensions[_KEY]
    try:
        for each in limiter.current_limits:
            if each.limit in _FORGIVEN:
                limiter.limiter.clear(each.limit, *each.request_args)
    except RedisError as error:
        log.warning("sign_in_limits_not_cleared", reason=type(error).__name__)


def _elsewhere() -> bool:
    return request.endpoint not in VIEWS


def _network() -> str:
    """The address; of version 6 the /64, since one customer of a provider has all of it."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(int(address) >> 64) if isinstance(address, IPv6Address) else str(address)


def _name() -> str:
    """Whose password or code it is: of who is signed in, of who gave the password, or of the name in the form."""
    if request.endpoint == "accounts.sign_in":
        return spell_name(request.form.get("username", ""))
    known = pending() if request.endpoint == "accounts.finish" else g.get("visitor")
    return str(known.username) if known else ""


def _account() -> str:
    name = _name()
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _account_and_network() -> str:
    return f"{_account()}:{_network()}"


def _familiar_account() -> str:
    return f"familiar:{_account()}"


def _familiar() -> bool:
    return familiar_with(_name())


def _unfamiliar() -> bool:
    return not _familiar()
