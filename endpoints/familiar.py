"""A browser that signed in to an account before carries a sealed note of it: guessers elsewhere have none."""

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "holdfast-familiar"
DAYS = 90
_SECONDS = DAYS * 24 * 3600


def familiar_with(username: str) -> bool:
    """Whether this browser signed in as `username` in the last 90 days."""
    try:
        return bool(_seal().loads(_name_and_value()[1], max_age=_SECONDS) == username)
    except BadSignature:
        return False


def become_familiar(response: Response, username: str) -> None:
    response.set_cookie(
        _name_and_value()[0],
        _seal().dumps(username),
        max_age=_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _name_and_value() -> tuple[str, str]:
    name = f"__Host-{COOKIE}" if request.is_secure else COOKIE
    return name, request.cookies.get(name, "")


def _seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="familiar browser")
