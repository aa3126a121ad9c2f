"""A browser without a window: keeps cookies, sends the form tokens of the pages that it read."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "the tide goes out twice a day"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """`address`: where it comes from; `scheme`: https as through a proxy that ends TLS."""

    def __init__(self, app: Flask, address: str = "192.0.2.1", scheme: str = "http") -> None:
        self.client = app.test_client()
        self._given: dict[str, Any] = {
            "base_url": f"{scheme}://localhost",
            "environ_overrides": {"REMOTE_ADDR": address},
        }
        self._token = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._remember(self.client.get(path, headers={"Accept": "text/html"}, **self._given, **options))

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> TestResponse:
        """Posts the form with the token of the last page."""
        sent = {"Accept": "text/html", "Referer": f"{self._given['base_url']}/login", **(headers or {})}
        return self._remember(
            self.client.post(path, data={"csrf_token": self._token, **form}, headers=sent, **self._given)
        )

    def sign_in(self, username: str = "anna", password: str = PASSWORD, goal: str = "") -> TestResponse:
        self.get("/login")
        return self.post(f"/login{goal}", {"username": username, "password": password})

    def cookie(self, name: str) -> str | None:
        found = self.client.get_cookie(name)
        return found.value if found else None

    def _remember(self, response: TestResponse) -> TestResponse:
        found = _TOKEN.search(response.get_data(as_text=True))
        self._token = found.group(1) if found else self._token
        return response


def set_cookies(response: TestResponse) -> dict[str, str]:
    """The Set-Cookie lines, by cookie name."""
    return {line.split("=", 1)[0]: line for line in response.headers.getlist("Set-Cookie")}


def text_of(page: str) -> str:
    """What a reader sees, tags left out."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
