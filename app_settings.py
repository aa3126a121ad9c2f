"""Every setting of the service, read once from the environment.

In `stage` and `prod` there are no default secrets. In `local` they are made once and kept under
`VAR_DIR/local.env`, readable by their owner alone.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from helpers.errors import UserError

LOCAL_SECRETS = ("ACCESS_TOKEN", "SECRET_KEY")


class Settings(BaseSettings):
    """The frozen settings of one process; see `docs/settings.md` for the long form."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    environment: Literal["local", "stage", "prod"] = Field(
        "local", description="Which deployment this is; only `local` has default secrets."
    )
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite under VAR_DIR.")
    redis_url: str = Field("", description="Address of Redis; empty: the embedded server under VAR_DIR.")
    access_token: SecretStr = Field(SecretStr(""), description="The token back ends send with each call.")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs CSRF tokens and flash messages.")
    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp:// or smtps:// address of the mail server; empty: VAR_DIR/mail."
    )
    mail_from: str = Field("holdfast@localhost", description="The sender of every message.")
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
    metrics_token: SecretStr = Field(
        SecretStr(""), description="A token that may only read /metrics; empty: ACCESS_TOKEN alone may."
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
        """The mapping given to `load_settings` and, behind it, AWS Secrets Manager where configured."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        if not given.get("aws_secret_id"):
            return (init_settings,)
        return (
            init_settings,
            AWSSecretsManagerSettingsSource(settings_cls, given["aws_secret_id"], case_sensitive=False),
        )

    def database_address(self) -> str:
        return self.database_url or f"sqlite:///{self.var_dir.absolute() / 'holdfast.sqlite3'}"

    def redis_address(self) -> str:
        return self.redis_url or f"unix://{self.redis_socket()}"

    def redis_socket(self) -> Path:
        return self.var_dir.absolute() / "redis" / "redis.sock"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environ` (default: the process's own). Raises UserError naming the variable."""
    source = os.environ if environ is None else environ
    names = Settings.model_fields
    given: dict[str, Any] = {name: source[name.upper()] for name in names if source.get(name.upper())}
    if given.get("environment", "local") == "local":
        var_dir = Path(given.get("var_dir", names["var_dir"].default))
        given = {**local_secrets(var_dir, set(given)), **given}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise UserError(f"{name} is not usable: {first['msg']}. Mend {name} in the environment.", name) from None
    return _with_secrets(settings)


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
    return settings
