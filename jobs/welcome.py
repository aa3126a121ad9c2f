"""What a person sees once the service answers: where to look, and a call to paste."""

import json
import time
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click

from app_settings import Settings
from data import feature_store
from data.engine import build_engine

PATIENCE_SECONDS = 60.0


def welcome(settings: Settings) -> None:
    """Waits until the web server is ready, then says where it is. Silent if that never happens."""
    base = f"http://127.0.0.1:{settings.port}"
    if _wait_until_ready(base):
        click.echo(_greeting(settings, base))


def _wait_until_ready(base: str) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            _fetch(f"{base}/health/ready")
            return True
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def _fetch(address: str) -> Any:
    # Our own address, never one that somebody gave.
    with urlopen(address, timeout=5) as reply:  # noqa: S310 # nosec B310
        return json.load(reply)


def _greeting(settings: Settings, base: str) -> str:
    customer = json.dumps({**_customer(settings, base), "reasons": 3}, ensure_ascii=False)
    lines = [
        "",
        "Holdfast is up.",
        f"  web UI    {base}/login{_first_user(settings)}",
        f"  API docs  {base}/docs",
        f"  mail      {'sent by SMTP' if settings.smtp_url.get_secret_value() else settings.var_dir / 'mail'}",
        "  stop      Ctrl-C",
        "",
        "Ask it about a customer:",
        "",
        f"curl -s {base}/predict -H 'Content-Type: application/json' \\",
        f"  -H {_token(settings)} \\",
        f"  -d {_quoted(customer)}",
        "",
    ]
    return "\n".join(lines)


def _token(settings: Settings) -> str:
    """Ready to paste where it was made up for this machine; never shown where it is a real secret."""
    if settings.environment == "local":
        return f"'Authorization: Bearer {settings.access_token.get_secret_value()}'"
    return '"Authorization: Bearer $ACCESS_TOKEN"'


def _customer(settings: Settings, base: str) -> dict[str, Any]:
    """One that is stored and whole, so that the answer tells of money too; else the documentation's."""
    with build_engine(settings.database_address()).connect() as connection:
        stored = feature_store.customers(connection, feature_store.customer_ids(connection, limit=100))
    schema = _fetch(f"{base}/openapi.json")["components"]["schemas"]["PredictRequest"]
    example: dict[str, Any] = schema["examples"][0]
    whole = ({"client_id": key, **values} for key, values in sorted(stored.items()) if None not in values.values())
    return next(whole, example)


def _first_user(settings: Settings) -> str:
    path = settings.var_dir / "first-user.txt"
    if not path.exists():
        return ""
    name, password = path.read_text(encoding="utf-8").split()
    return f"  (name {name}, password {password}, kept in {path})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
