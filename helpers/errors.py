"""The one error that is meant for the person who called: it says what is wrong and what to do."""


class UserError(Exception):
    """Something the caller can mend.

    `str(error)` names what is wrong and the fix; `field` names the offending field, where there is one.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
