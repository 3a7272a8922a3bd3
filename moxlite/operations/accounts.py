"""The operations about accounts and their addresses in domains.toml (ADMIN-15..17, WEB-81)."""

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
    """List all accounts; those that may not log in are marked as disabled."""


@query("config account addresses", Role.COMMAND_LINE | Role.TOKEN, columns=("address",))
class ListAddresses(Operation[list[AddressInfo]], frozen=True):
    """List the addresses of account NAME."""

    account: Name


@change("config account add", Role.COMMAND_LINE | Role.PAGES | Role.TOKEN)
class AddAccount(Operation[None], frozen=True):
    """Add account NAME with ADDRESS. Then give it a password: moxlite account set-password NAME."""

    account: Name
    address: Word


# Not for tokens, as all that the apps confirm first: a program that is taken over must not be able to delete mail.
@change("config account rm", OWNER, confirm=True, ask="Remove account {account} and delete all its mail?")
class RemoveAccount(Operation[None], frozen=True):
    """Remove account NAME. ALL ITS MAIL IS DELETED, with its log-in, sessions and keys; its queued messages stay."""

    account: Name


@change("config account disable", Role.COMMAND_LINE | Role.TOKEN)
class DisableAccount(Operation[None], frozen=True):
    """Refuse log-ins of account NAME, showing MESSAGE; its sessions end. Mail is still delivered."""

    account: Name
    message: str


@change("config account enable", Role.COMMAND_LINE | Role.TOKEN)
class EnableAccount(Operation[None], frozen=True):
    """Let account NAME log in again."""

    account: Name


@change("config account quota", Role.COMMAND_LINE | Role.TOKEN)
class SetQuota(Operation[None], frozen=True):
    """Set the room for messages: a size as in the file, ``none`` for no limit, ``default`` for the server's."""

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
    """List the settings of account NAME that have one value or a list of texts, with their values.

    [config.md](config.md) explains them. Tables, such as rules of addresses, are in the admin app and domains.toml.
    """

    account: Name


@change("config account set", Role.COMMAND_LINE)
class SetSetting(Operation[None], frozen=True):
    """Change a setting of account NAME: one that `config account settings` lists, such as full_name.

    VALUE is a text as in domains.toml without quotes, true or false, or texts with commas between them; "default" takes
    the setting out of the file. The key quota is the room for messages: 5g, 500m, "none" without limit, "default" for
    what moxlite.toml says for all accounts. Mail that does not fit is refused for now, so that its sender tries again
    for days.
    """

    account: Name
    key: Word
    value: Annotated[str, Meta(max_length=16_000), field(kind=str)]


@change("config address add", MANAGERS)
class AddAddress(Operation[None], frozen=True):
    """Give ACCOUNT one more ADDRESS; @DOMAIN is all of a domain that are no other account's."""

    address: Word
    account: Word


@change("config address rm", OWNER, confirm=True)
class RemoveAddress(Operation[None], frozen=True):
    """Remove ADDRESS from all accounts and aliases."""

    address: Word


@query("config address account", Role.COMMAND_LINE | Role.TOKEN)
class FindAddress(Operation[AddressInfo], frozen=True):
    """Show which account uses ADDRESS."""

    address: Word
