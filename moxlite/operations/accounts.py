"""The operations about accounts and their addresses in domains.toml (ADMIN-15..17, WEB-81)."""

import datetime as dt
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from moxlite.operations import MANAGERS, OWNER, Operation, Role, Word, change, field, query

Name: TypeAlias = Annotated[Word, field(metavar="NAME")]


class AccountInfo(msgspec.Struct, frozen=True):
    """A line of a list of accounts. `disabled`: the text for log-ins, empty when they're allowed."""

    account: str
    description: str
    disabled: str
    addresses: list[str]


class AddressInfo(msgspec.Struct, frozen=True):
    """An address and the account that has it."""

    address: str
    account: str


@query("config account list", Role.COMMAND_LINE | Role.TOKEN)
class ListAccounts(Operation[list[AccountInfo]], frozen=True):
    """List all accounts, including disabled ones."""


@query("config account addresses", Role.COMMAND_LINE | Role.TOKEN, columns=("address",))
class ListAddresses(Operation[list[AddressInfo]], frozen=True):
    """List addresses for account NAME."""

    account: Name


class LoginInfo(msgspec.Struct, frozen=True):
    """Equal logins, or failed attempts to log in, between two moments. `account`: "-" for an unknown one, "(admin)" for
    the admin app. `result`: "ok", or why it failed.
    """

    first: dt.datetime
    last: dt.datetime
    count: int
    account: str
    address: str
    remote_ip: str
    protocol: str
    result: str
    app_password: str
    user_agent: str


@query(
    "account logins",
    Role.COMMAND_LINE,
    columns=("last", "count", "account", "remote_ip", "protocol", "result", "app_password", "user_agent"),
)
class ListLogins(Operation[list[LoginInfo]], frozen=True):
    """List logins to account NAME, and where they came from. The newest is first. This includes failed logins, and goes
    back 30 days. Without NAME, this lists logins to all accounts and the admin app.
    """

    account: Annotated[Word, field(metavar="NAME", argument=True)] = ""
    count: Annotated[int, field("Number of lines.  [default: 50]", ge=1, le=10_000)] = 50


@change(
    "config account add",
    Role.COMMAND_LINE | Role.PAGES | Role.TOKEN,
    done="added account {account} with {address}. To set its password, run: moxlite account set-password {account}",
)
class AddAccount(Operation[None], frozen=True):
    """Add account NAME with ADDRESS. To set a password, run `moxlite account set-password NAME`."""

    account: Name
    address: Word


# Not for tokens, as all that the apps confirm first: a program that is taken over must not be able to delete mail.
@change("config account rm", OWNER, confirm=True, done="deleted account {account}")
class RemoveAccount(Operation[None], frozen=True):
    """Delete account NAME. THIS DELETES ALL MAIL, login, sessions, and keys. Outgoing messages will still be sent, but
    not messages on hold or scheduled for later.
    """

    account: Name


@change(
    "config account disable",
    MANAGERS | Role.PAGES,
    done="account {account} can no longer log in, and still gets mail. To undo this, run: "
    "moxlite config account enable {account}",
)
class DisableAccount(Operation[None], frozen=True):
    """Disable logins for account NAME. The user sees MESSAGE, and all sessions end. The account still receives mail."""

    account: Name
    message: str


@change("config account enable", MANAGERS, done="account {account} can log in again")
class EnableAccount(Operation[None], frozen=True):
    """Enable logins for account NAME again."""

    account: Name


@change("config account quota", Role.COMMAND_LINE | Role.TOKEN, done="account {account} now has the quota {size}")
class SetQuota(Operation[None], frozen=True):
    """Set the message storage quota to a size, ``none`` for no limit, or ``default`` to use the server's limit."""

    account: Name
    size: str


class SettingInfo(msgspec.Struct, frozen=True):
    """A setting of an account: its value in words, and whether domains.toml has it."""

    key: str
    value: str
    set: bool
    about: str


@query("config account settings", Role.COMMAND_LINE, columns=("key", "value", "set"))
class ListSettings(Operation[list[SettingInfo]], frozen=True):
    """List account NAME's settings. Only those with a single value or a list of strings are shown.

    See [config.md](config.md) for details. To change tables like address rules, use the admin app or domains.toml.
    """

    account: Name


@change("config account set", Role.COMMAND_LINE, done="account {account} now has {key} = {value}")
class SetSetting(Operation[None], frozen=True):
    """Change a setting for account NAME. For example, full_name. To see settings, use `config account settings`.

    VALUE is a string (without quotes, unlike in domains.toml), true or false, or a comma-separated list. To remove the
    setting from the file, use "default". For quota, use a size like 5g or 500m, "none" for no limit, or "default" to
    use the limit in moxlite.toml. If the account is full, mail is deferred, so senders will retry for days.
    """

    account: Name
    key: Word
    value: Annotated[str, Meta(max_length=16_000), field(kind=str)]


@change("config address add", MANAGERS, done="account {account} now gets mail to {address}")
class AddAddress(Operation[None], frozen=True):
    """Give ACCOUNT another ADDRESS. @DOMAIN includes all addresses in a domain, except those used by other accounts."""

    address: Word
    account: Word


@change("config address rm", OWNER, confirm=True, done="removed {address}")
class RemoveAddress(Operation[None], frozen=True):
    """Remove ADDRESS from all accounts and aliases."""

    address: Word


@query("config address account", Role.COMMAND_LINE | Role.TOKEN)
class FindAddress(Operation[AddressInfo], frozen=True):
    """Show which account uses ADDRESS."""

    address: Word
