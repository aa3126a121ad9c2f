"""Settings are typed, documented, and never default a secret outside a local deployment."""

import re
from base64 import b64encode
from pathlib import Path

import pytest

from app_settings import Settings, load_settings
from helpers.errors import UserError
from services.config.model import KEYS
from services.config.parts import Guardrails

DOCS = Path(__file__).parent.parent / "docs"
SECRETS = {"ACCESS_TOKEN": "a-token-of-some-length", "SECRET_KEY": "a-key-of-some-length"}


def documented(page: str) -> set[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_every_setting_is_documented_and_has_its_sentence() -> None:
    assert documented("settings.md") == {name.upper() for name in Settings.model_fields}
    assert all(field.description for field in Settings.model_fields.values())


def test_every_config_key_is_documented() -> None:
    assert documented("config.md") == set(KEYS)


def test_every_guardrail_is_documented_and_has_its_sentence() -> None:
    assert set(Guardrails.model_fields) <= documented("loop.md")
    assert all(field.description for field in Guardrails.model_fields.values())


@pytest.mark.parametrize("environment", ["stage", "prod"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_is_named(environment: str, name: str, tmp_path: Path) -> None:
    given = {"ENVIRONMENT": environment, "VAR_DIR": str(tmp_path), **SECRETS}
    del given[name]
    with pytest.raises(UserError, match=name):
        load_settings(given)
    assert list(tmp_path.iterdir()) == []


def test_a_short_secret_is_refused_outside_local() -> None:
    with pytest.raises(UserError, match="SECRET_KEY"):
        load_settings({"ENVIRONMENT": "prod", **SECRETS, "SECRET_KEY": "short"})


def test_local_secrets_are_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    first = load_settings({"VAR_DIR": str(tmp_path)})
    assert load_settings({"VAR_DIR": str(tmp_path)}) == first
    assert len(first.access_token.get_secret_value()) >= 32
    assert (tmp_path / "local.env").stat().st_mode & 0o777 == 0o600
    assert first.access_token.get_secret_value() not in repr(first)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("ENVIRONMENT", "production"), ("ENVIRONMENT", "Stage"), ("WEB_CONCURRENCY", "0")],
)
def test_a_value_of_the_wrong_kind_is_named(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=name):
        load_settings({"VAR_DIR": str(tmp_path), **SECRETS, name: value})


def test_defaults_stay_under_var_dir(tmp_path: Path) -> None:
    settings = load_settings({"VAR_DIR": str(tmp_path)})
    assert settings.database_address() == f"sqlite:///{tmp_path}/holdfast.sqlite3"
    assert settings.redis_address() == f"unix://{tmp_path}/redis/redis.sock"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "foo"),
        ("REDIS_URL", "redis://h:abc"),
        ("REDIS_URL", "redis://:hidden/word@h"),
        ("REDIS_URL", "redis://:hidden@h?unheard_of=1"),
        ("PUBLIC_URL", "holdfast.example.com"),
        ("PUBLIC_URL", "ftp://holdfast.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://holdfast.example.com:hidden"),
        ("S3_ENDPOINT_URL", "s3:7070"),
        ("WEBHOOK_URL", "crm.example.com/hidden"),
        ("WEBHOOK_URL", "https://user:hidden@crm.example.com/hook"),
    ],
)
def test_an_address_of_the_wrong_form_is_named_and_not_shown(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{name} is not usable: use ") as caught:
        load_settings({"VAR_DIR": str(tmp_path), **SECRETS, name: value})
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("value", ["redis://h", "rediss://:p%2Fw@h:6380/0?ssl_ca_certs=/ca.pem", "unix:///tmp/r.sock"])
def test_every_form_of_redis_address_is_accepted(value: str, tmp_path: Path) -> None:
    assert load_settings({"VAR_DIR": str(tmp_path), **SECRETS, "REDIS_URL": value}).redis_address() == value


def test_no_password_is_shown(tmp_path: Path) -> None:
    addresses = {
        "DATABASE_URL": "mysql+pymysql://holdfast:hidden@host/holdfast",
        "REDIS_URL": "redis://:hidden@host:6379/0",
        "SMTP_URL": "smtp://me:hidden@host:587",
        "SENTRY_DSN": "https://hidden@sentry.example/1",
        "WEBHOOK_URL": "https://crm.example.com/hidden",
        "WEBHOOK_SECRET": f"whsec_{b64encode(b'hidden' * 4).decode()}",
    }
    settings = load_settings({"VAR_DIR": str(tmp_path), **SECRETS, **addresses})
    for shown in (repr(settings), settings.model_dump_json()):
        assert "hidden" not in shown
        assert "whsec_" not in shown
    assert settings.database_address() == addresses["DATABASE_URL"]


@pytest.mark.parametrize(
    "value", ["hidden", "whsec_hidden!", f"whsec_{b64encode(b'hidden').decode()}", b64encode(b"x" * 32).decode()]
)
def test_a_signing_secret_of_the_wrong_form_is_refused_and_not_shown(value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^WEBHOOK_SECRET is not usable: .*openssl rand") as caught:
        load_settings({"VAR_DIR": str(tmp_path), **SECRETS, "WEBHOOK_SECRET": value})
    assert value not in str(caught.value)


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_webhooks_need_a_secret_to_sign_them_with(environment: str, tmp_path: Path) -> None:
    given = {"ENVIRONMENT": environment, "VAR_DIR": str(tmp_path), **SECRETS, "WEBHOOK_URL": "https://crm.example.com"}
    with pytest.raises(UserError, match=r"WEBHOOK_SECRET must be set .*openssl rand"):
        load_settings(given)
    secret = f"whsec_{b64encode(bytes(32)).decode()}"
    assert load_settings({**given, "WEBHOOK_SECRET": secret}).webhook_secret.get_secret_value() == secret


def test_staging_is_another_deployment_that_is_entered_with_a_token(tmp_path: Path) -> None:
    url = "https://stage.example.com"
    given = {"ENVIRONMENT": "prod", "VAR_DIR": str(tmp_path), **SECRETS, "STAGE_URL": url}
    with pytest.raises(UserError, match="STAGE_TOKEN must be set"):
        load_settings(given)
    given["STAGE_TOKEN"] = "a token of the other one"
    assert load_settings(given).stage_url == url
    for itself in ({"ENVIRONMENT": "stage"}, {"PUBLIC_URL": f"{url.upper().replace('HTTPS', 'https')}/"}):
        with pytest.raises(UserError, match="another deployment than this one"):
            load_settings({**given, **itself})


def test_model_classes_are_told_apart(tmp_path: Path) -> None:
    settings = load_settings({"VAR_DIR": str(tmp_path), "MODEL_CLASSES": "a.b:C, d:E,"})
    assert settings.model_class_paths() == ("a.b:C", "d:E")
