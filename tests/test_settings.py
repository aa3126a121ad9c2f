"""Settings are typed, documented, and never default a secret outside a local deployment."""

import re
from pathlib import Path

import pytest

from app_settings import Settings, load_settings
from helpers.errors import UserError
from services.config_model import KEYS

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


@pytest.mark.parametrize(("name", "value"), [("PORT", "http"), ("ENVIRONMENT", "production"), ("WEB_CONCURRENCY", "0")])
def test_a_value_of_the_wrong_kind_is_named(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=name):
        load_settings({"VAR_DIR": str(tmp_path), **SECRETS, name: value})


def test_defaults_stay_under_var_dir(tmp_path: Path) -> None:
    settings = load_settings({"VAR_DIR": str(tmp_path)})
    assert settings.database_address() == f"sqlite:///{tmp_path}/holdfast.sqlite3"
    assert settings.redis_address() == f"unix://{tmp_path}/redis/redis.sock"
