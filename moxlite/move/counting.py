"""Both sides of a move counted (MOVE-8). Nothing is changed, here or there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.config.holder import ConfigHolder
from moxlite.groupware.davclient import CopyFailed as CalendarsFailed
from moxlite.migration.copies import Copies
from moxlite.migration.problems import Transfer
from moxlite.move.plan import Plan, Script, User, imap_order
from moxlite.move.scripts import Folders, kept_name, rewritten
from moxlite.move.shares import Share, old_mail, shares_of
from moxlite.move.takensettings import lacking
from moxlite.net.control.server import CommandFailed
from moxlite.operations.access import ListShares
from moxlite.operations.copies import CopyByImap, Event, Note
from moxlite.operations.domains import ListAliases
from moxlite.operations.groupware import CopyCalendars
from moxlite.operations.move import AccountCount, MailboxCount, MoveCount, PlaceCount
from moxlite.operations.performing import Perform
from moxlite.operations.sieve import SieveGet
from moxlite.proto.address import AddressKey
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.credentials import Credential, PasswordChecker, credential, is_foreign
from moxlite.store.content.body import stream_message
from moxlite.store.errors import StoreError
from moxlite.store.junkflags import flag_synonyms
from moxlite.store.mail.remotes import SLICE, SentMessage, copies, find_remote, parsed_flags, pushed
from moxlite.store.rows.mailboxes import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import Flag
from moxlite.wording import counted, reason_of

if TYPE_CHECKING:
    from moxlite.migration.names import Place
    from moxlite.migration.pull import Pull
    from moxlite.net.imapclient import Client
    from moxlite.store.accounts.opened import OpenAccount

SAMPLE: Final = 3
"""Messages of a mailbox whose octets are compared: the newest, which a stopped copy would lack."""

Say = Callable[[str], Awaitable[None]]


class Checks:
    """Counts both sides.

    Args:
      count_places: counts the calendars and address books at another server (`CalendarCopies.count`).
      perform: performs operations as the command line.
    """

    def __init__(
        self,
        *,
        config: ConfigHolder,
        accounts: Accounts,
        copies: Copies,
        count_places: Callable[[CopyCalendars], Awaitable[list[PlaceCount]]],
        perform: Perform,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._copies = copies
        self._count_places = count_places
        self._perform = perform

    async def count(self, plan: Plan, say: Say) -> MoveCount:
        """Count all accounts of a plan. `say` hears which one, and which of its mailboxes."""
        counts = MoveCount()
        for user in plan.users:
            await say(user.address)
            counts.accounts.append(await self._account(plan, user, say))
        for alias in plan.aliases:
            try:
                there = {one.alias: one for one in await self._perform(ListAliases(alias.address.rpartition("@")[2]))}
            except CommandFailed as error:
                counts.lost.append(f"alias {alias.address}: {error}")
                continue
            missing = [
                one for one in alias.members if alias.address not in there or one not in there[alias.address].members
            ]
            counts.aliases += alias.address in there
            counts.lost += [f"alias {alias.address} is missing member {member}" for member in missing]
        return counts

    async def _account(self, plan: Plan, user: User, say: Say) -> AccountCount:
        count = AccountCount(user.address, user.account)
        settings = self._config.current.account(user.account)
        if settings is None:
            count.lost.append("the account")
            return count
        own = set(map(AddressKey.parse, settings.destinations))
        count.lost += [f"address {address}" for address in user.addresses if AddressKey.parse(address) not in own]
        renamed = []  # scripts whose folders have other names here
        for script in user.scripts:
            if await self._has_script(user.account, script.text, script.name):
                count.scripts += 1
            elif await self._has_script(user.account, script.text, kept_name(script.name)):
                renamed.append(script)
            else:
                count.lost.append(f"script {script.name}")
        order = imap_order(plan, user)
        try:
            async with self._accounts.use(user.account) as account:
                stored = await account.read(credential, op="credential")
                count.credential = "none" if stored is None else "hash" if is_foreign(stored) else "own"
                count.opens = await self._opens(user, stored)
                if order is not None:
                    await self._mail(account, plan, order, count, say, renamed)
        except (StoreError, OSError) as error:
            count.uncounted.append(reason_of(error))
        for dav in user.dav:
            try:
                places = await self._count_places(CopyCalendars(user.account, dav.url, dav.user, dav.password))
            except (CalendarsFailed, StoreError) as error:
                count.uncounted.append(f"calendars and contacts: {reason_of(error)}")
                continue
            count.places += places
            count.lost += [f"{one.missing} entries of {one.place}" for one in places if one.missing]
            count.uncounted += [f"{one.unread} entries of {one.place}" for one in places if one.unread]
        if (user.hash or user.password) and (count.credential == "none" or count.opens is False):
            count.lost.append("the password")
        count.lost += [words for _, words, _, changed in lacking(self._config.current, user) if not changed]
        return count

    async def _has_script(self, account: str, text: str, name: str) -> bool:
        """Whether an account has a script with this text."""
        try:
            return await self._perform(SieveGet(name, account=account)) == text
        except CommandFailed:
            return False

    async def _renamed_script(self, script: Script, places: Sequence[Place], count: AccountCount) -> None:
        """Compare a script whose folders have other names here."""
        text = (await trio.to_thread.run_sync(rewritten, script.text, Folders.of(places))).text
        if await self._has_script(count.account, text, script.name):
            count.scripts += 1
        else:
            count.lost.append(f"script {script.name} with the names of its folders here")

    async def _opens(self, user: User, stored: Credential | None) -> bool | None:
        """Whether the password of a user opens the account, where the plan tells."""
        if user.password and not user.hash:
            # A password that was changed here since is no loss.
            return await PasswordChecker().verify(user.account, stored, user.password) or None
        if user.hash and stored is not None and is_foreign(stored):
            return stored.password == user.hash
        return None

    async def _mail(
        self,
        account: OpenAccount,
        plan: Plan,
        order: CopyByImap,
        count: AccountCount,
        say: Say,
        renamed: Sequence[Script],
    ) -> None:
        await lazyimport.load("moxlite.net.imapclient")
        from moxlite.net.imapclient import IMAPClientError, Refused

        async def tell(event: Event) -> None:
            # A mailbox that can't be copied isn't counted; progress doesn't matter here.
            if isinstance(event, Note) and event.problem and event.text not in count.uncounted:
                count.uncounted.append(str(event.text))
            await trio.lowlevel.checkpoint()

        # Folders for everybody are counted once, but each user's rights on them are compared.
        whole = msgspec.structs.replace(order, public="copied" if plan.public else "named")
        transfer = Transfer(account, self._accounts, whole, tell, self._config.current.static.data_dir / "tmp")
        try:
            async with old_mail(self._copies, transfer) as (client, pull):
                places = await pull.places(client)
                for script in renamed:
                    await self._renamed_script(script, places, count)
                for place in places:
                    if place.box.public and order.public != "copied":
                        continue
                    await say(f"{count.address}: {place.box.name}")
                    try:
                        count.mailboxes.append(await _mailbox(account, pull, client, order, place))
                    except Refused as error:
                        count.uncounted.append(f"mailbox {place.box.name}: {error}")
                if client.has("ACL"):
                    await self._shares((await shares_of(client, places, plan, account.name)).shares, count)
        except IMAPClientError as error:
            count.uncounted.append(f"mail: {reason_of(error)}")
        count.lost += [text for mailbox in count.mailboxes for text in _losses(mailbox)]

    async def _shares(self, shares: list[Share], count: AccountCount) -> None:
        here: dict[tuple[str, str, str], str] = {}
        for owner in {share.owner for share in shares if share.planned}:
            for info in await self._perform(ListShares(account=owner)):
                here[owner, info.mailbox, info.guest] = info.rights
        for share in shares:
            rights = here.get((share.owner, share.mailbox, share.guest))
            count.shares += rights is not None
            if share.planned and set(share.rights) - set(rights or ""):
                count.lost.append(str(share) if rights is None else f"{share}, but only {rights} here")


def _losses(mailbox: MailboxCount) -> Iterator[str]:
    """Losses of a mailbox, in words. A message that was removed or marked here since it came is not one."""
    if lacking := mailbox.missing + mailbox.differ:
        yield f"{counted(lacking, 'message')} of {mailbox.mailbox}"
    if mailbox.behind:
        yield f"flags of {counted(mailbox.behind, 'message')} of {mailbox.mailbox}"


async def _mailbox(account: OpenAccount, pull: Pull, client: Client, order: CopyByImap, place: Place) -> MailboxCount:
    """Count a mailbox. Raises IMAPClientError."""
    from moxlite.migration.listing import flags_in, list_uids

    name = place.box.name
    selected = await client.examine(name)
    uids = [*await list_uids(client)]
    remote = await account.read(lambda r: find_remote(r, "source", order.host, order.user, name), op="import")
    if remote is None or remote.uidvalidity != selected.uidvalidity:
        return MailboxCount(name, len(uids), len(uids), 0, 0, 0, 0)
    known = {*await pull.known(remote.id)}
    here: dict[int, SentMessage] = {}
    after = 0
    while True:
        rows = await account.read(lambda r, after=after: pushed(r, remote.id, after), op="import")  # type: ignore[misc] # bound now
        here |= {row.uid: row for row in rows}
        if len(rows) < SLICE:
            break
        after = rows[-1].uid
    copied = [uid for uid in uids if uid in known]
    changed = behind = 0
    for start in range(0, len(copied), SLICE):
        for uid, there in await flags_in(client, copied[start : start + SLICE]):
            if uid in here and (others := _others(_flags(there), _flags_here(here[uid]))):
                changed += 1
                behind += not others <= _others(_flags(here[uid].there or ""), _flags_here(here[uid]))
    sample = [uid for uid in copied if uid in here][-SAMPLE:]
    differ = 0
    for uid in sample:
        differ += not await _same(account, client, remote.id, uid)
    missing, removed = len(uids) - len(copied), sum(uid not in here for uid in copied)
    return MailboxCount(name, len(uids), missing, removed, changed, len(sample), differ, behind)


MARKS: Final = Flag.JUNK | Flag.NOTJUNK
"""Flags that this server sets by mailbox while it copies (`automatic_junk_flags`)."""


def _flags(words: str) -> frozenset[str]:
    """Flags and keywords of a message there, without marks that a keyword stands for (IMAP-115)."""
    flags, keywords = parsed_flags(word for word in words.split() if word.lower() != r"\recent")
    return _words(flags & ~flag_synonyms(keywords), keywords)


def _flags_here(row: SentMessage) -> frozenset[str]:
    return _words(flags_of_bits(row.flags), split_keywords(row.keywords))


def _words(flags: Flag, keywords: Iterable[str]) -> frozenset[str]:
    return frozenset({*(str(flag.name) for flag in flags), *(word.lower() for word in keywords)})


def _others(there: frozenset[str], here: frozenset[str]) -> frozenset[str]:
    """The flags and keywords that are on one side alone, but for marks that only this server has made."""
    marks = {str(mark.name) for mark in MARKS}
    return (there ^ here) - (frozenset() if there & marks else marks)


async def _same(account: OpenAccount, client: Client, remote_id: int, uid: int) -> bool:
    """Whether a message has the same octets on both sides. Raises IMAPClientError."""
    from moxlite.proto.imap import responses as r

    answer = await client.run(b"UID FETCH %d (UID BODY.PEEK[])" % uid)
    there = b""
    for data in answer.of(r.FetchData):
        items = dict(data.items)
        body = items.get("BODY[]")
        if items.get("UID") == uid and isinstance(body, bytes):
            there = body
    rows = await account.read(lambda reader: copies(reader, remote_id, [uid]), op="import")
    if uid not in rows:
        return False
    try:
        async with aclosing(stream_message(account, rows[uid].message_id)) as pieces:
            here = b"".join([piece async for piece in pieces])
    except StoreError:
        return False
    return here == there
