"""The operations on addresses to give away (MASK-7)."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from moxlite.operations import USERS, Operation, Role, UserOperation, Word, change, field, query

Account: TypeAlias = Annotated[Word, field(metavar="ACCOUNT")]
MaskedAddress: TypeAlias = Annotated[Word, field(metavar="ADDRESS")]
Expires: TypeAlias = Annotated[
    str, field("Expiration: a duration like 90d, or a time like 2026-11-20T08:00Z.", metavar="TIME")
]
Site: TypeAlias = Annotated[
    str, field("Website (host name) where you'll use the address.", "--for", metavar="SITE", max_length=500)
]
Note: TypeAlias = Annotated[str, field("Note for the owner.", max_length=2000)]
OnlyFrom: TypeAlias = Annotated[
    str, field("Only accept mail from these addresses and domains.", metavar="SENDERS", max_length=7000)
]


class GivenSender(msgspec.Struct, frozen=True):
    """A domain that wrote to an address, first at `first`; `messages`: number of its messages."""

    domain: str
    first: str
    messages: int


class GivenAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address that was given away; times in RFC 3339, UTC, "" for never.

    Attributes:
      id: its number in the account.
      site: the host name of the site that got it.
      only_from: addresses and domains that may write to it; empty for everybody.
      messages: number of messages that came. senders: the domains that wrote, in the order of their first message.
      wrote: these domains with their messages. strangers: number of those that are not the site, the first of them at
        `strangers_since`.
      leak: a sentence about them, "" without one.
    """

    id: int
    address: str
    state: Literal["on", "off", "expired"]
    site: str
    note: str
    only_from: list[str]
    created: str
    expires: str
    last_mail: str
    messages: int
    senders: list[str]
    wrote: list[GivenSender]
    strangers: int
    strangers_since: str
    leak: str


@query("address list", Role.COMMAND_LINE, columns=("address", "state", "site", "messages", "last_mail", "leak", "note"))
class ListGiven(UserOperation[list[GivenAddress]], frozen=True):
    """List ACCOUNT's masked addresses, newest first. This shows their sites, messages, and other senders."""

    search: Annotated[Word, field("Only addresses with this text in the address, site, or note.", metavar="TEXT")] = ""
    n: Annotated[int, field("Maximum number of results.", metavar="N", ge=1, le=10_000)] = 10_000


@change("address add", USERS)
class MakeAddress(UserOperation[GivenAddress], frozen=True):
    """Create a masked address for ACCOUNT and print it. For example, shop.x7k2p@example.com."""

    site: Site = ""
    word: Annotated[Word, field("Prefix. [default: from the site's name]")] = ""
    domain: Annotated[Word, field("Domain for the address. [default: the account's first]")] = ""
    note: Note = ""
    only_from: OnlyFrom = ""
    expires: Expires = ""


@change("address set", USERS)
class ChangeGiven(UserOperation[GivenAddress], frozen=True):
    """Change ACCOUNT's masked address. Other details don't change. To remove the expiration
    date, use `never`.
    """

    address: MaskedAddress
    site: Annotated[str | None, field("Website (host name) where you use the address.", "--for", metavar="SITE")] = None
    note: Annotated[str | None, field("Note for the owner.")] = None
    only_from: Annotated[
        str | None, field('Only accept mail from these addresses and domains, or "" for everyone.', metavar="SENDERS")
    ] = None
    expires: Annotated[str | None, field("Expiration time, or never.", metavar="TIME")] = None


class ImportedAlias(msgspec.Struct, frozen=True):
    """An alias of another service, with its note; `active`: it takes mail."""

    address: Annotated[str, msgspec.Meta(max_length=1_000)]
    note: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    active: bool = True


class LeftOut(msgspec.Struct, frozen=True):
    """An alias that was not imported, and why."""

    address: str
    reason: str


class ImportedAliases(msgspec.Struct, frozen=True):
    """Result of an import: numbers of new addresses, and of those that the account had; the others with the reason."""

    added: int
    known: int
    left_out: list[LeftOut]


@change("address import", Role.COMMAND_LINE)
class ImportGiven(Operation[ImportedAliases], frozen=True):
    """Import aliases from another service as masked addresses, if they're in ACCOUNT's domains."""

    account: Account
    aliases: Annotated[list[ImportedAlias], msgspec.Meta(max_length=500)]


@change("address on", USERS, done="mail to {address} is accepted again")
class SwitchOn(UserOperation[None], frozen=True):
    """Accept mail for ADDRESS again."""

    address: MaskedAddress


@change(
    "address off",
    USERS,
    done="mail to {address} is now rejected. To undo this, run: moxlite address on {account} {address}",
)
class SwitchOff(UserOperation[None], frozen=True):
    """Reject mail for ADDRESS from now on (550)."""

    address: MaskedAddress


@change(
    "address rm",
    USERS,
    ask="Delete {address} and its history? To only reject mail, turn it off instead.",
    done="deleted {address}",
)
class RemoveGiven(UserOperation[None], frozen=True):
    """Delete ADDRESS. Mail is rejected as if it never existed."""

    address: MaskedAddress
