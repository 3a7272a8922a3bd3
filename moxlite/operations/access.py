"""The operations about ways into accounts: passwords, app passwords, second factors, keys of certificates, limits of
log-ins, shared mailboxes, addresses to which mail is sent on; and about mail that was removed (ADMIN-19, WEB-81).
"""

import datetime as dt
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.operations import (
    MANAGERS,
    OWNER,
    USERS,
    Operation,
    R,
    Role,
    Scope,
    UserOperation,
    Word,
    change,
    field,
    query,
)
from moxlite.operations.accounts import Name
from moxlite.store.changelog.origin import WayKind
from moxlite.store.forms import LAST, CertificateChange

LOCAL: Role = Role.COMMAND_LINE | Role.PAGES

Fingerprint: TypeAlias = Annotated[str, field(kind=str, max_length=100)]


@change("account set-password", LOCAL, done="changed the password of account {account}, and ended its sessions")
class SetPassword(Operation[None], frozen=True):
    """Set the password for account NAME and end its sessions. Enter the password twice when prompted, or use the first
    line of stdin.
    """

    account: Name
    password: str  # no bounds here: the reason why one is refused is told by `check_password`

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"SetPassword(account={self.account!r})"


class HashTaken(msgspec.Struct, frozen=True):
    """Whether a hash was stored, and its scheme if a stolen hash of it is guessed fast, else ""."""

    stored: bool
    weak: str


@change("account set-hash", Role.COMMAND_LINE | Role.PAGES)
class SetHash(Operation[HashTaken], frozen=True):
    """Set account NAME's password from its hash. The hash can be from another server. Enter it when prompted, or use
    the first line of stdin.

    The server replaces the hash at the first login. Supported hashes: SHA512-CRYPT, SHA256-CRYPT, MD5-CRYPT, bcrypt,
    argon2i, argon2id, SSHA, SSHA512, and PBKDF2, with or without Dovecot's {SCHEME}. Existing passwords aren't changed.
    """

    account: Name
    hash: str

    def __repr__(self) -> str:
        """Without the hash, which must not reach a log."""
        return f"SetHash(account={self.account!r})"


class UndeletedMail(msgspec.Struct, frozen=True):
    """Numbers of messages that are back, and of those that could not be read."""

    messages: int
    damaged: int


@change("account undelete", OWNER)
class Undelete(Operation[UndeletedMail], frozen=True):
    """Restore messages deleted at or after `since` (µs UTC) to `mailbox`, or to all mailboxes if the name is empty."""

    account: Name
    since: Annotated[int, Meta(ge=0, lt=1 << 62)] = 0
    mailbox: Annotated[str, Meta(max_length=4000)] = ""


# App passwords (STORE-191, IMAP-158, SMTP-165)


AppScope: TypeAlias = Literal["imap", "submission", "webapi", "dav", "jmap", "addresses", "sharing", "sieve"]


class AppPasswordInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An app password, or an access `token`. Its last use is known to the hour, address and protocol of it for 30
    days.
    """

    name: str
    token: bool
    scopes: list[AppScope]
    read_only: bool
    created: dt.datetime
    expires: dt.datetime | None
    expired: bool
    last_used: dt.datetime | None
    last_ip: str
    last_protocol: str


@change("account app-password add", USERS, confirm=True, secret=True)
class AppPasswordAdd(UserOperation[str], frozen=True):
    """Create an app password, or an access token with `token`, and return it. `expires`: µs UTC, or None for never."""

    name: Annotated[str, Meta(max_length=200)]
    scopes: Annotated[list[AppScope], Meta(max_length=8)]
    read_only: bool = False
    expires: Annotated[int, Meta(le=LAST)] | None = None
    token: bool = False


@query(
    "account app-password list",
    USERS,
    columns=("name", "token", "scopes", "read_only", "created", "last_used", "expires", "expired"),
)
class ListAppPasswords(UserOperation[list[AppPasswordInfo]], frozen=True):
    """List ACCOUNT's app passwords and tokens. This shows their scopes and when they were last used (to the hour)."""


