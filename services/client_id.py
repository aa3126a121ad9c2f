"""What may be a client's id, wherever one is given."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

LONGEST_ID = 190
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


def _quoted(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError('must be text: put it in quotes, as in "42"')
    return value


ClientId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_ID,
        pattern=PRINTABLE,
        description="The customer's id: any text without control characters; upper and lower case differ.",
        examples=["7590-VHVEG"],
    ),
    BeforeValidator(_quoted),  # after the Field, or its pattern is missing from the JSON schema
]
