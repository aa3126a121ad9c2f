"""Who gave the right password and still has to give a code: noted in the signed cookie, which opens nothing."""

from datetime import datetime

from flask import session

from services.sign_in import CodeNeeded

_KEY = "code needed"


def remember(needed: CodeNeeded) -> None:
    session[_KEY] = [needed.user_id, needed.username, needed.since.isoformat()]


def pending() -> CodeNeeded | None:
    """What `remember` was told last by this browser."""
    noted = session.get(_KEY)
    if not noted:
        return None
    user_id, username, since = noted
    return CodeNeeded(user_id, username, datetime.fromisoformat(since))


def forget() -> None:
    session.pop(_KEY, None)
