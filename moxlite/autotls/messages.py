"""Messages between the server and the child that speaks with a CA: JSON, one line each.

The server writes a `Job`; the child answers with events. It waits for a response to `Prove` only: the line `PROVED`,
once the server shows the proof. The last event is one of `LAST`.
"""

from typing import Final, Literal, TypeAlias

import msgspec

ChallengeKind = Literal["tls-alpn-01", "http-01"]

MAX_LINE: Final = 1 << 20
"""Octets of a message. A chain has 10 kB; longer data from a CA is not sensible."""

PROVED: Final = b"proved\n"


class Authority(msgspec.Struct, frozen=True):
    """A CA and our account there.

    ca_file: PEM roots for https, "" for the system's. account_key: PEM. eab_key: base64url, "" without external account
    binding.
    """

    directory: str
    contact: str
    account_key: str
    ca_file: str = ""
    eab_kid: str = ""
    eab_key: str = ""


class Order(msgspec.Struct, frozen=True, tag="order"):
    """Get a certificate.

    csr: PEM, with the names to certify. kinds: challenges that can be answered, the best first. profile: "" for the
    CA's default. replaces: id of the replaced certificate (RFC 9773 §5), or "".
    """

    authority: Authority
    csr: str
    kinds: tuple[ChallengeKind, ...]
    profile: str = ""
    replaces: str = ""


class WindowsAsked(msgspec.Struct, frozen=True, tag="windows"):
    """Request the renewal windows of certificates (RFC 9773 §4), by their ids."""

    authority: Authority
    ids: tuple[str, ...]


class KeyChange(msgspec.Struct, frozen=True, tag="key-change"):
    """Put our account under another key (RFC 8555 §7.3.5). new_key: PEM; the authority has the present one."""

    authority: Authority
    new_key: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Answer once everything is loaded, without a request."""


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """The answer to `Ping`."""


class Registered(msgspec.Struct, frozen=True, tag="registered"):
    """The account at the CA, by its URI (RFC 8555 §7.3), told before the first order."""

    account: str


class Prove(msgspec.Struct, frozen=True, tag="prove"):
    """Show this proof to the CA for `name`; the response is `PROVED`."""

    kind: ChallengeKind
    name: str
    token: str
    key_authorization: str


class Issued(msgspec.Struct, frozen=True, tag="issued"):
    """The certificate chain in PEM, as the CA sent it: unchecked."""

    chain: str


class Window(msgspec.Struct, frozen=True):
    """The window in which the CA wants a certificate to be renewed, seconds UTC; `again`: seconds until the next
    request.
    """

    start: float
    end: float
    again: float


class Windows(msgspec.Struct, frozen=True, tag="windows-are"):
    """A window for each id, None if the CA has no answer. `supported`: the CA offers renewal information."""

    windows: tuple[Window | None, ...]
    supported: bool


class KeyChanged(msgspec.Struct, frozen=True, tag="key-changed"):
    """The CA's answer about the key of our account. account: its URI, "" if neither key has one. refused: "" if the
    new key holds from now on; else the CA's reason, and the former key holds.
    """

    account: str
    refused: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The job failed. text: in the CA's words if it sent any. retry_after: seconds, if the CA named a time. clock:
    seconds that the CA's clock is ahead of ours, if that is more than a few minutes. unreached: the CA could not
    connect to the place of the proofs.
    """

    text: str
    retry_after: float | None = None
    clock: float | None = None
    unreached: bool = False


Job: TypeAlias = Order | WindowsAsked | KeyChange | Ping
Done: TypeAlias = Issued | Windows | KeyChanged | Pong
Event: TypeAlias = Registered | Prove | Done | Failed
LAST: Final = (Issued, Windows, KeyChanged, Pong, Failed)