@change(
    "account app-password allow",
    USERS,
    confirm=True,
    done="changed app password {name} of account {account}, and ended its sessions",
)
class AllowAppPassword(UserOperation[None], frozen=True):
    """Let an app password change sharing and Sieve scripts. This sets it for ACCOUNT's app password or token NAME, and
    ends its sessions.
    """

    name: Annotated[str, Meta(max_length=200)]
    sharing: Annotated[bool, field("Allow changes to sharing.")] = False
    sieve: Annotated[bool, field("Allow changes to Sieve scripts.")] = False


@change(
    "account app-password rm",
    USERS,
    confirm=True,
    done="revoked app password {name} of account {account}, and ended its sessions",
)
class RemoveAppPassword(UserOperation[None], frozen=True):
    """Revoke ACCOUNT's app password or token NAME. This ends its sessions."""

    name: Annotated[str, Meta(max_length=200)]


# Shared mailboxes (IMAP-157)


class ShareInfo(msgspec.Struct, frozen=True):
    """Rights of a guest in a mailbox."""

    mailbox: str
    guest: str
    rights: str


@query("account share list", Role.COMMAND_LINE, columns=("mailbox", "guest", "rights"))
class ListShares(UserOperation[list[ShareInfo]], frozen=True):
    """List ACCOUNT's shared mailboxes, with users and permissions."""


@change("account share set", USERS, confirm=True, done="shared {mailbox} of account {account} with {guest}: {rights}")
class ShareSet(UserOperation[None], frozen=True):
    """Set the rights (letters from RFC 4314) of `guest` (an account, an address, or ``anyone``) on a mailbox, and with
    `below` on its submailboxes.
    """

    mailbox: Annotated[str, Meta(max_length=1000)]
    guest: Annotated[str, Meta(max_length=1000)]
    rights: Annotated[str, Meta(max_length=50)]
    below: bool = False


@change("account share rm", Role.COMMAND_LINE, done="stopped sharing {mailbox} of account {account} with {guest}")
class ShareRemove(UserOperation[None], frozen=True):
    """Stop sharing ACCOUNT's MAILBOX with GUEST."""

    mailbox: str
    guest: str
    below: Annotated[bool, field("Include mailboxes below MAILBOX.")] = False


# Those who may write from an account's addresses (SMTP-189)


class DelegateInfo(msgspec.Struct, frozen=True):
    """Who may write from the addresses of an account. `sends`: ``as`` the owner, or on ``behalf``, with the guest's own
    address in Sender. `whole`: also all mailboxes, calendars, and address books.
    """

    guest: str
    sends: str
    ends: dt.datetime | None
    whole: bool


@query("account delegate list", OWNER, columns=("guest", "sends", "ends", "whole"))
class ListDelegates(UserOperation[list[DelegateInfo]], frozen=True):
    """List accounts that can send from ACCOUNT's addresses. This shows their type and expiration."""


@change(
    "account delegate set",
    USERS | Role.ADMIN,
    confirm=True,
    done="{guest} can now send from the addresses of account {account}",
)
class DelegateSet(UserOperation[None], frozen=True):
    """Let `guest` (an account, or an account's address) send from an account's addresses: ``as`` the owner, or on
    ``behalf``, with the guest's own address in Sender. `ends`: µs UTC, or 0 for never. `whole`: until then, the guest
    can also view and edit all of the account's mailboxes, calendars, and address books.
    """

    guest: Annotated[str, Meta(max_length=1000)]
    sends: Literal["as", "behalf"]
    ends: Annotated[int, Meta(ge=0, le=LAST)] = 0
    whole: bool = False


@change(
    "account delegate rm",
    USERS | Role.ADMIN,
    done="{guest} can no longer send from the addresses of account {account}",
)
class DelegateRemove(UserOperation[None], frozen=True):
    """Stop GUEST from sending from ACCOUNT's addresses."""

    guest: Annotated[str, Meta(max_length=1000)]


