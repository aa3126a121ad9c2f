"""The one error that is meant for the person who called: it says what is wrong and what to do."""

from click import ClickException


class UserError(ClickException):
    """Something the caller can mend.

    `str(error)` names what is wrong and the fix; `field` names the offending field, where there is one.
    A command that raises it prints that one line to standard error and exits with 1.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
