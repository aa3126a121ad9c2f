"""Which browser began to set up the second factor, by the signed cookie: no other session is shown the key."""

import hashlib

from flask import session

from data.users import User

_KEY = "second factor begun"


def remember(sealed: str) -> None:
    """The password was given in this browser, and so this secret was made."""
    session[_KEY] = _marked(sealed)


def is_here(user: User) -> bool:
    """Whether it was this browser that began, and no other has begun anew since."""
    return user.totp_secret is not None and session.get(_KEY) == _marked(user.totp_secret)


def _marked(sealed: str) -> str:
    return hashlib.sha256(sealed.encode()).hexdigest()
