"""Settings in AWS Secrets Manager, spoken to over its real protocol."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from moto.server import ThreadedMotoServer

from app_settings import load_settings
from helpers.errors import UserError

HIDDEN = "hidden-in-the-secret"
Keep = Callable[[str], None]


@pytest.fixture
def keep(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keep]:
    """Keeps a text as the secret named `holdfast`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    client: Any = Session().client("secretsmanager")
    yield lambda text: client.create_secret(Name="holdfast", SecretString=text)
    client.delete_secret(SecretId="holdfast", ForceDeleteWithoutRecovery=True)
    client.close()
    server.stop()


def load(var_dir: Path, **environ: str) -> Any:
    return load_settings({"AWS_SECRET_ID": "holdfast", "VAR_DIR": str(var_dir), **environ})


def test_the_secret_wins_over_made_up_ones_and_the_environment_over_both(keep: Keep, tmp_path: Path) -> None:
    keep(json.dumps({"access_token": "token-of-the-secret", "DATABASE_URL": "sqlite:///secret.db", "PORT": 9000}))
    settings = load(tmp_path, DATABASE_URL="sqlite:///environment.db")
    assert settings.access_token.get_secret_value() == "token-of-the-secret"
    assert settings.database_address() == "sqlite:///environment.db"
    assert settings.port == 9000
    assert len(settings.secret_key.get_secret_value()) >= 32


def test_the_secret_may_say_which_environment_this_is(keep: Keep, tmp_path: Path) -> None:
    keep(json.dumps({"ENVIRONMENT": "prod", "ACCESS_TOKEN": HIDDEN, "SECRET_KEY": HIDDEN}))
    settings = load(tmp_path)
    assert settings.environment == "prod"
    assert settings.secret_key.get_secret_value() == HIDDEN
    assert list(tmp_path.iterdir()) == [], "a deployment outside local has nothing made up"
    assert HIDDEN not in repr(settings)


@pytest.mark.parametrize("text", [f"not JSON {HIDDEN}", '["hidden-in-the-secret"]', '{"PORT": {"a": "b"}}'])
def test_a_malformed_secret_is_named_and_not_shown(keep: Keep, tmp_path: Path, text: str) -> None:
    keep(text)
    with pytest.raises(UserError, match="AWS_SECRET_ID") as caught:
        load(tmp_path)
    assert HIDDEN not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_secret_is_named(keep: Keep, tmp_path: Path) -> None:
    keep("{}")
    with pytest.raises(UserError, match=r"other named by AWS_SECRET_ID.*ResourceNotFound"):
        load(tmp_path, AWS_SECRET_ID="other")


def test_a_region_is_needed_and_asked_for(keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("{}")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UserError, match=r"AWS_SECRET_ID.*region"):
        load(tmp_path)


def test_a_silent_address_is_given_up_in_seconds(keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("{}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(UserError, match="AWS_SECRET_ID"):
            load(tmp_path)
        assert time.monotonic() - started < 15
