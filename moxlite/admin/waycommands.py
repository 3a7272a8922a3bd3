"""The commands about ways into an account (WEB-192), and the mail to its owner about new ones (WEB-193). What ways in
there are is in `waysin`.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from moxlite.admin.notices import notify_account
from moxlite.admin.publicpages import NoPublicPage, require_public_page
from moxlite.admin.waysin import SLICE, WAYS, Grant, Rooms, Sources, grants, order
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.escapes import printable
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.access import ListWays, RemoveWay, TakeBack, TakenBack, WayInfo
from moxlite.operations.performing import commands
from moxlite.proto.address import Address
from moxlite.store.accounts.access import publish_shares
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import protocol_words
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.origin import SetUp, note_told, noted_ways, origin, untold_ways
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.forms import LAST
from moxlite.store.upkeep.outbox import OutboxRow
from moxlite.wording import Worded, as_worded, mail_text, reason_of, worded

logger = logging.getLogger("moxlite.admin.ways")


def _info(grant: Grant, set_up: SetUp) -> WayInfo:
    made = set_up.origin
    return WayInfo(
        id=grant.id,
        kind=grant.kind,
        name=grant.name,
        who=grant.who,
        access=grant.access,
        set_up=dt.datetime.fromtimestamp(min(set_up.at, LAST) // 1_000_000, dt.UTC) if set_up.at else None,
        actor=made.actor,
        via=made.via,
        remote_ip=made.remote_ip,
        login=made.login,
        current=_is_current(grant),
        place=f"{set_up.at}-{grant.id}",
    )


def _is_current(grant: Grant) -> bool:
    """Whether the request comes with this session."""
    return grant.kind == "session" and int(grant.key) in origin().sessions


class WayCommands:
    """``moxlite account access``, ``account remove-access`` and ``account take-back``."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(ListWays.bind(self.list), RemoveWay.bind(self.remove), TakeBack.bind(self.take_back))

    async def list(self, args: ListWays) -> list[WayInfo]:
        """A page of ways in, the newest first."""
        entries = await grants(self._rooms, args.account)
        after = _place(args.after)
        chosen = [
            entry
            for entry in entries
            if (after is None or order(entry) > after) and (not args.since or entry[1].at >= args.since)
        ]
        return [_info(*entry) for entry in chosen[: args.count]]

    async def remove(self, args: RemoveWay) -> None:
        """Remove one."""
        entry = next((entry for entry in await grants(self._rooms, args.account) if entry[0].id == args.way), None)
        if entry is None:
            raise CommandFailed("notFound", "this was already removed")
        if _is_current(entry[0]):
            raise CommandFailed("refused", "this is your current session; log out instead")
        taken = await self._take_back(args.account, [entry])
        for reason in taken.failed.values():
            raise CommandFailed("failed", reason)

    async def take_back(self, args: TakeBack) -> TakenBack:
        """Remove all that were set up since a time, except the session of the request, and what is to be kept."""
        keep = frozenset(args.keep)
        entries = [
            (grant, set_up)
            for grant, set_up in await grants(self._rooms, args.account)
            if set_up.at >= args.since and set_up.at and grant.id not in keep and not _is_current(grant)
        ]
        return await self._take_back(args.account, entries)

    async def _take_back(self, name: str, entries: Sequence[tuple[Grant, SetUp]]) -> TakenBack:
        failed: dict[str, str] = {}
        stored = [grant for grant, _ in entries if WAYS[grant.kind].undo is not None]
        async with self._rooms.accounts.use(name) as account:
            for start in range(0, len(stored), SLICE):
                failed |= await _undone(account, stored[start : start + SLICE])
            if stored:
                await publish_shares(self._rooms.auth, account)
        for grant, _ in entries:
            if (end := WAYS[grant.kind].end) is not None:
                try:
                    await end(self._rooms, name, grant)
                except (StoreError, CommandFailed) as error:
                    failed[grant.id] = reason_of(error)
        ended = [entry for entry in entries if entry[0].id not in failed]
        for grant, _ in ended:
            kv = {"account": name, "kind": grant.kind, "name": grant.name, "who": grant.who}
            logger.info("access removed", extra={"kv": kv})
        return TakenBack([_info(*entry) for entry in ended], failed)


async def _undone(account: Account, slice_: Sequence[Grant]) -> dict[str, str]:
    """Take back grants of the account's file; returns the reasons of those that stay, by id."""
    failed: dict[str, str] = {}
    try:
        await account.write(lambda tx: _undo_all(tx, slice_))
    except StoreError:
        # One by one, so that the others end in spite of it.
        for grant in slice_:
            try:
                await account.write(lambda tx, grant=grant: _undo_all(tx, [grant]))  # type: ignore[misc] # bound now
            except StoreError as error:
                failed[grant.id] = reason_of(error)
    return failed


def _undo_all(tx: AccountTx, slice_: Sequence[Grant]) -> None:
    for grant in slice_:
        undo = WAYS[grant.kind].undo
        assert undo is not None
        undo(tx, grant)


