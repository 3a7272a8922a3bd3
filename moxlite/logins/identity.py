"""The values of a log-in: the request, the candidates for its password, the resulting identity, and the exceptions of a
failed one, which each protocol turns into its replies.
"""

import base64
from typing import ClassVar, Final, Literal, TypeAlias

import msgspec

from moxlite.net.limits import IPAddress
from moxlite.proto.address import Address, AddressError
from moxlite.proto.sasl import Secrets
from moxlite.store.auth.apppasswords import AppPassword
from moxlite.store.auth.loginattempts import AttemptResult
from moxlite.store.auth.sessions import NO_PROVIDER, ProviderLogin
from moxlite.store.changelog.origin import Origin

Protocol: TypeAlias = Literal[
    "smtp",
    "submission",
    "imap",
    "managesieve",
    "webmail",
    "webaccount",
    "webadmin",
    "webapi",
    "dav",
    "jmap",
    "addresses",
    "website",
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
    a certificate; `app_expires`: its expiry (µs UTC), None for never; `read_only`: nothing may be changed (STORE-191);
    `shares`, `scripts`: permissions and Sieve scripts may be changed (STORE-191b);
    `only_addresses`: a token for addresses to give away and nothing else, with which programs log in by JMAP (MASK-13).
    `provider`: the log-in at the login provider; `logouts`: the number of log-outs there when that began
    (`ProviderLogouts`).
    `key`: fingerprint of the client certificate's key that was used, "" for passwords.
    `login`: the address as typed, including the part after a separator (SMTP-118); None if it equals the canonical one.
    """

    account: str
    address: str
    app_password: str = ""
    app_id: int | None = None
    app_expires: int | None = None
    read_only: bool = False
    login: Address | None = None
    only_addresses: bool = False
    shares: bool = True
    scripts: bool = True
    key: str = ""
    provider: ProviderLogin = NO_PROVIDER
    logouts: int = 0

    def used(self, *, app_password: str = "", key: str = "") -> bool:
        """Whether the user logged in by the app password of this name, or by this TLS key; either may be ""."""
        return (not app_password or self.app_password == app_password) and (not key or self.key == key)


class Candidate(msgspec.Struct, frozen=True):
    """The SASL secrets of one password: of the app password `app`, or of the account's own if None."""

    secrets: Secrets
    app: AppPassword | None = None


class CertificateLogin(msgspec.Struct, frozen=True, kw_only=True):
    """The account that a known client certificate belongs to, and its settings."""

    identity: Identity
    no_imap_preauth: bool


NO_SHARING: Final = (
    'this app password can\'t change sharing; to allow this, turn on "change sharing" for it on the account page, '
    "under Security"
)
NO_SCRIPTS: Final = (
    'this app password can\'t change Sieve scripts; to allow this, turn on "change Sieve scripts" for it on the '
    "account page, under Security"
)
"""Words for those who lack `Identity.shares` or `Identity.scripts`; in ASCII, for IMAP."""


def origin_of(identity: Identity, via: Protocol, remote: IPAddress) -> Origin:
    """The actor of changes in this log-in."""
    return Origin(identity.account, via, str(remote), identity.app_password or identity.key)


def by_app_password(
    account: str, address: str, app: AppPassword, login: Address | None, protocol: Protocol
) -> Identity:
    """A user who has logged in by an app password or a token."""
    return Identity(
        account,
        address,
        app.name,
        app.id,
        app.expires,
        app.read_only,
        login=login,
        only_addresses=protocol == "jmap" and "jmap" not in app.scopes,
        shares="sharing" in app.scopes,
        scripts="sieve" in app.scopes,
    )


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


# Exceptions of a failed log-in, one per cause; each protocol turns them into its replies.


class LoginRefused(Exception):
    """A log-in that failed; the text is for the user, without secrets. `result`: the word for auth.db and metrics."""

    result: ClassVar[AttemptResult] = "error"
    counted: ClassVar[bool] = False


class WrongCredentials(LoginRefused):
    """User name, password or the mechanism's proof is wrong, or the account is not the one asked for; the reply does
    not say which.
    """

    result = "badcreds"
    counted = True


class FactorNeeded(LoginRefused):
    """The password is right, and the account has second factors: `identity` is who may go on to the second step
    (WEB-151). Not counted as a failure, nor as a success.
    """

    result = "factorneeded"

    def __init__(self, identity: Identity) -> None:
        super().__init__("verification required")
        self.identity = identity


class WrongFactor(LoginRefused):
    """The code or the answer of the security key is wrong, or was used before (WEB-151)."""

    result = "badfactor"
    counted = True


class ForeignIdentity(WrongCredentials):
    """The client wants to act as another user (SASL authorization identity)."""


class BadChannelBinding(LoginRefused):
    """The client is bound to another TLS connection than ours: there may be a man in the middle (SMTP-55)."""

    result = "badchanbind"
    counted = True


class BadExchange(LoginRefused):
    """The client broke the rules of the mechanism."""

    result = "badprotocol"


class NoSecrets(LoginRefused):
    """The account has no secret for this mechanism: its password must be set again (SMTP-57, STORE-101). Not counted
    as a failure.
    """


class LoginDisabled(LoginRefused):
    """The credentials are right, but the account's log-in is disabled; the text is the configured one."""

    result = "logindisabled"


class NotPermitted(LoginRefused):
    """The app password is right, but has another scope or has expired; the text says which."""

    result = "notpermitted"


class RateLimited(LoginRefused):
    """Too many failures from this network, or to this account; nothing was checked, nothing is recorded."""


class NoAdminPassword(LoginRefused):
    """No admin password is set, so log-ins as administrator are refused."""