# All that gives access to an account (WEB-192)


MAX_WAYS: Final = 1000
"""Ways in of a page."""

WayID: TypeAlias = Annotated[str, Meta(min_length=3, max_length=1200)]


class WayInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Something that gives access to an account, or takes its mail elsewhere.

    Attributes:
      id: the kind, a colon, and its key.
      name: of the folder, calendar, app, device, or script. who: a guest, an address, a host, or a URL.
      access: letters of rights (RFC 4314), scopes of an app password, or how a delegate sends.
      set_up: None if unknown.
      actor, via, remote_ip, login: who set it up, by which app or protocol, from which address, and by which app
        password or certificate; "" if unknown.
      current: the session of this request.
      place: for the page after this row.
    """

    id: str
    kind: WayKind
    name: str
    who: str
    access: str
    set_up: dt.datetime | None
    actor: str
    via: str
    remote_ip: str
    login: str
    current: bool
    place: str


class TakenBack(msgspec.Struct, frozen=True):
    """Ways in that were taken back, and those that couldn't be, with the reasons by their ids."""

    ways: list[WayInfo]
    failed: dict[str, str]


@query(
    "account access",
    USERS | Role.ADMIN,
    columns=("set_up", "kind", "name", "who", "access", "actor", "via", "remote_ip", "login", "id"),
)
class ListWays(UserOperation[list[WayInfo]], frozen=True):
    """List who and what has access to an account's mail, newest first: set up `since` a time (µs UTC), the page `after`
    the `place` of a row.
    """

    since: Annotated[int, Meta(ge=0, le=LAST)] = 0
    after: Annotated[str, Meta(max_length=1300)] = ""
    count: Annotated[int, Meta(ge=1, le=MAX_WAYS)] = 100


@change("account remove-access", USERS | Role.ADMIN, confirm=True, done="removed access {way} of account {account}")
class RemoveWay(UserOperation[None], frozen=True):
    """Remove one access to ACCOUNT's mail. WAY is its ID from `moxlite account access`."""

    way: WayID


@change("account take-back", USERS | Role.ADMIN, confirm=True)
class TakeBack(UserOperation[TakenBack], frozen=True):
    """Remove everything that was given access to an account's mail since a time (µs UTC)."""

    since: Annotated[int, Meta(ge=0, le=LAST)]
    keep: Annotated[tuple[WayID, ...], Meta(max_length=MAX_WAYS)] = ()


# Second factors, recovery links and limits of log-ins (WEB-56, WEB-151)


class FactorInfo(msgspec.Struct, frozen=True):
    """A second factor. `kind`: app, key or codes; `name`: of the device, or the number of recovery codes left. Times in
    UTC, "" for none.
    """

    account: str
    kind: str
    name: str
    host: str
    created: str
    last_used: str


class FactorsRemoved(msgspec.Struct, frozen=True):
    """Number of apps and keys that were removed."""

    removed: int


class LinkMade(msgspec.Struct, frozen=True):
    """A recovery link, and its end in UTC."""

    url: str
    expires: str


class LimitInfo(msgspec.Struct, frozen=True):
    """Failed log-ins in the present window. `who`: a network, an account, or an account at a network; `network`: that
    network, "" for an account alone. `window`: seconds; `refused`: further log-ins are refused until the window ends.
    """

    who: str
    window: int
    failures: int
    limit: int
    refused: bool
    network: str = ""


@query(
    "account second-factors",
    Role.COMMAND_LINE,
    columns=("account", "kind", "name", "host", "created", "last_used"),
)
class ListFactors(Operation[list[FactorInfo]], frozen=True):
    """List verification methods for NAME or all accounts. These are authenticator apps, security keys, and recovery
    codes left.
    """

    account: Annotated[str, field(metavar="NAME", argument=True)] = ""


