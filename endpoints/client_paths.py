"""Client ids in addresses: they may hold slashes, also at their ends and in a row, and anything else printable."""

from flask import request
from flask.sansio.blueprints import BlueprintSetupState
from pydantic import TypeAdapter, ValidationError
from werkzeug.routing import PathConverter

from endpoints.problems import field_problem
from services.client_id import ClientId

_ID: TypeAdapter[str] = TypeAdapter(ClientId)


class AnyText(PathConverter):
    """All that is left of the address, where Werkzeug's own `path` takes no leading slash and no line end."""

    part_isolating = False
    regex = r"[\s\S]+?"


def take_any_text(state: BlueprintSetupState) -> None:
    """For `record_once`, before the routes: these may say `<any_text:client_id>` from here on."""
    state.app.url_map.converters["any_text"] = AnyText


def checked_client_id(found: str) -> str:
    """The client id of the address. Raises Problem 422 naming `client_id`."""
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()
        return _ID.validate_python(found)
    except UnicodeDecodeError:
        raise field_problem("client_id", "must be UTF-8, each byte that is not plain spelled as %XX") from None
    except ValidationError as error:
        raise field_problem("client_id", error.errors()[0]["msg"]) from None
