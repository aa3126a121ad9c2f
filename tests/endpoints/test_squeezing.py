"""Pages compressed on their way: the same page, for those who take it, and never an answer to a post."""

import gzip

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.visitor import Visitor


def ask(app: Flask, method: str, encodings: str, path: str = "/login") -> TestResponse:
    return Visitor(app).client.open(path, method=method, headers={"Accept-Encoding": encodings, "Accept": "text/html"})


def test_a_page_is_the_same_page_in_fewer_bytes(app: Flask) -> None:
    plain, squeezed = ask(app, "GET", "identity"), ask(app, "GET", "br, gzip;q=0.8")
    assert "Content-Encoding" not in plain.headers
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert squeezed.content_length == len(squeezed.data) < len(plain.data) / 1.5
    found = gzip.decompress(squeezed.data).decode()
    assert [line for line in found.splitlines() if "csrf" not in line] == [
        line for line in plain.get_data(as_text=True).splitlines() if "csrf" not in line
    ]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in squeezed.headers["Vary"]


def test_nothing_else_is_compressed(app: Flask) -> None:
    assert "Content-Encoding" not in ask(app, "POST", "gzip").headers
    assert "Content-Encoding" not in ask(app, "GET", "gzip", "/openapi.json").headers
    assert "Content-Encoding" not in ask(app, "GET", "gzip;q=0").headers