@change("account reset-second-factor", LOCAL)
class ResetFactors(Operation[FactorsRemoved], frozen=True):
    """Remove all verification methods from account NAME. This ends its sessions. Do this if the user lost them.

    The user will get an email, and can then log in with just the password, even in mail clients.
    """

    account: Name


@change("account recovery-link", LOCAL)
class MakeLink(Operation[LinkMade], frozen=True):
    """Print a link to set a new password for account NAME. The link works once, and expires after an hour or DAYS.

    Give the link to the user in person or by phone, not by email. Creating another link revokes this one. The user will
    get an email. The account page must have a public address: `moxlite config listeners publish-web on`.
    """

    account: Name
    reset_factors: Annotated[
        bool, field("Using the link also removes verification methods.", "--reset-second-factor")
    ] = False
    days: Annotated[int, field("Days until the link expires, up to 7.  [default: 1 hour]", ge=0, le=7)] = 0


@query("limits list", MANAGERS, columns=("who", "window", "failures", "limit", "refused"))
class ListLimits(Operation[list[LimitInfo]], frozen=True):
    """List networks and accounts with failed logins. This also shows their limits."""


@change("limits clear", MANAGERS)
class ClearLimits(Operation[int], frozen=True):
    """Clear failed logins for the address IP. This includes its networks. If you don't specify IP, all failed logins
    are cleared.
    """

    ip: Word = ""


# People of the login provider (WEB-181)


Subject: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255)]


class ConnectionInfo(msgspec.Struct, frozen=True):
    """A person of a login provider who logs in to an account, since when, and when last (UTC)."""

    account: str
    issuer: str
    subject: str
    since: str
    last_login: str


@query("account provider list", Role.COMMAND_LINE, columns=("account", "issuer", "subject", "since", "last_login"))
class ListConnections(Operation[list[ConnectionInfo]], frozen=True):
    """List login provider users for NAME or all accounts."""

    account: Annotated[str, field(metavar="NAME", argument=True)] = ""


@change(
    "account provider connect",
    Role.COMMAND_LINE,
    done="login provider user {subject} can now log in to account {account}",
)
class ConnectProvider(Operation[None], frozen=True):
    """Let login provider user SUBJECT log in to account NAME. The user will get an email.

    SUBJECT is the user's claim `sub`. This is the provider's own ID, not a name or an address.
    """

    account: Name
    subject: Annotated[Subject, field(kind=str)]


@change(
    "account provider disconnect",
    Role.COMMAND_LINE,
    done="login provider user {subject} can no longer log in to account {account}",
)
class DisconnectProvider(Operation[None], frozen=True):
    """Disconnect login provider user SUBJECT from NAME. This ends the account's web sessions."""

    account: Name
    subject: Annotated[Subject, field(kind=str)]


# Keys of client certificates (STORE-104)


class TLSKeyInfo(msgspec.Struct, frozen=True):
    """A key of a client certificate as programs and pages see it: `admin.credentialcommands.key_info` makes it of the
    store's `TLSKey`. `no_imap_preauth`: IMAP programs still log in by command. `mark`: of what can be changed, for
    `ChangeKey`. `certificate`: PEM, "" in lists. `last_used`: None if it was not used within 30 days; `last_protocol`
    and `last_ip` are of that log-in.
    """

    fingerprint: str
    account: str
    login_address: str
    name: str
    type: str
    no_imap_preauth: bool
    created: dt.datetime
    mark: str
    certificate: str = ""
    last_used: dt.datetime | None = None
    last_ip: str = ""
    last_protocol: str = ""


class KeyOperation(UserOperation[R], frozen=True, kw_only=True):
    """An operation about keys. The owner may leave out the account."""

    account: Annotated[Word, field("Only if it belongs to this account.")] = ""


@query(
    "config tlspubkey list",
    USERS,
    columns=("fingerprint", "account", "login_address", "name", "type", "created", "last_used"),
)
class ListKeys(KeyOperation[list[TLSKeyInfo]], frozen=True):
    """List client certificates for ACCOUNT, or all."""

    account: Annotated[Word, field(argument=True)] = ""


