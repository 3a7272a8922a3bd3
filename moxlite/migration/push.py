"""An export: the mailboxes of an account to another server (IMAP-139), the reverse of `pull`.

Each message on the other server has a row of ``imap_copy``, written when the server has confirmed it. If a run was
interrupted between the two, the next one finds the message by its key, as it finds messages that arrived there in
another way: before it sends, it reads the facts of all messages there without a row. Nothing is ever removed there.
"""

import datetime as dt
import re
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.migration.listing import as_remote, fetch_facts, list_boxes, list_uids, separator_of
from moxlite.migration.names import USES, RemoteBox, excluded, mapped, name_there
from moxlite.migration.problems import Problems, Transfer
from moxlite.migration.pull import PAUSE, without
from moxlite.net.imapclient import Client, Refused, Selected
from moxlite.operations.copies import Copied, MailboxPlan, MailboxStep
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.proto.imap.writing.write import Appended
from moxlite.store.content.body import stream_message
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.links import note_arrival
from moxlite.store.mail.mailboxes import is_subscribed
from moxlite.store.mail.remotes import (
    SLICE,
    Origin,
    Remote,
    RemoteMessage,
    UnsentMessage,
    find_remote,
    forget_lost,
    has_lost,
    join_words,
    known_uids,
    link,
    match_lost,
    note_flags,
    open_remote,
    pushed,
    waiting,
)
from moxlite.store.names import SEPARATOR
from moxlite.store.options import SECOND
from moxlite.store.rows.mailboxes import flag_words, mailboxes, spellings, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import Mailbox, SpecialUse

BATCH: Final = 50
"""Messages of one APPEND (RFC 3502)."""

BATCH_OCTETS: Final = 1 << 20
"""Octets of one APPEND. A larger message is sent alone, and is not held in memory."""

FOR_ALL: Final = frozenset({"OVERQUOTA", "TRYCREATE", "NOPERM", "INUSE", "UNAVAILABLE", "SERVERBUG"})
"""Response codes of a refusal that is not about the message (RFC 5530 §3, RFC 9051 §7.1): the next one would be refused
as well, and this one may be taken later, so it must not count as left out. SERVERBUG is Dovecot's word for all faults
that pass.
"""

ALWAYS: Final = -(1 << 62)
"""µs UTC before the date of any message."""


class SourceMailbox(msgspec.Struct, frozen=True):
    """A mailbox of ours, and its name on the other server. `plain`: the name without unusual characters. `exists`: it
    is there already.
    """

    box: Mailbox
    subscribed: bool
    target: str
    plain: str
    exists: bool


