"""Structs of ``[transports.NAME]`` in moxlite.toml: ways out for mail other than direct delivery (docs/spec/admin.md
§1); and the keys of webhooks.
"""

import base64
import binascii
from typing import Annotated, Final, Literal

from moxlite.config.values import IP, AsciiText, Domain, Port, Section, doc
from moxlite.wording import worded

# Secrets by which webhooks are signed, in the form of Standard Webhooks (WEB-111).


PREFIX: Final = "whsec_"
SIZES: Final = range(24, 65)
"""Octets of a key (Standard Webhooks, "Secret")."""

MAX_KEYS: Final = 2
"""Two secrets while one is replaced."""


def webhook_keys(text: str) -> tuple[bytes, ...]:
    """The keys in a setting: none, one, or two separated by a space. Raises ValueError."""
    keys: list[bytes] = []
    for word in text.split():  # receivers accept either signature while the two are exchanged
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True) if word.startswith(PREFIX) else b""
        except binascii.Error:
            key = b""
        if len(key) not in SIZES:
            raise ValueError(
                worded(
                    "must be {prefix} and {least} to {most} bytes in base64",
                    prefix=PREFIX,
                    least=SIZES[0],
                    most=SIZES[-1],
                )
            )
        keys.append(key)
    if len(keys) > MAX_KEYS:
        raise ValueError("can have up to 2 secrets")
    return tuple(keys)


Mechanism = Literal["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN"]
MECHANISMS: Final[tuple[Mechanism, ...]] = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
)
"""Mechanisms tried, in this order, unless configured otherwise. PLAIN is left out, as it shows the password to any
server.
"""


class RelayAuth(Section, frozen=True):
    """Login at the relay."""

    username: Annotated[str, doc("User name.")]
    password: Annotated[str, doc("Password.", secret=True)]
    mechanisms: Annotated[
        tuple[Mechanism, ...], doc("Allowed mechanisms, best first. PLAIN reveals the password to the relay.")
    ] = MECHANISMS


class RelayTransport(Section, frozen=True):
    """Hand all mail to another server (smarthost)."""

    host: Annotated[Domain, doc("Server name, which must match its certificate.")]
    port: Annotated[
        Port | None, doc("Port. If not set, 465 for `submissions`, 587 for `submission`, 25 for `smtp`.")
    ] = None
    starttls_insecure_skip_verify: Annotated[bool, doc("Accept any certificate with STARTTLS.")] = False
    no_starttls: Annotated[bool, doc("Never use STARTTLS.")] = False
    auth: Annotated[RelayAuth | None, doc("Login at the relay.")] = None


class SocksTransport(Section, frozen=True):
    """Direct delivery through a SOCKS5 proxy. Add its addresses to SPF records, and set up reverse DNS for them."""

    address: Annotated[str, doc("Proxy host and port, like `proxy.example.org:1080`.")]
    remote_ips: Annotated[tuple[IP, ...], doc("Public addresses of the proxy.")]
    remote_hostname: Annotated[Domain, doc("Host name for these addresses, used in EHLO.")]


class DirectTransport(Section, frozen=True):
    """Direct delivery with different settings."""

    disable_ipv4: Annotated[bool, doc("Only connect over IPv6.")] = False
    disable_ipv6: Annotated[bool, doc("Only connect over IPv4.")] = False


class FailTransport(Section, frozen=True):
    """Fail immediately without an attempt."""

    smtp_code: Annotated[int, doc("Error code. 4xx errors are retried, 5xx errors are permanent.")] = 554
    smtp_message: Annotated[AsciiText, doc("Error text.")] = "can't deliver to this destination"


class Transport(Section, frozen=True):
    """A way to send mail, chosen by a route. Set up to one method. Without one, mail is delivered directly."""

    submissions: Annotated[RelayTransport | None, doc("Relay with implicit TLS, port 465.")] = None
    submission: Annotated[RelayTransport | None, doc("Relay with STARTTLS, port 587.")] = None
    smtp: Annotated[RelayTransport | None, doc("Relay with STARTTLS, port 25.")] = None
    socks: Annotated[SocksTransport | None, doc("Through a SOCKS5 proxy.")] = None
    direct: Annotated[DirectTransport | None, doc("Directly to the recipients' servers.")] = None
    fail: Annotated[FailTransport | None, doc("Fail immediately.")] = None