@query("config tlspubkey get", Role.COMMAND_LINE)
class GetKey(Operation[TLSKeyInfo], frozen=True):
    """Show the client certificate with FINGERPRINT."""

    fingerprint: Fingerprint


class KeyChallenge(msgspec.Struct, frozen=True):
    """The command with which a user proves to have a private key, `key.pem`, and when its output expires."""

    command: str
    expires: dt.datetime


@query("config tlspubkey challenge", USERS | Role.ADMIN)
class ChallengeKey(UserOperation[KeyChallenge], frozen=True):
    """Print an openssl command that proves who has a key. Its output is needed to add the certificate to ACCOUNT.

    Run the command where the key is, and pass its output to `tlspubkey add` after the certificate. Certificates are
    public, so anyone could send you someone else's. The output is valid for a day, or until the server restarts.
    """


@change("config tlspubkey add", USERS | Role.ADMIN, confirm=True)
class AddKey(KeyOperation[TLSKeyInfo], frozen=True):
    """Allow login to an address with a client certificate (PEM). If you don't specify `name`, the certificate's name is
    used. `proof`: the output of the command from `config tlspubkey challenge`. You don't need it if a mail client with
    this certificate has logged in to the account within a day.
    """

    address: Annotated[str, Meta(max_length=1000)]
    certificate: Annotated[str, Meta(max_length=100_000)]
    name: Annotated[str, Meta(max_length=256)] = ""
    no_imap_preauth: bool = False
    proof: Annotated[str, Meta(max_length=100_000)] = ""


@change("config tlspubkey set", USERS, confirm=True, done="changed client certificate {fingerprint}")
class ChangeKey(KeyOperation[None], frozen=True):
    """Change the client certificate with FINGERPRINT. Other details don't change."""

    fingerprint: Fingerprint
    changed: CertificateChange = CertificateChange()
    mark: Annotated[Word, field("Only if `list --json` still shows this mark.")] = ""


@change(
    "config tlspubkey rm",
    USERS | Role.ADMIN,
    confirm=True,
    done="removed client certificate {fingerprint}, and ended its sessions",
)
class RemoveKey(KeyOperation[None], frozen=True):
    """Remove the client certificate with FINGERPRINT. This ends its mail sessions."""

    fingerprint: Fingerprint


# Tokens of the admin API (WEB-168)


class AdminTokenInfo(msgspec.Struct, frozen=True):
    """A token of the admin API. Times in UTC, "" for never; `used_from`: the address of the last use."""

    name: str
    scopes: list[str]
    created: str
    expires: str
    expired: bool
    last_used: str
    used_from: str


@change("admin token add", OWNER, confirm=True, secret=True)
class AddAdminToken(Operation[str], frozen=True):
    """Create and print an admin API token for an API client. You won't be able to see it again.

    Scopes: read (anything that doesn't make changes), accounts, domains, queue, reports, dns, server. Tokens can't set
    passwords, create tokens, or delete accounts or domains. For details, run `moxlite help operations.md`.
    """

    name: Annotated[Word, field("Description of the token.")]
    scopes: Annotated[list[Scope], field(min_length=1, max_length=7)]
    days: Annotated[int, field("Days until the app password expires."), Meta(ge=1, le=3650)] = 365


@query("admin token list", OWNER, columns=("name", "scopes", "created", "expires", "expired", "last_used", "used_from"))
class ListAdminTokens(Operation[list[AdminTokenInfo]], frozen=True):
    """List admin API tokens. This shows their scopes and when they were last used (to the hour)."""


@change("admin token rm", OWNER, done="revoked token {name}")
class RemoveAdminToken(Operation[None], frozen=True):
    """Revoke token NAME. The next call will be rejected."""

    name: Annotated[Word, field(metavar="NAME")]