class Push:
    """One export. It can be run again with another connection, and continues then."""

    def __init__(self, transfer: Transfer) -> None:
        order = transfer.order
        self._account = transfer.account
        self._order = order
        self._tell = transfer.tell
        self._messages = self._flags = self._mailboxes = 0
        self.problems = Problems(transfer.tell)
        self._since = ALWAYS if order.since is None else order.since
        self.spelling: dict[str, str] = {}

    @property
    def result(self) -> Copied:
        """Counts of the work done so far."""
        return Copied(self._messages, self._flags, 0, self._mailboxes, self.problems.count)

    @property
    def progress(self) -> int:
        """A number that grows with all work done."""
        return self._messages + self._flags

    async def once(self, client: Client) -> None:
        """Copy everything in which the account differs from the target. Raises: IMAPClientError, StoreError."""
        self.spelling = await self._account.read(spellings, op="export")
        own = await self._places(client)
        self._mailboxes = len(own)
        for one in own:
            try:
                await self._mailbox(client, one)
            except Refused as error:
                await self.problems.add(f"folder {one.box.name!r} is incomplete: {error}")

    async def pause(self, client: Client) -> None:
        """Wait for a minute. The next run keeps the connection alive."""
        del client
        await trio.sleep(PAUSE)

    async def _places(self, client: Client) -> list[SourceMailbox]:
        there = await list_boxes(client, self.problems)
        separator, prefix = await separator_of(client)
        names = {box.name for box in there}
        order = self._order

        def read(r: Reader) -> list[tuple[Mailbox, bool]]:
            return [(box, is_subscribed(r, box.name)) for box in mailboxes(r) if not box.system]

        found = []
        for box, subscribed in await self._account.read(read, op="export"):
            if excluded(box.name, SEPARATOR, order.excludes):
                continue
            wanted = mapped(box.name, SEPARATOR, order.maps)
            below = order.prefix.strip(SEPARATOR)
            if wanted is not None:
                target = name_there(wanted, separator, prefix)
            elif below:
                target = name_there(f"{below}{SEPARATOR}{box.name}", separator, prefix)
            else:
                target = _by_use(box.special_use, there) or name_there(box.name, separator, prefix)
            # Its case does not matter to servers, but to the row by which the next run finds it.
            target = "Inbox" if target.lower() == "inbox" else target
            if not client.can_name(target):
                await self.problems.add(f"skipped folder {box.name!r}: its name is too long for the other server")
                continue
            plain = prefix + separator.join(map(plain_element, target.removeprefix(prefix).split(separator or None)))
            found.append(SourceMailbox(box, subscribed, target, plain, target in names))
        return found

    async def _mailbox(self, client: Client, own: SourceMailbox) -> None:
        order = self._order
        if order.dry_run:
            before = await self._account.read(
                lambda r: find_remote(r, "target", order.host, order.user, own.target), op="export"
            )
            new = await self._count(own, 0 if before is None else before.id)
            await self._tell(MailboxPlan(own.box.name, own.target, own.box.total + own.box.deleted, new))
            return
        if not own.exists:
            own = await self.create(client, own)
        selected = await client.select(own.target)
        remote, again = await self._account.write(partial(self._open, own=own, uidvalidity=selected.uidvalidity))
        await self._recognize(client, remote, own, again=again)
        new = await self._count(own, remote.id)
        await self._send(client, selected, remote, own, new)
        await self._carry_flags(client, selected, remote)

    def _open(self, tx: Tx, own: SourceMailbox, uidvalidity: int) -> tuple[Remote, bool]:
        """The row of a mailbox in ``imap_copy``; and whether its UIDVALIDITY there has changed since the last run."""
        order = self._order
        before = find_remote(tx, "target", order.host, order.user, own.target)
        remote = open_remote(
            tx, "target", order.host, order.user, own.target, uidvalidity=uidvalidity, mailbox_id=own.box.id
        )
        return remote, before is not None and before.uidvalidity != uidvalidity

    async def create(self, client: Client, own: SourceMailbox) -> SourceMailbox:
        """Create a mailbox; if the server refuses its name, with a name without the characters that some servers
        refuse.
        """
        use = tuple(name for name, bit in _USE_NAMES if bit & own.box.special_use)
        tries = [(own.target, use)] if use and client.has("CREATE-SPECIAL-USE") else []
        tries += [(own.target, ()), (own.plain, ())]
        for at, (name, uses) in enumerate(tries):
            try:
                await client.run(c.Create(name, uses or None))
            except Refused as error:
                if error.code != "ALREADYEXISTS":
                    if at == len(tries) - 1:
                        raise
                    continue
            if own.subscribed:
                await client.run(c.Subscribe(name))
            return msgspec.structs.replace(own, target=name, exists=True)
        raise AssertionError("unreachable: the loop always tries once")

    async def _recognize(self, client: Client, remote: Remote, own: SourceMailbox, *, again: bool) -> None:
        """Find messages there without a row: sent by an interrupted run, or arrived in another way."""
        known: array[int] = array("I")
        while True:
            after = known[-1] if known else 0
            some = await self._account.read(partial(known_uids, remote_id=remote.id, after=after), op="export")
            known.extend(some)
            if len(some) < SLICE:
                break
        unknown = await without(await list_uids(client), known)
        keys: dict[bytes, list[RemoteMessage]] = {}
        lost = await self._account.read(lambda r: has_lost(r, remote.id), op="export")
        for start in range(0, len(unknown), SLICE):
            async with aclosing(fetch_facts(client, unknown[start : start + SLICE], message_id=True)) as facts:
                remote_messages = [as_remote(listed_message) async for listed_message in facts]
            placed = set()
            if lost:
                placed = await self._account.write(partial(match_lost, remote_id=remote.id, found=remote_messages))
            for remote_message in remote_messages:
                if remote_message.uid not in placed:
                    keys.setdefault(remote_message.key, []).append(remote_message)
        if again:  # lost messages that are still unmatched were deleted with the old mailbox
            await self._account.write(lambda tx: forget_lost(tx, remote.id))
        after = 0
        while keys:
            rows = await self._account.read(
                partial(self._waiting, remote_id=remote.id, own=own, after=after), op="export"
            )
            if not rows:
                break
            after = rows[-1].uid
            # One there for each one here: of two equal messages, both are looked for.
            same = [(keys[row.key].pop(), row) for row in rows if keys.get(row.key)]
            await self._account.write(partial(_link, remote_id=remote.id, same=same))

    def _waiting(self, r: Reader, remote_id: int, own: SourceMailbox, after: int) -> list[UnsentMessage]:
        return waiting(r, remote_id, own.box.id, after, self._since, BATCH)

    async def _count(self, own: SourceMailbox, remote_id: int) -> int:
        count, after = 0, 0
        while True:
            rows = await self._account.read(
                partial(
                    waiting, remote_id=remote_id, mailbox_id=own.box.id, after=after, since=self._since, limit=SLICE
                ),
                op="export",
            )
            count += len(rows)
            if len(rows) < SLICE:
                return count
            after = rows[-1].uid

    async def _send(self, client: Client, selected: Selected, remote: Remote, own: SourceMailbox, total: int) -> None:
        done, after = 0, 0
        while done < total:
            rows = await self._account.read(
                partial(self._waiting, remote_id=remote.id, own=own, after=after), op="export"
            )
            if not rows:
                break
            several = client.has("MULTIAPPEND")
            batch: list[UnsentMessage] = []
            for row in rows:
                # At least one, however large it is; it goes alone then.
                if batch and (not several or sum(one.size for one in batch) + row.size > BATCH_OCTETS):
                    break
                batch.append(row)
            after = batch[-1].uid
            await self.append(client, selected, remote, own, batch)
            done += len(batch)
            await self._tell(MailboxStep(own.box.name, done, max(total, done)))

    async def append(
        self, client: Client, selected: Selected, remote: Remote, own: SourceMailbox, batch: Sequence[UnsentMessage]
    ) -> int:
        """Send messages, and save their rows; returns how many were sent. If the server refuses a batch, its messages
        are sent one by one.

        Raises Refused: the target takes no more; IMAPClientError, StoreError.
        """
        messages: list[tuple[Appended, AsyncIterator[bytes] | bytes]] = []
        sent: list[tuple[UnsentMessage, str]] = []
        for row in batch:
            content = await self._content(row, client, own)
            if content is None:
                continue
            words = self._words(row.flags, row.keywords, selected)
            date = _moment(row.received, row.offset)
            octets, binary = content
            messages.append((Appended(row.size, tuple(words), date, binary), octets))
            sent.append((row, join_words(words)))
        if not messages:
            return 0
        try:
            answer = await client.append(own.target, messages)
        except Refused as error:
            if error.code in FOR_ALL:
                raise
            # One message that the server does not take must not keep the others of its batch from it, so each is sent
            # alone.
            if len(batch) == 1:
                await self.problems.add(f"{own.box.name}: skipped message with UID {batch[0].uid}: {error}")
                return 0
            return sum([await self.append(client, selected, remote, own, [row]) for row in batch])
        uids = _appended(answer.state.code.argument) if answer.state.code is not None else []
        # Without UIDPLUS the new UIDs are not told. The negative ids keep the messages from being sent again, until the
        # next run finds their UIDs.
        if len(uids) != len(sent):
            uids = [-row.id for row, _ in sent]
        noted = [(uid, row, words) for uid, (row, words) in zip(uids, sent, strict=True)]
        await self._account.write(partial(_note, remote_id=remote.id, noted=noted))
        self._messages += len(sent)
        return len(sent)

    async def _content(
        self, row: UnsentMessage, client: Client, own: SourceMailbox
    ) -> tuple[AsyncIterator[bytes] | bytes, bool] | None:
        """The octets of a message, in memory if it is small, and whether it contains NUL; None if it cannot be sent."""
        place = f"{own.box.name}, message with UID {row.uid}"
        binary = False
        try:
            if row.size <= BATCH_OCTETS:
                async with aclosing(stream_message(self._account, row.id)) as pieces:
                    octets = b"".join([piece async for piece in pieces])
                binary = b"\0" in octets
                content: AsyncIterator[bytes] | bytes = octets
            else:
                # A first pass for NUL alone: the form of the literal has to be known before its first octet.
                async with aclosing(stream_message(self._account, row.id)) as pieces:
                    async for piece in pieces:
                        binary = binary or b"\0" in piece
                content = stream_message(self._account, row.id)
        except NoSuchMessage:  # removed meanwhile
            return None
        except ChunkDamaged as error:
            await self.problems.add(f"skipped {place}: {error}")
            return None
        if binary and not client.has("BINARY"):
            await self.problems.add(f"skipped {place}: the server doesn't accept NUL bytes")
            return None
        return content, binary

    def _words(self, bits: int, keywords: str, selected: Selected) -> list[str]:
        """Flags and keywords, without the ones that the server does not store permanently."""
        words = flag_words(flags_of_bits(bits), split_keywords(keywords), self.spelling)
        kept = selected.permanent
        if kept is None or r"\*" in kept:
            return words
        lower = {word.lower() for word in kept}
        return [word for word in words if word.lower() in lower]

    async def _carry_flags(self, client: Client, selected: Selected, remote: Remote) -> None:
        """Set flags there that have changed here since they were sent."""
        after = 0
        while True:
            rows = await self._account.read(partial(pushed, remote_id=remote.id, after=after), op="export")
            if not rows:
                return
            after = rows[-1].uid
            changes: dict[tuple[str, str], list[int]] = {}
            seen: list[tuple[int, str]] = []
            for row in rows:
                words = join_words(self._words(row.flags, row.keywords, selected))
                if row.there is None or row.there == words:
                    continue
                old, new = set(row.there.split()), set(words.split())
                changes.setdefault((" ".join(sorted(new - old)), " ".join(sorted(old - new))), []).append(row.uid)
                seen.append((row.uid, words))
            for (add, remove), uids in changes.items():
                numbers = SequenceSet.of(uids).encode()
                if add:
                    await client.run(b"UID STORE %b +FLAGS.SILENT (%b)" % (numbers, add.encode()))
                if remove:
                    await client.run(b"UID STORE %b -FLAGS.SILENT (%b)" % (numbers, remove.encode()))
            if seen:
                await self._account.write(partial(note_flags, remote_id=remote.id, seen=seen))
                self._flags += len(seen)


