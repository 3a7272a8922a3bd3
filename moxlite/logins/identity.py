"""The values of a log-in: the request, the candidates for its password, and the resulting identity."""

import base64
from typing import Literal, TypeAlias

import msgspec

from moxlite.net.limits import IPAddress
from moxlite.proto.address import Address, AddressError
from moxlite.proto.sasl import Secrets
from moxlite.store.auth.apppasswords import AppPassword

Protocol: TypeAlias = Literal[
    "smtp", "submission", "imap", "managesieve", "webmail", "webaccount", "webadmin", "webapi", "dav", "website"
]


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The origin of an attempt to log in.

    `tls`: version and cipher (``TLSv1.3 TLS_AES_128_GCM_SHA256``), empty without TLS. `fingerprint`: of the client
    certificate's key (`fingerprint`), empty without one. `user_agent`: the client's name for itself. `failures`: number
    of earlier failed attempts on this connection.
    """

    protocol: Protocol
    remote: IPAddress
    local: IPAddress
    tls: str = ""
    fingerprint: str = ""
    user_agent: str = ""
    failures: int = 0


class Identity(msgspec.Struct, frozen=True):
    """A logged-in user: the account, and the canonical address used to log in.

    `app_password` and `app_id`: name and number of the app password that was used, "" and None for the account's own or
    a certificate; `app_expires`: its expiry (µs UTC), None for never; `read_only`: nothing may be changed (STORE-191).
    `login`: the address as typed, including the part after a separator (SMTP-118); None if it equals the canonical one.
    """

    account: str
    address: str
    app_password: str = ""
    app_id: int | None = None
    app_expires: int | None = None
    read_only: bool = False
    login: Address | None = None


class Candidate(msgspec.Struct, frozen=True):
    """The SASL secrets of one password: of the app password `app`, or of the account's own if None."""

    secrets: Secrets
    app: AppPassword | None = None


class CertificateLogin(msgspec.Struct, frozen=True, kw_only=True):
    """The account that a known client certificate belongs to, and its settings.

    `disabled`: text of ``login_disabled`` of the account, None when it may log in; the protocols refuse at different
    times (SMTP-62, IMAP-51).
    """

    identity: Identity
    no_imap_preauth: bool
    disabled: str | None = None


def typed(username: str, canonical: Address) -> Address | None:
    """Return the user name as an address, or None if it is not an address or equals the canonical one."""
    try:
        address = Address.parse(username)
    except AddressError:
        return None
    return None if address == canonical else address


def fingerprint(key: bytes | None) -> str:
    """The text form of a key's SHA-256, as in auth.db: base64url without padding; empty for None."""
    return "" if key is None else base64.urlsafe_b64encode(key).rstrip(b"=").decode()
