"""Who may write from which address: the one answer for SMTP, webmail, JMAP and web API (SMTP-68, SMTP-189)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from moxlite.config.snapshot import Snapshot, full_name
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.delegates import Sends, right_to_send
from moxlite.store.mail.links import sending_links
from moxlite.store.mail.masked import masked_addresses, masked_key


class SendingRoute(msgspec.Struct, frozen=True):
    """How mail from an address goes out.

    Attributes:
      transport: that of a linked mailbox (LINK-14); "" by the routes.
      owner: the account of the address, which keeps the copy, where it is another user's; "" for an own address.
      on_behalf: Sender has to name the user, beside the owner in From.
    """

    transport: str = ""
    owner: str = ""
    on_behalf: bool = False


OWN = SendingRoute()

FindWay: TypeAlias = Callable[[Address], Awaitable[SendingRoute | None]]
"""The way of mail from an address; None: the user may not write from it. May raise StoreError."""


def own_way(snapshot: Snapshot, account: str) -> FindWay:
    """The way of mail that the server writes for a user, who has only configured addresses then."""

    async def find(address: Address) -> SendingRoute | None:
        return OWN if snapshot.may_send_as(account, address) else None

    return find


class Sender(msgspec.Struct, frozen=True):
    """An address of another account, from which a user may write (SMTP-189). `name`: of its mail; `on_behalf`: as in
    `SendingRoute`.
    """

    owner: str
    name: str
    address: str
    on_behalf: bool


def ways_of(accounts: Accounts, snapshot: Snapshot, account: str) -> FindWay:
    """The ways of a user's mail: from an own address, from one that the user gives away, in use or not (MASK-6), from
    a linked mailbox that sends (LINK-14), and from the addresses of an account that has the user as a delegate
    (SMTP-189). Each account is opened once, however many of its addresses are asked for.
    """
    rights: dict[str, Sends | None] = {}
    own: dict[str, SendingRoute] | None = None

    async def find(address: Address) -> SendingRoute | None:
        nonlocal own
        if snapshot.may_send_as(account, address):
            return OWN
        owner = owner_of(snapshot, address)
        if owner and owner not in rights:
            rights[owner] = await _right(accounts, owner, account)
        if (sends := rights.get(owner)) is not None:
            return SendingRoute(owner=owner, on_behalf=sends == "behalf")
        if own is None:
            async with accounts.use(account) as opened:
                own = await opened.scan(_own, op="ways")  # of up to 10,000 addresses to give away
        return own.get(masked_key(address))

    return find


def _own(r: Reader) -> dict[str, SendingRoute]:
    links = {key: SendingRoute(transport=link.transport) for key, link in sending_links(r).items()}
    return links | dict.fromkeys(masked_addresses(r), OWN)


def offered_addresses(r: Reader, snapshot: Snapshot, name: str) -> list[str]:
    """The addresses from which an account may write, as its pages offer them: its own, with catch-alls, aliases, and
    linked mailboxes that send (LINK-14).
    """
    account = snapshot.account(name)
    addresses = [] if account is None else [*account.destinations]
    aliases = snapshot.derived.aliases_of.get(name, ())
    addresses += [str(alias.canonical) for alias in aliases if alias.alias.allow_msg_from]
    addresses += [link.address for link in sending_links(r).values()]
    return list(dict.fromkeys(addresses))


def owner_of(snapshot: Snapshot, address: Address) -> str:
    """The account that the file itself names for an address, in use; "" for an alias, a report address, or none."""
    owner = snapshot.owner(address)
    return "" if owner is None or owner.catchall else owner.account


async def _right(accounts: Accounts, owner: str, account: str) -> Sends | None:
    try:
        async with accounts.use(owner) as other:
            return await other.read(lambda r: right_to_send(r, account, time.time_ns() // 1000), op="ways")
    except (AccountUnknown, AccountRemoved):
        return None


async def senders(accounts: Accounts, auth: AuthDB, snapshot: Snapshot, account: str) -> list[Sender]:
    """The addresses of other accounts from which a user may write. Accounts that cannot be opened are left out."""
    addresses: list[Sender] = []
    for owner in await auth.sharing.owners(account):
        settings = snapshot.account(owner)
        try:
            sends = await _right(accounts, owner, account) if settings else None
        except StoreError:
            continue
        destinations = settings.destinations if settings and sends else ()
        addresses += [
            Sender(owner, full_name(snapshot, owner, address), address, sends == "behalf")
            for address in destinations
            if not address.startswith("@")
        ]
    return addresses
