"""A person's browser, without a window, before a service in processes of its own."""

import re
from collections.abc import Mapping

import requests

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class WebVisitor:
    """Keeps cookies and the form token of the last page; `address`: where a proxy says that it comes from."""

    def __init__(self, url: str, address: str = "192.0.2.1") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers.update({"Accept": "text/html", "X-Forwarded-For": address})
        self._token = ""

    def get(self, path: str) -> requests.Response:
        return self._remember(self.session.get(self.url + path, timeout=30, allow_redirects=False))

    def post(self, path: str, form: Mapping[str, str]) -> requests.Response:
        data = {"csrf_token": self._token, **form}
        return self._remember(self.session.post(self.url + path, data=data, timeout=30, allow_redirects=False))

    def sign_in(self, username: str, password: str) -> requests.Response:
        self.get("/login")
        return self.post("/login", {"username": username, "password": password})

    def _remember(self, response: requests.Response) -> requests.Response:
        found = _TOKEN.search(response.text)
        self._token = found.group(1) if found else self._token
        return response