def _place(text: str) -> tuple[int, str] | None:
    """The order of the row with a `place`; None for the beginning. Raises CommandFailed."""
    if not text:
        return None
    at, _, way = text.partition("-")
    if not (at.isascii() and at.isdecimal() and len(at) <= 19):
        raise CommandFailed("badRequest", worded("after: invalid list position"), "after")
    return -int(at), way


# The mail to the owner about new ones (WEB-193)


MAX_NAMED: Final = 50
"""Ways in that a mail names; the page has all."""

SUBJECT: Final = mail_text("New access to your account")

PARTS: Final[Mapping[str, Worded | str]] = {
    "imap": mail_text("reading mail (IMAP)"),
    "submission": mail_text("sending mail (SMTP)"),
    "webapi": mail_text("web API"),
    "dav": mail_text("calendars and contacts"),
    "jmap": "JMAP",
    "addresses": mail_text("masked addresses (password managers)"),
    "sharing": mail_text("change sharing"),
    "sieve": mail_text("change Sieve scripts"),
    "as": mail_text("sends as this account"),
    "behalf": mail_text("sends on behalf of this account"),
    "whole account": mail_text("all folders, calendars, and contacts"),
    "busy": mail_text("free/busy only"),
    "r": mail_text("view"),
    "send": mail_text("sending mail (SMTP)"),
    "asked": mail_text("not confirmed, email sent"),
    "confirmed": "",
}
"""The parts of `Grant.access` for people; others are shown as they are."""


class OwnerNews:
    """Tells owners of ways in that were set up by a log-in."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, auth: AuthDB) -> None:
        self._sources = Sources(config, accounts, auth)

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """Send the mail; for `Accounts.register_outbox`. Raises StoreError."""
        name, snapshot = account.name, self._sources.config.current
        settings = snapshot.account(name)
        waiting = await account.read(untold_ways, op="ways-in")
        if settings is None or not waiting:
            return
        found = {(grant.kind, grant.key): (grant, set_up) for grant, set_up in await grants(self._sources, name)}
        new = [found[way] for way in waiting if way in found]
        address = next((one for one in settings.destinations if not one.startswith("@")), "")
        if new and address:
            lines = _news(snapshot, new)
            once = f"way-in {row.key.hex()}"
            to = Address.parse(address)
            await notify_account(self._sources.accounts, snapshot, name, to, SUBJECT, lines, once=once)
        notes = await account.read(noted_ways, op="ways-in")
        await account.write(lambda tx: note_told(tx, waiting, [way for way in notes if way not in found]))


def _news(snapshot: Snapshot, new: Sequence[tuple[Grant, SetUp]]) -> list[str]:
    lines: list[str] = [mail_text("This was set up for your account:"), ""]
    for grant, set_up in new[:MAX_NAMED]:
        lines += [_described(grant), _told(set_up), ""]
    if len(new) > MAX_NAMED:
        lines += [mail_text("Not listed here: {n}", n=len(new) - MAX_NAMED), ""]
    lines.append(mail_text("If this was you, there's nothing to do."))
    try:
        page = require_public_page(snapshot, "account")
    except NoPublicPage:
        lines.append(mail_text("If it wasn't you, go to Security on the account page, and choose “This wasn't me”."))
    else:
        lines.append(
            mail_text("If it wasn't you, open {page}, go to Security, and choose “This wasn't me”.", page=page)
        )
    return lines


def _described(grant: Grant) -> Worded:
    """A grant in a line: ``- Shared folder: Inbox, bob, view``."""
    facts: Worded | str = ", ".join(printable(text) for text in (grant.name, grant.who) if text)
    for part in _access(grant):
        facts = mail_text("{facts}, {part}", facts=facts, part=part) if facts else part
    if not facts:
        return mail_text("- {kind}", kind=WAYS[grant.kind].title)
    return mail_text("- {kind}: {facts}", kind=WAYS[grant.kind].title, facts=facts)


def _access(grant: Grant) -> list[Worded | str]:
    if grant.kind in ("folder", "calendar", "contacts"):
        return [_permission(grant.access)]
    parts = (PARTS.get(part, printable(part)) for part in grant.access.split(", "))
    return [part for part in parts if part]


def _permission(letters: str) -> Worded:
    """Permission that letters of rights (RFC 4314 §2.1) give at most."""
    if "a" in letters:
        return mail_text("full access, including sharing")
    if set(letters) & set("iwtexpk"):
        return mail_text("view, edit, add, and delete")
    if {"r", "s"} <= set(letters):
        return mail_text("view and mark as read")
    return mail_text("view") if "r" in letters else mail_text("permissions “{letters}”", letters=letters)


def _told(set_up: SetUp) -> Worded:
    made = set_up.origin
    time = f"{dt.datetime.fromtimestamp(min(set_up.at, LAST) // 1_000_000, dt.UTC):%Y-%m-%d %H:%M} UTC"
    via = as_worded(protocol_words(made.via))
    if made.login:
        login = mail_text("app password or certificate “{name}”", name=printable(made.login))
        via = mail_text("{via}, {login}", via=via, login=login)
    return mail_text("  {time}, {actor}, {via}, {ip}", time=time, actor=made.actor, via=via, ip=made.remote_ip)