_USE_NAMES: Final = tuple((name[0] + name[1:].capitalize(), bit) for name, bit in USES.items())


_ODD: Final = re.compile(r"[^\w -]")


def _by_use(use: SpecialUse, there: Sequence[RemoteBox]) -> str | None:
    """The mailbox there with the same special use."""
    return next((box.name for box in there if use and box.use & use), None)


def plain_element(element: str) -> str:
    """An element of a name with only the characters that every server accepts: some use a file system."""
    return _ODD.sub("_", element)


def _link(tx: Tx, remote_id: int, same: Sequence[tuple[RemoteMessage, UnsentMessage]]) -> None:
    for remote_message, row in same:
        link(tx, Origin(remote_id, remote_message.uid, row.size, row.received, remote_message.flags), row.id, row.key)


def _note(tx: Tx, remote_id: int, noted: Sequence[tuple[int, UnsentMessage, str]]) -> None:
    for uid, row, words in noted:
        # In place of the row of an expected message: with both, a copy that others put beside it would pass for it.
        note_arrival(tx, remote_id, uid, row.id, row.key, words)


def _moment(received: int, offset: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(received // SECOND, dt.timezone(dt.timedelta(minutes=offset)))


def _appended(argument: bytes) -> list[int]:
    """The UIDs of ``APPENDUID validity uids`` (RFC 4315 §3), in the order of the messages."""
    words = argument.split()
    if len(words) != 2:
        return []
    try:
        ranges = SequenceSet.parse(words[1]).ranges
    except ProtocolError:
        return []
    if sum(abs(high - low) + 1 for low, high in ranges) > BATCH:
        return []
    return [uid for low, high in ranges for uid in range(low, high + 1)]
