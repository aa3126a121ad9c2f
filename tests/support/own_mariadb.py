"""A MariaDB of a test's own, which speaks TLS with a certificate of an authority of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.deployment import free_port
from tests.support.own_server import OwnServer
from tests.support.services import absent

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class OwnMariaDb:
    """`authority` signed the server's certificate, which is for 127.0.0.1 alone; root has no password."""

    server: OwnServer
    authority: Certificate

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        """The server's address, without a database."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}"


@contextmanager
def own_mariadb(folder: Path) -> Iterator[OwnMariaDb]:
    """Starts a server in `folder` and stops it. Skips the test, or fails it in CI, where MariaDB is not installed."""
    programs = [shutil.which(name, path=_PATH) for name in ("mariadbd", "mariadb-install-db")]
    if None in programs:
        absent("mariadbd", "install mariadb-server")
    server, installer = map(str, programs)
    authority, own = make_certificates(folder)
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [installer, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *as_root],
        check=True,
        capture_output=True,
    )
    port = free_port()
    network = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", "--skip-name-resolve"]
    tls = [f"--ssl-cert={own.certificate}", f"--ssl-key={own.key}", f"--ssl-ca={authority.certificate}"]
    small = ["--innodb-buffer-pool-size=16M", f"--pid-file={folder / 'pid'}"]
    command = [server, "--no-defaults", data, *network, *tls, *small, *as_root]
    running = OwnServer(command, port, folder / "log")
    running.start()
    try:
        yield OwnMariaDb(running, authority)
    finally:
        running.stop()


def make_certificates(folder: Path) -> tuple[Certificate, Certificate]:
    """An authority, and a server's certificate for 127.0.0.1 from it."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Test authority", authority_key, "Test authority", authority_key, is_authority=True)
    server = _certificate("Test server", server_key, "Test authority", authority_key, is_authority=False)
    return _written(folder, "authority", authority, authority_key), _written(folder, "server", server, server_key)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_authority:
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(address, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _written(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
    files = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    files.key.chmod(0o600)
    return files
