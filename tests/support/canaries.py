"""Secrets that would be recognised anywhere, and a search of everything that a deployment leaves behind."""

import base64
import gzip
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import redis
from sqlalchemy import Engine, MetaData, make_url, select, text

from data.engine import build_engine


def canary() -> str:
    """32 bytes of ASCII that nothing else has."""
    return f"canary{secrets.token_hex(13)}"


def spellings(secret: str) -> set[bytes]:
    """The secret as it is, and as a URL, a header or a key file would hold it."""
    plain = secret.encode()
    encoded = base64.b64encode(plain), base64.urlsafe_b64encode(plain).rstrip(b"=")
    return {plain, quote(secret, safe="").encode(), *encoded}


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file under the folder, compressed ones as they read."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield str(path.relative_to(folder)), gzip.decompress(content) if path.suffix == ".gz" else content


def rows(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """Every row of every table."""
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            for row in connection.execute(select(table)):
                yield f"table {table.name}", repr(tuple(row)).encode()


def keys(client: "redis.Redis") -> Iterator[tuple[str, bytes]]:
    """Every key of Redis with what it holds."""
    for key in client.scan_iter():
        yield f"redis {key!r}", key + (client.dump(key) or b"")


@contextmanager
def mariadb_user(url: str, password: str) -> Iterator[str]:
    """The address of the database for a user of its own, who has the password and may use nothing else."""
    address = make_url(url)
    name = f"hf_{secrets.token_hex(6)}"
    admin = build_engine(url)
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'"))
            connection.execute(text(f"GRANT ALL ON {address.database}.* TO '{name}'@'%'"))
        yield address.set(username=name, password=password).render_as_string(hide_password=False)
    finally:
        with admin.begin() as connection:
            connection.execute(text(f"DROP USER IF EXISTS '{name}'@'%'"))
        admin.dispose()


def shut_out(url: str, user: str) -> None:
    """From now on the database refuses the user, and ends what connections it has."""
    admin = build_engine(url)
    with admin.begin() as connection:
        connection.execute(text(f"ALTER USER '{user}'@'%' ACCOUNT LOCK"))
        living = text("select id from information_schema.processlist where user = :user")
        for number in connection.execute(living, {"user": user}).scalars().all():
            connection.execute(text(f"KILL CONNECTION {number}"))
    admin.dispose()
