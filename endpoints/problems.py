"""Errors as RFC 9457 problem documents: they name the field and the fix and never carry a score."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, g
from pydantic import ValidationError

from helpers.any_json import any_json
from helpers.field_errors import field_errors, in_one_line

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Raised anywhere at the edge; answered as a problem document.

    `errors` is a list of {"field", "message"}; the first one's field is repeated as `field`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The problem as JSON types."""
        found: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            found |= {"field": self.errors[0]["field"], "errors": self.errors}
        return found

    def response(self) -> Response:
        body = any_json({**self.document(), "request_id": g.get("request_id")})
        return Response(body, self.status, self.headers, content_type=MEDIA_TYPE)


def field_problem(field: str, message: str, status: int = 422) -> Problem:
    """A problem with one field."""
    return Problem(status, f"{field}: {message}", [{"field": field, "message": message}])


def validation_problem(error: ValidationError, prefix: str = "") -> Problem:
    """The 422 for a body that its pydantic model refuses, naming every field at fault."""
    errors = field_errors(error, prefix)
    return Problem(422, in_one_line(errors), errors)
