"""Every setting of the service, read once from the environment and, behind it, from an AWS secret.

In `stage` and `prod` there are no default secrets. In `local` they are made once and kept under
`VAR_DIR/local.env`, readable by their owner alone.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from redis import ConnectionPool

from data.cache_entry import Format
from helpers.aws_secret import read_secret
from helpers.errors import UserError

LOCAL_SECRETS = ("ACCESS_TOKEN", "SECRET_KEY")
DRAIN_SECONDS = "5"  # where others send requests, and look every second or two who is ready
SIGNING_PREFIX = "whsec_"
HOW_TO_MAKE_ONE = 'Make one: echo "whsec_$(openssl rand -base64 32)"'


class Settings(BaseSettings):
    """The frozen settings of one process; see `docs/settings.md` for the long form."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    environment: Literal["local", "stage", "prod"] = Field(
        "local", description="Which deployment this is; only `local` has default secrets."
    )
    database_url: SecretStr = Field(SecretStr(""), description="SQLAlchemy address; empty: SQLite under VAR_DIR.")
    redis_url: SecretStr = Field(
        SecretStr(""), description="Address of Redis; empty: the embedded server under VAR_DIR."
    )
    cache_redis_urls: SecretStr = Field(
        SecretStr(""),
        description="Redis nodes on which processes share cached predictions, separated by commas; empty: none.",
    )
    cache_prefix: str = Field(
        "holdfast:prediction:", min_length=1, description="What the names of cached predictions on Redis begin with."
    )
    cache_format: Format = Field("json", description="How cached predictions are written on Redis.")
    access_token: SecretStr = Field(SecretStr(""), description="The token back ends send with each call.")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs CSRF tokens, encrypts second factors.")
    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp:// or smtps:// address of the mail server; empty: VAR_DIR/mail."
    )
    mail_from: str = Field("holdfast@localhost", description="The sender of every message.")
    webhook_url: SecretStr = Field(
        SecretStr(""), description="Where crossings of the risk line are told by signed webhooks; empty: nowhere."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Signs the webhooks: whsec_ and 24 to 64 bytes in base64; needed with WEBHOOK_URL."
    )
    stage_url: str = Field(
        "", description="Address of the staging deployment on which config changes are tried first; empty: none."
    )
    stage_token: SecretStr = Field(
        SecretStr(""), description="An access token of the staging deployment; needed with STAGE_URL."
    )
    jwt_keys: SecretStr = Field(
        SecretStr(""),
        description="JSON Web Key Set by which tokens signed elsewhere are checked; empty: none are taken.",
    )
    jwt_audience: str = Field("holdfast", description="The `aud` that a JSON Web Token must name.")
    s3_bucket: str = Field("", description="Bucket of the archive; empty: files in VAR_DIR/archive.")
    s3_endpoint_url: str = Field("", description="Address of an S3-compatible store; empty: AWS.")
    sentry_dsn: SecretStr = Field(SecretStr(""), description="Where errors are reported; empty: nowhere.")
    aws_secret_id: str = Field(
        "", description="AWS Secrets Manager secret (flat JSON of strings) that holds settings; empty: none."
    )
    var_dir: Path = Field(Path("var"), description="Folder for everything that this deployment writes.")
    port: int = Field(8000, ge=1, le=65535, description="TCP port of the web server.")
    web_concurrency: int = Field(2, ge=1, le=64, description="Number of web processes.")
    web_host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    public_url: str = Field(
        "", description="Address people use: for links in mail, and the only Host accepted; empty: any Host."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Proxies in front whose X-Forwarded-* headers are believed."
    )
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Largest accepted request body, in bytes.")
    max_upload_bytes: int = Field(
        100_000_000, ge=1_000, description="Largest file of customers that may be uploaded, in bytes."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="A token that may only read /metrics; empty: ACCESS_TOKEN alone may."
    )
    drain_seconds: int = Field(
        0,
        ge=0,
        le=300,
        description="How long a process that was told to stop goes on answering while it says that it is not ready.",
    )
    spool_fsync: Literal["second", "always"] = Field(
        "second", description="How often the outbox is flushed to disk: each second, or for each answer."
    )
    spool_max_bytes: int = Field(
        1_000_000_000, ge=1_000_000, description="Size of the outbox at which predictions answer 503."
    )
    model_classes: str = Field(
        "", description="Third-party MLModel classes, as package.module:Class, separated by commas."
    )
    config_refresh_seconds: int = Field(
        3600, ge=1, description="Period of the safety net that rereads the config table."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The mapping given to the constructor, alone: `load_settings` says what comes before what."""
        return (init_settings,)

    @field_validator("redis_url", "cache_redis_urls")
    @classmethod
    def _redis_addresses(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value()
        try:
            for url in _several(text) if info.field_name == "cache_redis_urls" else filter(None, (text,)):
                ConnectionPool.from_url(url).make_connection()  # does not connect yet
        except (ValueError, TypeError):  # their messages may show a part of the password
            raise ValueError("use redis://host:6379/0, rediss://:password@host:6380/0 or unix:///path") from None
        return value

    @field_validator("public_url", "s3_endpoint_url", "stage_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not _is_web_address(value):
            raise ValueError("use https://host or http://host:port")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _webhook_address(cls, value: SecretStr) -> SecretStr:
        cls._web_address(value.get_secret_value())
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _can_sign(value.get_secret_value()):
            raise ValueError(f"it is whsec_ and 24 to 64 bytes in base64. {HOW_TO_MAKE_ONE}")
        return value

    def database_address(self) -> str:
        return self.database_url.get_secret_value() or f"sqlite:///{self.var_dir.absolute() / 'holdfast.sqlite3'}"

    def redis_address(self) -> str:
        return self.redis_url.get_secret_value() or f"unix://{self.redis_socket()}"

    def model_class_paths(self) -> tuple[str, ...]:
        """MODEL_CLASSES, one by one."""
        return _several(self.model_classes)

    def cache_addresses(self) -> tuple[str, ...]:
        """CACHE_REDIS_URLS, one by one."""
        return _several(self.cache_redis_urls.get_secret_value())

    def redis_socket(self) -> Path:
        return self.var_dir.absolute() / "redis" / "redis.sock"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environ` (default: the process's own), which wins over the secret at AWS_SECRET_ID, which
    wins over what is made up for a local deployment. Raises UserError naming the variable."""
    given = _known(os.environ if environ is None else environ)
    if "aws_secret_id" in given:
        given = {**_known(read_secret(given["aws_secret_id"])), **given}
    if given.get("environment", "local") == "local":
        var_dir = Path(given.get("var_dir", Settings.model_fields["var_dir"].default))
        given = {**local_secrets(var_dir, set(given)), **given}
    else:
        given = {"drain_seconds": DRAIN_SECONDS, **given}
    return _with_secrets(_validated(given))


def _known(source: Mapping[str, str]) -> dict[str, str]:
    """The settings among `source` that are not empty, by their field names."""
    spelled = {name: source.get(name.upper()) for name in Settings.model_fields}
    return {name: value for name, value in spelled.items() if value}


def _validated(given: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        name = str(first["loc"][0]).upper()
        why = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{name} is not usable: {why}. Mend {name} in the environment.", name) from None


def _several(text: str) -> tuple[str, ...]:
    """What commas separate."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _can_sign(secret: str) -> bool:
    """Whether it is a secret as the Standard Webhooks specification spells and sizes one."""
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except ValueError:
        return False
    return secret.startswith(SIGNING_PREFIX) and 24 <= len(key) <= 64


def local_secrets(var_dir: Path, given: set[str]) -> dict[str, str]:
    """The local deployment's own secrets, made at the first call, mode 0600, in `var_dir/local.env`."""
    if all(name.lower() in given for name in LOCAL_SECRETS):
        return {}
    path = var_dir / "local.env"
    if not path.exists():
        _write_once(path, "".join(f"{name}={secrets.token_urlsafe(32)}\n" for name in LOCAL_SECRETS))
    pairs = (line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {name.lower(): value for name, value in pairs if name in LOCAL_SECRETS}


def _write_once(path: Path, text: str) -> None:
    """Links a finished file into place, so that two processes that start together agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _with_secrets(settings: Settings) -> Settings:
    """Raises UserError when a secret is missing, or too short to be one."""
    for name in LOCAL_SECRETS:
        value = getattr(settings, name.lower()).get_secret_value()
        if len(value) < 16 and settings.environment != "local":
            raise UserError(f"{name} must be set to at least 16 characters in {settings.environment}.", name)
        if not value:
            raise UserError(f"{name} is missing in VAR_DIR/local.env: delete that file to have it made anew.", name)
    if settings.webhook_url.get_secret_value() and not settings.webhook_secret.get_secret_value():
        raise UserError(f"WEBHOOK_SECRET must be set where WEBHOOK_URL is. {HOW_TO_MAKE_ONE}", "WEBHOOK_SECRET")
    _check_staging(settings)
    return settings


def _check_staging(settings: Settings) -> None:
    """A deployment that tried its changes on itself would try each trial again."""
    if not settings.stage_url:
        return
    if not settings.stage_token.get_secret_value():
        raise UserError("STAGE_TOKEN must be set where STAGE_URL is: a token of that deployment.", "STAGE_TOKEN")
    own = settings.public_url.rstrip("/").casefold()
    if settings.environment == "stage" or settings.stage_url.rstrip("/").casefold() == own:
        text = "STAGE_URL must name another deployment than this one, and staging itself has none: take it away."
        raise UserError(text, "STAGE_URL")
