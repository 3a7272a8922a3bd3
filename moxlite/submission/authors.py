"""Who may write from which address: the one answer for SMTP, webmail, JMAP and web API (SMTP-68, SMTP-189)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import AccountRemoved, AccountUnknown
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.delegates import right_to_send
from moxlite.store.mail.links import sending_links
from moxlite.store.mail.masked import masked_key, masked_named


class Way(msgspec.Struct, frozen=True):
    """How mail from an address goes out.

    Attributes:
      transport: that of a linked mailbox (LINK-14); "" by the routes.
      owner: the account of the address, which keeps the copy, where it is another user's; "" for an own address.
      on_behalf: Sender has to name the user, beside the owner in From.
    """

    transport: str = ""
    owner: str = ""
    on_behalf: bool = False


OWN = Way()

FindWay: TypeAlias = Callable[[Address], Awaitable[Way | None]]
"""The way of mail from an address; None: the user may not write from it. May raise StoreError."""


def own_way(snapshot: Snapshot, account: str) -> FindWay:
    """The way of mail that the server writes for a user, who has only configured addresses then."""

    async def find(address: Address) -> Way | None:
        return OWN if snapshot.may_send_as(account, address) else None

    return find


def ways_of(accounts: Accounts, snapshot: Snapshot, account: str) -> FindWay:
    """The ways of a user's mail: from an own address, from one that the user gives away, in use or not (MASK-6), from
    a linked mailbox that sends (LINK-14), and from the addresses of an account that has the user as a delegate
    (SMTP-189).
    """

    async def find(address: Address) -> Way | None:
        if snapshot.may_send_as(account, address):
            return OWN
        key = masked_key(address)

        def read(r: Reader) -> Way | None:
            if masked_named(r, key) is not None:
                return OWN
            link = sending_links(r).get(key)
            return None if link is None else Way(transport=link.transport)

        async with accounts.use(account) as own:
            way = await own.read(read, op="ways")
        return way or await _delegated(accounts, _owner(snapshot, address), account)

    return find


def _owner(snapshot: Snapshot, address: Address) -> str:
    """The account that the file itself names for an address, in use; "" for an alias, a report address, or none."""
    recipient = snapshot.lookup_configured(address)
    return recipient.account if isinstance(recipient, AccountRecipient) and recipient.reports is None else ""


async def _delegated(accounts: Accounts, owner: str, account: str) -> Way | None:
    if not owner:
        return None
    try:
        async with accounts.use(owner) as other:
            sends = await other.read(lambda r: right_to_send(r, account, time.time_ns() // 1000), op="ways")
    except (AccountUnknown, AccountRemoved):
        return None
    return None if sends is None else Way(owner=owner, on_behalf=sends == "behalf")
