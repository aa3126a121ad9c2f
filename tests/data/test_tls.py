"""TLS to the database: encrypted, checked, and refused when it is not the server that was meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from data.engine import build_engine, ping
from helpers.errors import UserError
from tests.support.own_mariadb import OwnMariaDb, make_certificates, own_mariadb


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMariaDb]:
    with own_mariadb(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


def cipher(url: str) -> str:
    """The cipher that the server says it speaks with us; empty for a plain connection."""
    engine = build_engine(url)
    try:
        ping(engine)
        with engine.connect() as connection:
            return str(connection.execute(text("show session status like 'Ssl_cipher'")).one()[1])
    finally:
        engine.dispose()


def address(server: OwnMariaDb, query: str, host: str = "127.0.0.1") -> str:
    return f"mysql+pymysql://root@{host}:{server.port}/mysql?{query}"


def test_the_authority_that_was_named_is_believed(server: OwnMariaDb) -> None:
    assert cipher(address(server, f"ssl_ca={server.authority.certificate}"))
    assert cipher(address(server, f"ssl=true&ssl_ca={server.authority.certificate}"))


def test_a_server_of_an_unknown_authority_is_refused(server: OwnMariaDb, tmp_path: Path) -> None:
    other, _server = make_certificates(tmp_path)
    for query in ("ssl=true", f"ssl_ca={other.certificate}"):
        with pytest.raises(UserError, match="certificate verify failed"):
            cipher(address(server, query))


def test_a_certificate_for_another_name_is_refused_unless_told_otherwise(server: OwnMariaDb) -> None:
    by_name = f"ssl_ca={server.authority.certificate}"
    with pytest.raises(UserError, match="certificate verify failed"):
        cipher(address(server, by_name, host="localhost"))
    assert cipher(address(server, f"{by_name}&ssl_check_hostname=false", host="localhost"))


def test_encryption_without_a_check_must_be_asked_for(server: OwnMariaDb) -> None:
    assert cipher(address(server, "ssl=true&ssl_verify=false"))


def test_plain_when_asked_for(server: OwnMariaDb) -> None:
    assert cipher(address(server, f"ssl=false&ssl_ca={server.authority.certificate}")) == ""


def test_a_certificate_of_ours_is_shown(server: OwnMariaDb, tmp_path: Path) -> None:
    admin = build_engine(address(server, "ssl=false"))
    with admin.begin() as connection:
        connection.execute(text("create user if not exists certified@'%' require x509"))
    admin.dispose()
    checked = address(server, f"ssl_ca={server.authority.certificate}").replace("root@", "certified@")
    with pytest.raises(UserError, match="Access denied"):
        cipher(checked.replace("/mysql?", "/information_schema?"))
    shown = f"&ssl_cert={server.authority.certificate}&ssl_key={server.authority.key}"
    assert cipher(checked.replace("/mysql?", "/information_schema?") + shown)


def test_a_file_that_cannot_be_used_is_named(server: OwnMariaDb, tmp_path: Path) -> None:
    (tmp_path / "letter.pem").write_text("Dear Madam")
    for file in (tmp_path / "none.pem", tmp_path / "letter.pem"):
        with pytest.raises(UserError, match="DATABASE_URL names a TLS file"):
            cipher(address(server, f"ssl_ca={file}"))
