"""TLS to the database, as written behind the `?` of its address.

`ssl=true` checks the server's certificate and name against the system's authorities; `ssl_ca=FILE` against that
file (Amazon RDS: its global bundle); `ssl_cert=FILE&ssl_key=FILE` show a certificate of ours;
`ssl_check_hostname=false` checks the certificate alone; `ssl_verify=false` encrypts without checking anything;
`ssl=false` does not even encrypt. Without any of these PyMySQL encrypts, unchecked, where the server offers it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.errors import UserError

NAMES = ("ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname", "ssl_verify")
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """What was asked for; files are opened when a connection is made, not before."""

    wanted: bool
    ca: str | None
    cert: str | None
    key: str | None
    check_hostname: bool
    verify: bool

    def connect_args(self) -> dict[str, Any]:
        """What PyMySQL is to be told. Raises UserError naming DATABASE_URL when a file cannot be used."""
        return {"ssl": self._context()} if self.wanted else {"ssl_disabled": True}

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.cert:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ValueError) as error:
            message = f"DATABASE_URL names a TLS file that cannot be used: {error}. Mend ssl_ca, ssl_cert or ssl_key."
            raise UserError(message, "DATABASE_URL") from error
        context.check_hostname = self.check_hostname and self.verify
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        return context


def tls_options(query: Mapping[str, str]) -> TlsOptions | None:
    """What the address asks for, or None when it says nothing. Raises UserError for what it does not know."""
    unknown = [name for name in query if name.startswith("ssl") and name not in NAMES]
    if unknown:
        raise UserError(f"DATABASE_URL has the unknown option {unknown[0]}: use {', '.join(NAMES)}.", "DATABASE_URL")
    asked = {name: query[name] for name in NAMES if name in query}
    if not asked:
        return None
    return TlsOptions(
        wanted=_word(asked, "ssl"),
        ca=asked.get("ssl_ca"),
        cert=asked.get("ssl_cert"),
        key=asked.get("ssl_key"),
        check_hostname=_word(asked, "ssl_check_hostname"),
        verify=_word(asked, "ssl_verify"),
    )


def _word(asked: Mapping[str, str], name: str) -> bool:
    """The yes or no behind `name`; yes when it is not given."""
    try:
        return _WORDS[asked.get(name, "true").lower()]
    except KeyError:
        raise UserError(f"DATABASE_URL: {name} must be true or false.", "DATABASE_URL") from None
