"""Files for the browser: small on the wire, kept for good, and as their authors made them."""

import gzip
import hashlib
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from endpoints.assets import FOLDER, asset, assets


@pytest.fixture
def browser() -> Iterator[FlaskClient]:
    app = Flask("test", static_folder=None)
    app.register_blueprint(assets)
    with app.test_request_context():
        yield app.test_client()


def test_a_file_is_squeezed_for_browsers_that_take_it(browser: FlaskClient) -> None:
    plain = browser.get(asset("app.css"))
    squeezed = browser.get(asset("app.css"), headers={"Accept-Encoding": "br, gzip"})
    refused = browser.get(asset("app.css"), headers={"Accept-Encoding": "gzip;q=0"})
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == plain.data == refused.data == (FOLDER / "app.css").read_bytes()
    assert squeezed.headers["Vary"] == "Accept-Encoding"
    assert plain.content_type == "text/css; charset=utf-8"


def test_a_file_is_kept_for_good_under_its_own_digest_only(browser: FlaskClient) -> None:
    address = asset("tables.js")
    assert "immutable" in browser.get(address).headers["Cache-Control"]
    old = browser.get(re.sub(r"/assets/[0-9a-f]+/", "/assets/0123456789abcdef/", address))
    assert old.status_code == 200
    assert old.headers["Cache-Control"] == "public, max-age=60"


def test_the_font_that_the_style_sheet_names_is_kept_as_long(browser: FlaskClient) -> None:
    (name, *_) = re.findall(r'url\("([^"]+woff2)"\)', (FOLDER / "app.css").read_text(encoding="utf-8"))
    font = browser.get(asset("app.css").replace("app.css", name))
    assert font.content_type == "font/woff2"
    assert "immutable" in font.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "vendor-src/package.json", "nothing.css", "vendor", ""])
def test_nothing_but_the_files_of_the_pages_is_served(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/assets/x/{name}").status_code == 404


def test_vendored_files_are_as_their_authors_made_them() -> None:
    lines = (FOLDER / "vendor" / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        str(path.relative_to(FOLDER / "vendor")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (FOLDER / "vendor").rglob("*")
        if path.is_file() and path.name != "CHECKSUMS.sha256"
    }
    assert found == listed


def test_every_vendored_folder_has_its_licence() -> None:
    for folder in (FOLDER / "vendor").iterdir():
        if folder.is_dir():
            assert any(path.name.startswith("LICENSE") for path in folder.iterdir()), folder


def test_our_own_files_name_no_other_host() -> None:
    for path in (*FOLDER.glob("*.css"), *FOLDER.glob("*.js")):
        assert "//" not in re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE), path


def test_scripts_that_listen_to_htmx_stand_before_it() -> None:
    """It may ask for parts of the page, and fail, before a later script has come."""
    for path in (FOLDER.parent / "templates").rglob("*.html"):
        _, _, behind = re.split(r"(htmx\.min\.js|super\(\))|\Z", path.read_text(encoding="utf-8"), maxsplit=1)
        assert "<script" not in behind, path


def test_the_first_page_weighs_little() -> None:
    """Style, scripts and font as sent: the budget for a first load is 150 kB, with the page itself."""
    sent = [FOLDER / "app.css", FOLDER / "page.js", FOLDER / "tables.js", FOLDER / "favicon.svg"]
    sent += [FOLDER / "vendor" / name for name in ("pico/pico.min.css", "htmx/htmx.min.js")]
    squeezed = sum(len(gzip.compress(path.read_bytes())) for path in sent)
    assert squeezed + (FOLDER / "vendor/atkinson/latin.woff2").stat().st_size < 90_000
