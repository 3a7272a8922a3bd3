"""Mailboxes that a user of the old server shares with others (RFC 4314; MOVE-6, MOVE-8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
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
from moxlite.store.mail.acl import joined
from moxlite.store.mail.sharenotices import ANYONE

if TYPE_CHECKING:
    from moxlite.migration.names import Place
    from moxlite.migration.pull import Pull
    from moxlite.net.imapclient import Client


class Share(NamedTuple):
    """Rights on a mailbox of an account, by its name here. `guest`: an account, ``anyone``, or a name that isn't in the
    plan.
    """

    owner: str
    mailbox: str
    guest: str
    rights: str
    planned: bool

    def __str__(self) -> str:
        return f"{self.mailbox} shared with {self.guest} ({self.rights})"


class Shares(NamedTuple):
    """A user's shares on the old server, rights on folders for everybody, and problems with either."""

    shares: list[Share]
    problems: list[str]


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


async def shares_of(client: Client, places: Iterable[Place], plan: Plan, account: str) -> Shares:
    """The shares of a user, and the user's rights on folders for everybody, at a server with ACL. Raises
    IMAPClientError.
    """
    names = {one_spelling(address): user.account for user in plan.users for address in (user.account, *user.addresses)}
    names |= {one_spelling(user.imap.user): user.account for user in plan.users if user.imap is not None}
    names |= {ANYONE: ANYONE, "authenticated": ANYONE, "owner": account, "#owner": account}
    shares, problems = list[Share](), list[str]()
    for place in places:
        if not place.box.public:
            granted, denied = await _own(client, place, names, account)
            shares += granted
            problems += denied
        elif plan.public != account and (rights := await _rights(client, place)):
            shares.append(Share(plan.public, place.target, account, rights, planned=True))
    return Shares(shares, problems)


async def _own(client: Client, place: Place, names: Mapping[str, str], account: str) -> tuple[list[Share], list[str]]:
    """The shares of a user's own mailbox. Identifiers with one meaning here add their rights, because a user has the
    rights of all matching identifiers (RFC 4314 §2).
    """
    from moxlite.net.imapclient import Refused

    try:
        answer = (await client.run(c.GetAcl(place.box.name))).of(r.AclData)
    except Refused:  # only those with the right to share it see its shares
        return [], []
    granted: dict[tuple[str, bool], str] = {}
    problems = []
    for identifier, letters in (pair for data in answer for pair in data.rights):
        if identifier.startswith("-"):
            problems.append(
                f"can't deny rights ({letters}) on {place.target} to {identifier[1:]}; check who it's shared with"
            )
            continue
        guest = names.get(one_spelling(identifier))
        if guest != account:
            key = guest or identifier, guest is not None
            granted[key] = joined(granted.get(key, ""), letters)
    shares = [
        Share(account, place.target, guest, rights, planned) for (guest, planned), rights in granted.items() if rights
    ]
    return shares, problems


async def _rights(client: Client, place: Place) -> str:
    """The rights that a user has on a folder for everybody, "" for none. Raises IMAPClientError."""
    from moxlite.net.imapclient import Refused

    try:
        answer = (await client.run(c.MyRights(place.box.name))).of(r.MyRightsData)
    except Refused:
        return ""
    rights = joined(*(data.rights for data in answer))
    return rights if "l" in rights else ""
