"""The operations about ways into accounts: passwords, app passwords, second factors, keys of certificates, limits of
log-ins, shared mailboxes, addresses to which mail is sent on; and about mail that was removed (ADMIN-19, WEB-81).
"""

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.operations import MANAGERS, OWNER, USERS, Operation, Role, Scope, UserOperation, Word, change, field, query
from moxlite.operations.accounts import Name

LOCAL: Role = Role.COMMAND_LINE | Role.PAGES

Fingerprint: TypeAlias = Annotated[str, Meta(max_length=100)]


@change("account set-password", LOCAL)
class SetPassword(Operation[None], frozen=True):
    """Set the password of account NAME: asked for twice, or the first line of stdin. Ends its sessions."""

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
    """Give account NAME the password that it has on another server, by its hash: asked for, or the first line of stdin.

    The first login replaces it. Forms: SHA512-CRYPT, SHA256-CRYPT, MD5-CRYPT, bcrypt, argon2i, argon2id, SSHA, SSHA512
    and PBKDF2, with or without Dovecot's {SCHEME}. An account that has a password of its own keeps it.
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
    """Bring back messages that were removed at or after `since` (µs UTC), of `mailbox`, or all with an empty name."""

    account: Name
    since: Annotated[int, Meta(ge=0, lt=1 << 62)] = 0
    mailbox: Annotated[str, Meta(max_length=4000)] = ""


# App passwords (STORE-191, IMAP-158, SMTP-165)


class AppPasswordInfo(msgspec.Struct, frozen=True):
    """An app password or token; times are formatted, UTC, "" for never."""

    name: str
    scopes: list[str]
    read_only: bool
    created: str
    last_used: str
    expires: str
    expired: bool
    token: bool = False


@change("account app-password add", USERS, confirm=True)
class AppPasswordAdd(UserOperation[str], frozen=True):
    """Make an app password, or with `token` an access token, and return it. `expires` in µs UTC, None for never."""

    name: Annotated[str, Meta(max_length=200)]
    scopes: Annotated[list[Literal["imap", "submission", "webapi", "dav", "jmap", "addresses"]], Meta(max_length=6)]
    read_only: bool = False
    expires: int | None = None
    token: bool = False


@query(
    "account app-password list",
    Role.COMMAND_LINE,
    columns=("name", "token", "scopes", "read_only", "created", "last_used", "expires", "expired"),
)
class ListAppPasswords(UserOperation[list[AppPasswordInfo]], frozen=True):
    """List the app passwords and tokens of ACCOUNT, with what they are for, and when they were used (to the hour)."""


@change("account app-password rm", USERS, confirm=True)
class RemoveAppPassword(UserOperation[None], frozen=True):
    """Revoke the app password or token NAME of ACCOUNT; its sessions end."""

    name: Annotated[str, Meta(max_length=200)]


# Shared mailboxes (IMAP-157)


class ShareInfo(msgspec.Struct, frozen=True):
    """What a guest may do in a mailbox."""

    mailbox: str
    guest: str
    rights: str


@query("account share list", Role.COMMAND_LINE, columns=("mailbox", "guest", "rights"))
class ListShares(UserOperation[list[ShareInfo]], frozen=True):
    """List what ACCOUNT shares: mailboxes, with whom, and the rights."""


@change("account share set", USERS, confirm=True)
class ShareSet(UserOperation[None], frozen=True):
    """Give `guest`, an account, an address or ``anyone``, just these rights, letters of RFC 4314, on a mailbox; with
    `below` also on the mailboxes below it.
    """

    mailbox: Annotated[str, Meta(max_length=1000)]
    guest: Annotated[str, Meta(max_length=1000)]
    rights: Annotated[str, Meta(max_length=50)]
    below: bool = False


@change("account share rm", Role.COMMAND_LINE)
class ShareRemove(UserOperation[None], frozen=True):
    """Take all rights on a MAILBOX of ACCOUNT from GUEST."""

    mailbox: str
    guest: str
    below: Annotated[bool, field("Also from the mailboxes below MAILBOX.")] = False


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
    """List the second factors of account NAME, or of all accounts: code apps, security keys, recovery codes left."""

    account: Annotated[str, field(metavar="NAME", argument=True)] = ""


@change("account reset-second-factor", LOCAL)
class ResetFactors(Operation[FactorsRemoved], frozen=True):
    """Remove all second factors of account NAME, whose user has lost them; its sessions end.

    The password alone is enough after that, also in mail programs. The user is told by mail.
    """

    account: Name


@change("account recovery-link", LOCAL)
class MakeLink(Operation[LinkMade], frozen=True):
    """Print a link by which the user of account NAME sets a new password, once and within an hour, or DAYS.

    Give it to the user in person or by phone, not by mail. A newer link replaces it. The user is told by mail. The
    account page must have a public address: `moxlite config listeners publish-web on`.
    """

    account: Name
    reset_factors: Annotated[bool, field("Its use removes the second factors, too.", "--reset-second-factor")] = False
    days: Annotated[int, field("How long it can be used, up to 7.  [default: an hour]", ge=0, le=7)] = 0


@query("limits list", MANAGERS, columns=("who", "window", "failures", "limit", "refused"))
class ListLimits(Operation[list[LimitInfo]], frozen=True):
    """List networks and accounts with failed log-ins, and the limits beyond which further ones are refused."""


@change("limits clear", MANAGERS)
class ClearLimits(Operation[int], frozen=True):
    """Forget the failed log-ins of the address IP and its networks; without IP all, of accounts too."""

    ip: Word = ""


# People of the login provider (WEB-181)


Subject: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255)]


class ConnectionInfo(msgspec.Struct, frozen=True):
    """A person of a login provider who logs in to an account, since when (UTC)."""

    account: str
    issuer: str
    subject: str
    since: str


@query("account provider list", Role.COMMAND_LINE, columns=("account", "issuer", "subject", "since"))
class ListConnections(Operation[list[ConnectionInfo]], frozen=True):
    """List who logs in by the login provider: to account NAME, or to all accounts."""

    account: Annotated[str, field(metavar="NAME", argument=True)] = ""


@change("account provider connect", Role.COMMAND_LINE)
class ConnectProvider(Operation[None], frozen=True):
    """Let the person SUBJECT of the login provider log in to account NAME. The user is told by mail.

    SUBJECT is the claim `sub` of that person: the provider's own id, not a name or an address.
    """

    account: Name
    subject: Annotated[Subject, field(kind=str)]


@change("account provider disconnect", Role.COMMAND_LINE)
class DisconnectProvider(Operation[None], frozen=True):
    """No longer let the person SUBJECT of the login provider log in to account NAME; its web sessions end."""

    account: Name
    subject: Annotated[Subject, field(kind=str)]


# Keys of client certificates (STORE-104)


class TLSKeyInfo(msgspec.Struct, frozen=True):
    """A key of a client certificate as programs and pages see it: `admin.accountcommands.key_info` makes it of the
    store's `TLSKey`. `no_imap_preauth`: IMAP programs still log in by command. `certificate`: PEM, "" in lists.
    """

    fingerprint: str
    account: str
    login_address: Annotated[str, Meta(max_length=1000)]
    name: Annotated[str, Meta(max_length=256)]
    type: str
    no_imap_preauth: bool
    created: dt.datetime
    certificate: Annotated[str, Meta(max_length=100_000)] = ""


@query(
    "config tlspubkey list",
    Role.COMMAND_LINE,
    columns=("fingerprint", "account", "login_address", "name", "type", "created"),
)
class ListKeys(Operation[list[TLSKeyInfo]], frozen=True):
    """List the keys of ACCOUNT, or all."""

    account: Annotated[str, field(argument=True)] = ""


@query("config tlspubkey get", Role.COMMAND_LINE)
class GetKey(Operation[TLSKeyInfo], frozen=True):
    """Show the key of FINGERPRINT, with its certificate."""

    fingerprint: Annotated[Fingerprint, field(kind=str)]


@change("config tlspubkey add", LOCAL)
class AddKey(Operation[TLSKeyInfo], frozen=True):
    """Let the holder of the key of a certificate (PEM) log in with an address. Without `name` it has the
    certificate's.
    """

    address: str
    certificate: str
    name: str = ""
    no_imap_preauth: bool = False


@change("config tlspubkey rm", LOCAL)
class RemoveKey(Operation[None], frozen=True):
    """Forget the key of FINGERPRINT; it opens nothing from the next connection on."""

    fingerprint: Annotated[Fingerprint, field(kind=str)]


# Addresses to which the mail of an account is sent on (SMTP-159)


class ForwardInfo(msgspec.Struct, frozen=True):
    """What sends mail to an address (``forward_to``, an alias, a script), the state of the address, since when (UTC),
    and the error of the last bounce.
    """

    address: str
    by: str
    state: str
    since: str
    error: str


@change("account forward list", Role.COMMAND_LINE, columns=("address", "by", "state", "since", "error"))
class ListForwards(Operation[list[ForwardInfo]], frozen=True):
    """List the addresses of account NAME: confirmed by their owners, waiting for agreement, bouncing, or stopped.

    Addresses of `forward_to`, of aliases whose mail the account sends on, and of its active Sieve script. While an
    address waits for the agreement of its owner, mail for it is kept in the account.
    """

    account: Name


@change("account forward set", Role.COMMAND_LINE)
class SetForwards(Operation[None], frozen=True):
    """Send what account NAME accepts, and what is not junk, on to each ADDRESS; without ADDRESS to none.

    The owners of new addresses get a mail with a link to a page, and nothing is sent before they have agreed there.
    """

    account: Name
    addresses: Annotated[tuple[str, ...], field(metavar="ADDRESS", argument=True)] = ()
    no_copy: Annotated[
        bool,
        field("Keep no copy in the account. Where a Sieve script is active, it alone decides what is kept."),
    ] = False


class ForwardAddress(Operation[None], frozen=True):
    """An address to which mail is sent on."""

    account: Name
    address: str


@change("account forward ask", Role.COMMAND_LINE)
class AskForward(ForwardAddress, frozen=True):
    """Ask the owner of ADDRESS again, once a day at most."""


@change(
    "account forward confirm",
    Role.COMMAND_LINE,
    ask="Send the mail of {account} to {address} without asking its owner?",
)
class ConfirmForward(ForwardAddress, frozen=True):
    """Send mail of account NAME to ADDRESS without asking its owner, as when both are yours."""


@change("account forward start", Role.COMMAND_LINE)
class StartForward(ForwardAddress, frozen=True):
    """Resume forwarding to ADDRESS after it was stopped for bouncing."""


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


@change("admin token add", OWNER, confirm=True)
class AddAdminToken(Operation[str], frozen=True):
    """Make a token for a program that uses the admin API, and print it. It is shown this once.

    Scopes: read (whatever changes nothing), accounts, domains, queue, reports, dns, server. No token sets passwords,
    removes accounts or domains, or makes tokens: docs/operations.md has what each may do.
    """

    name: Annotated[Word, field("What the token is for.")]
    scopes: Annotated[list[Scope], field(min_length=1, max_length=7)]
    days: Annotated[int, field("Days until it expires."), Meta(ge=1, le=3650)] = 365


@query("admin token list", OWNER, columns=("name", "scopes", "created", "expires", "expired", "last_used", "used_from"))
class ListAdminTokens(Operation[list[AdminTokenInfo]], frozen=True):
    """List the tokens of the admin API, with what they may do, and when they were used (to the hour)."""


@change("admin token rm", OWNER)
class RemoveAdminToken(Operation[None], frozen=True):
    """Revoke the token NAME; its next call is refused."""

    name: Annotated[Word, field(metavar="NAME")]
