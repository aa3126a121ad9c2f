"""A real browser in front of the real application, watched for what it should never do."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, Page, Request, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from endpoints.session_cookie import COOKIE
from tests.support.customers import LONG_ID, fill_tables, wordy_fields
from tests.support.models import Trained
from tests.support.services import absent
from tests.support.stack import application, configure
from tests.support.visitor import PASSWORD

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 30_000
"""For what a page does: a busy machine is no fault of it."""
DESK = ViewportSize(width=1280, height=860)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PHONE = ViewportSize(width=360, height=740)
COMPLETE = "() => !document.querySelector('.later[hx-get], .htmx-request') && document.fonts.status === 'loaded'"
"""Nothing is still to come that a page asks for."""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """The application at an address of this machine."""

    url: str
    app: APIFlask

    def person(self) -> str:
        """The name of a new user, whose password is `PASSWORD`."""
        name = f"person{next(_numbers)}"
        self.app.extensions["holdfast"].accounts.add(name, "manager", PASSWORD, "a test")
        return name


@dataclass
class Watched:
    """A page, and all that it did wrong: each list must stay empty. `complaints` are what it wrote to its console as
    errors, but for answers that say so by their status."""

    page: Page
    site: Site
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site.url}{path}")
        return self.page

    def sign_in(self, path: str = "/model_interface") -> Page:
        """Signs a new user in, past the form, and opens `path`."""
        self.enter(self.site.person())
        return self.open(path)

    def sign_in_by_form(self, path: str = "/model_interface") -> Page:
        """Signs a new user in through the form and lands on `path`."""
        page = self.open(path)
        page.fill("#username", self.site.person())
        page.fill("#password", PASSWORD)
        page.click("main button:has-text('Sign in')")
        page.wait_for_selector("h1:has-text('Predict')")
        return page

    def enter(self, username: str) -> None:
        """Signs that user in, past the form and its limits."""
        sessions = self.site.app.extensions["holdfast"].accounts.sessions
        token = sessions.sign_in(username, PASSWORD, "192.0.2.1")
        self.page.context.add_cookies([{"name": COOKIE, "value": token, "url": self.site.url}])

    def listen(self) -> None:
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._see)

    def _hear(self, kind: str, text: str) -> None:
        if "Content Security Policy" in text:
            self.violations.append(text)
        elif kind == "error" and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:")):
            self.foreign.append(request.url)


OpenBrowser = Callable[..., Watched]


def looks(page: Page) -> Iterator[str]:
    """Shows the page that is open, once it is whole, light and dark, on a phone and, at last, on a desk."""
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function(COMPLETE)
    for name, screen in (("phone", PHONE), ("desk", DESK)):
        page.set_viewport_size(screen)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            yield f"{scheme} on a {name}"


def until(page: Page, done: Callable[[], bool]) -> None:
    """Waits for what only the test can see."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not done():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def watch(chromium: Browser, site: Site, viewport: ViewportSize = DESK, **options: object) -> Watched:
    """A fresh window, with cookies and a cache of its own."""
    context = chromium.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context.new_page(), site)
    watched.listen()
    return watched


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        absent("Chromium", "install the package chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[Site]:
    """The application over real HTTP, with models, customers and lifetime values."""
    with application(tmp_path_factory.mktemp("site"), trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases)
        fill_tables(app, trained.schema, more={LONG_ID: wordy_fields(trained.schema)})
        with served(app) as url:
            yield Site(url, app)


@pytest.fixture
def browse(chromium: Browser, site: Site) -> Iterator[OpenBrowser]:
    """Opens a fresh browser window; after the test, none of them may have done wrong."""
    opened: list[Watched] = []

    def make(viewport: ViewportSize = DESK, **options: object) -> Watched:
        opened.append(watch(chromium, site, viewport, **options))
        return opened[-1]

    yield make
    for watched in opened:
        watched.page.context.close()
        assert (watched.violations, watched.errors, watched.foreign) == ([], [], [])


@contextmanager
def served(app: APIFlask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
