"""Mailboxes that a user of the old server shares with others (RFC 4314; MOVE-6, MOVE-8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import trio

from moxlite import lazyimport
from moxlite.migration.copies import LOGOUT_SECONDS, Copies
from moxlite.migration.problems import Transfer
from moxlite.move.plan import Plan
from moxlite.proto.address import one_spelling
from moxlite.proto.imap import commands as c, responses as r
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.sharenotices import ANYONE

if TYPE_CHECKING:
    from moxlite.migration.names import Place
    from moxlite.migration.pull import Pull
    from moxlite.net.imapclient import Client


class Share(NamedTuple):
    """Rights on a mailbox, by its name here. `guest`: an account, ``anyone``, or a name that isn't in the plan."""

    mailbox: str
    guest: str
    rights: str
    planned: bool

    def __str__(self) -> str:
        return f"{self.mailbox} shared with {self.guest} ({self.rights})"


@asynccontextmanager
async def old_mail(copies: Copies, transfer: Transfer) -> AsyncIterator[tuple[Client, Pull]]:
    """A session at the old server, and a copy that changes nothing on either side. Raises IMAPClientError."""
    await lazyimport.load("moxlite.migration.pull")
    from moxlite.migration.pull import Pull

    pull = Pull(msgspec.structs.replace(transfer, order=msgspec.structs.replace(transfer.order, dry_run=True)))
    client = await copies.connect("import", transfer.order, True)
    try:
        yield client, pull
    finally:
        with trio.move_on_after(LOGOUT_SECONDS, shield=True):
            await client.logout()


async def shares_of(client: Client, places: Iterable[Place], plan: Plan, account: str) -> list[Share]:
    """The shares of a user at a server with ACL, but for rights that have no counterpart. Raises IMAPClientError."""
    from moxlite.net.imapclient import Refused

    names = {one_spelling(address): user.account for user in plan.users for address in (user.account, *user.addresses)}
    names |= {one_spelling(user.imap.user): user.account for user in plan.users if user.imap is not None}
    names |= {ANYONE: ANYONE, "authenticated": ANYONE, "owner": account, "#owner": account}
    shares = []
    for place in places:
        try:
            answer = (await client.run(c.GetAcl(place.box.name))).of(r.AclData)
        except Refused:  # only those with the right to share it see its shares
            continue
        for identifier, letters in (pair for data in answer for pair in data.rights):
            guest = names.get(one_spelling(identifier))
            rights = "".join([letter for letter in RIGHTS if letter in letters])
            if rights and guest != account:
                shares.append(Share(place.target, guest or identifier, rights, guest is not None))
    return shares
