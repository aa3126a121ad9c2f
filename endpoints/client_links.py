"""The address of a client's page, for any id that there can be."""

from flask import url_for


def client_address(client_id: str) -> str:
    """In the path where that comes back unchanged: browsers and proxies resolve `.` and `..` in a path, and merge
    slashes. Else in the query."""
    if any(part in {"", ".", ".."} for part in client_id.split("/")):
        return url_for("client_page.by_query", id=client_id)
    return url_for("client_page.by_path", client_id=client_id)
