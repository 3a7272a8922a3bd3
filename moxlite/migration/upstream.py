"""Changes made here to the mailboxes of a linked server, on their way there (LINK-10..13).

Theory of operation
-------------------
A pass reads what changed in the account since the last one, by modseq, and compares it with the rows of ``imap_copy``:
each difference is something that the other server does not know. It is made a plan first, then done mailbox by mailbox.
Afterwards rows and server agree. So a pass that was cut off anywhere is repeated without harm: what is done no longer
differs. Only a message on its way could come back as a new one, if the connection ended before its UID was told; so it
has a row without UID before it is sent, by which it is recognised (`remotes.match_lost`). While there is such a row,
the message is left alone, and the pass counts as incomplete: the next look tells whether it came.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.migration.listing import fetch_facts, key_of, separator_of
from moxlite.migration.names import Place, RemoteBox, name_there
from moxlite.migration.problems import Transfer
from moxlite.migration.push import BATCH, Push, SourceMailbox, plain_element
from moxlite.net.imapclient import Client, Refused, Selected
from moxlite.operations.copies import CopyByImap
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.responses import SearchData, State
from moxlite.proto.imap.seqset import SequenceSet
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import links as linkrows
from moxlite.store.mail.mailboxes import is_subscribed
from moxlite.store.mail.remotes import Remote, UnsentMessage, join_words, note_flags, open_remote, parsed_flags
from moxlite.store.names import SEPARATOR
from moxlite.store.rows.mailboxes import flag_words, mailboxes, spellings, split_keywords, state
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import (
    Event,
    Flag,
    FlagsChanged,
    Mailbox,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MailboxRenamed,
    MailboxSpecialUse,
    MessageAdded,
    MessageID,
    MessagesRemoved,
    SpecialUse,
)

T = TypeVar("T")

KEPT_HERE: Final = Flag.DELETED | Flag.JUNK | Flag.NOTJUNK
r"""Flags that do not go there: ``\Deleted`` is a step towards a removal, which goes there itself, and some servers
remove at once; junk flags are set here by the mailbox.
"""

NEXT: Final = 1 << 62
"""Above all ids."""

FULL: Final = frozenset({"OVERQUOTA", "LIMIT", "INUSE", "UNAVAILABLE", "SERVERBUG"})
"""Response codes after which the same may be taken later (RFC 5530 §3, RFC 9208 §4.3)."""


RESENT_SECONDS: Final = 3600.0
"""Seconds for which what was sent again may come a second time: a server that hangs does late what it was told."""

MAX_RESENT: Final = 1_000
"""Messages that are remembered for that, the latest ones."""


MESSAGES: Final = MessageAdded | FlagsChanged
"""Events of messages in a mailbox."""

MAILBOXES: Final = MailboxAdded | MailboxRemoved | MailboxRenamed | MailboxSpecialUse
"""Events of mailboxes."""


class Retag(msgspec.Struct, frozen=True):
    """Flags to set and remove for messages, by their UIDs, and what they will be then."""

    uid: int
    add: str
    remove: str
    words: str


class Plan(msgspec.Struct):
    """Work to be done there. Keys are ids of remote mailboxes; of `moves` that of the source and that of the target;
    of `appends` that of the mailbox here.
    """

    flags: dict[int, list[Retag]] = msgspec.field(default_factory=dict)
    moves: dict[tuple[int, int], list[linkrows.LinkedMessage]] = msgspec.field(default_factory=dict)
    removals: dict[int, list[int]] = msgspec.field(default_factory=dict)
    appends: dict[MailboxID, list[MessageID]] = msgspec.field(default_factory=dict)


class Sides:
    """State of both sides at the beginning of a pass.

    Args:
      places: the mailboxes there.
      remotes: those that have a row, by name. boxes: the mailboxes here.
      spelling: of keywords.

    Attributes:
      missing: mailboxes here that are missing there for now. They are not made again: by the next looks they are back,
        have another name there, or are emptied here.
      unmade: mailboxes here without one there; their messages stay where they are there.
    """

    def __init__(
        self,
        places: Sequence[Place],
        remotes: Mapping[str, Remote],
        boxes: Mapping[MailboxID, Mailbox],
        spelling: Mapping[str, str],
    ) -> None:
        self.boxes = boxes
        self._spelling = spelling
        self._everything = {place.box.name for place in places if place.box.everything}
        self.names = {place.box.name for place in places}
        self.by_id = {remote.id: (name, remote) for name, remote in remotes.items() if name in self.names}
        ordered = sorted(self.by_id.values(), key=lambda one: one[0] not in self._everything)
        self.by_mailbox = {remote.mailbox_id: remote for _, remote in ordered}
        self.missing = {remote.mailbox_id for name, remote in remotes.items() if name not in self.names}
        trash = [remotes.get(place.box.name) for place in places if place.box.use & SpecialUse.TRASH]
        self.trash = next(filter(None, trash), None)
        self.unmade: set[MailboxID] = set()

    def shows_all(self, remote_id: int) -> bool:
        """Whether a mailbox there is Google's, which has the messages of all others, too."""
        return self.by_id[remote_id][0] in self._everything

    def compare(
        self,
        plan: Plan,
        box: Mailbox,
        own: Remote | None,
        message: linkrows.ChangedMessage,
        copies: Sequence[linkrows.LinkedMessage],
    ) -> None:
        """Add to the plan what the other server does not know of a message; `own` is the mailbox there of `box`."""
        # Rows of mailboxes that are missing there for now say nothing about the others.
        copies = [copy for copy in copies if copy.remote_id in self.by_id]
        if not copies and own is not None and not message.flags & Flag.DELETED:
            plan.appends.setdefault(box.id, []).append(message.id)
        real = [copy for copy in copies if not self.shows_all(copy.remote_id)]
        if any(copy.uid < 0 for copy in copies) or box.id in self.unmade:
            return  # where it is there is not known yet, or there is no place for it yet
        # Two mailboxes there may be one here, such as one for sent mail and one that only has its name: each keeps its
        # own messages.
        placed = [copy for copy in real if self.by_id[copy.remote_id][1].mailbox_id == box.id]
        for copy in copies:
            change = self._retag(message, copy)
            if change is not None:
                plan.flags.setdefault(copy.remote_id, []).append(change)
            if copy in real and not placed:
                words = copy.flags if change is None else change.words
                self._place(plan, msgspec.structs.replace(copy, flags=words), own)
            elif own is not None and copy in real and copy not in placed:  # what a copy before a removal left
                plan.removals.setdefault(copy.remote_id, []).append(copy.uid)
        # Archived at Google: it has lost its last label there, and gets that of the mailbox into which it was put here.
        if own is not None and copies and not real and not self.shows_all(own.id):
            plan.moves.setdefault((copies[0].remote_id, own.id), []).append(copies[0])

    def _place(self, plan: Plan, copy: linkrows.LinkedMessage, own: Remote | None) -> None:
        """Have a message moved to where it is here, into the trash if that is not a mailbox of the link."""
        target = own or self.trash
        if target is None:
            plan.removals.setdefault(copy.remote_id, []).append(copy.uid)
        elif target.id != copy.remote_id:
            plan.moves.setdefault((copy.remote_id, target.id), []).append(copy)

    def _retag(self, message: linkrows.ChangedMessage, copy: linkrows.LinkedMessage) -> Retag | None:
        """The flags that differ there; None if none does. Flags that cannot be had here stay there."""
        if copy.flags is None or copy.uid < 0:
            return None
        bits, keywords = parsed_flags(copy.flags.split())
        own, words = flags_of_bits(message.flags), frozenset(split_keywords(message.keywords))
        mask = ~KEPT_HERE
        add = flag_words(own & ~bits & mask, sorted(words - keywords), self._spelling)
        remove = flag_words(bits & ~own & mask, sorted(keywords - words), self._spelling)
        if not add and not remove:
            return None
        gone = {word.lower() for word in remove}
        kept = {word for word in copy.flags.split() if word.lower() not in gone}
        return Retag(copy.uid, " ".join(sorted(add)), " ".join(sorted(remove)), join_words(kept | set(add)))


class ResentMessages:
    """Messages that did not come, so that they are sent again, and whose first copies may come yet (LINK-35).

    Args:
      since: when that was, by remote mailbox and message here. It outlasts the connection.
    """

    def __init__(self, transfer: Transfer, since: dict[tuple[int, MessageID], float]) -> None:
        self._account = transfer.account
        self._order = transfer.order
        self._since = since

    def note(self, remote_id: int, ids: Sequence[MessageID]) -> None:
        """Remember messages."""
        now = trio.current_time()
        for key in [key for key, since in self._since.items() if now - since >= RESENT_SECONDS]:
            del self._since[key]
        self._since.update(((remote_id, message_id), now) for message_id in ids[:MAX_RESENT])
        # The first ones go: what has not come for the longest time is the least likely to come.
        while len(self._since) > MAX_RESENT:
            del self._since[next(iter(self._since))]

    async def withdraw(
        self, client: Client, name: str, remote: Remote, new: array[int], gone: Collection[int]
    ) -> array[int]:
        """Remove from the open mailbox what came twice; returns the UIDs of the other new messages. Only a message of
        which another copy is in this mailbox now is removed: one that others have moved there and back is not.
        """
        ids = [message_id for remote_id, message_id in self._since if remote_id == remote.id]
        if not ids or not 0 < len(new) <= MAX_RESENT:
            return new
        copies = await self._account.read(
            lambda r: linkrows.copies_of(r, ids, self._order.host, self._order.user), op="link"
        )
        absent = set(gone)
        keys = {copy.key for copy in copies if copy.remote_id == remote.id and copy.uid > 0 and copy.uid not in absent}
        async with aclosing(fetch_facts(client, new, message_id=True)) as facts:
            twice = {listed.uid async for listed in facts if key_of(listed) in keys}
        if not twice:
            return new
        try:
            await client.select(name)
            await _removed(client, sorted(twice))
        except Refused:
            return new
        return array("I", [uid for uid in new if uid not in twice])


class Upstream:
    """The changes of a linked server's mailboxes. `order.prefix` is the mailbox below which they are here.

    Attributes:
      complete: all could be done in the last pass.
      unsure: only a look can tell what has become of some messages.
      made: mailboxes that the last pass has made there.
    """

    def __init__(self, transfer: Transfer) -> None:
        self._account = transfer.account
        self._order = transfer.order
        self._push = Push(transfer)
        self._sides = Sides((), {}, {}, {})
        self._whole = True
        self.complete = True
        self.unsure = False
        self.made: list[Place] = []

    async def send(self, client: Client, places: Sequence[Place], since: int) -> int:
        """Do there what was done here since modseq `since`; returns the modseq up to which it is done now, `since` if
        not all could be done, so that the next call tries it again. Raises IMAPClientError, StoreError.
        """
        now, remotes, boxes, spelling = await self._account.read(self._state, op="link")
        self._push.spelling = spelling
        self._sides = Sides(places, remotes, boxes, spelling)
        self.complete, self.unsure = True, False
        unmade = [box for box in self._without_remote() if box.id not in self._sides.missing]
        self.made = [place for box in unmade if (place := await self._make(client, box)) is not None]
        if self.made:
            now, remotes, boxes, _ = await self._account.read(self._state, op="link")
            self._sides = Sides([*places, *self.made], remotes, boxes, spelling)
        self._sides.unmade = {box.id for box in self._without_remote()}
        plan = await self._plan(since, {place.target for place in self.made})
        # Before the moves, which change the UIDs by which these are named.
        await self._flags_and_removals(client, plan)
        for (source, target), rows in plan.moves.items():
            await self._move(client, source, target, rows)
        for mailbox_id, ids in plan.appends.items():
            await self._send_new(client, mailbox_id, ids)
        awaited = await self._account.read(
            lambda r: linkrows.awaited_remotes(r, self._order.host, self._order.user), op="link"
        )
        self.unsure = self.unsure or not awaited.isdisjoint(self._sides.by_id)
        if self.unsure or not self.complete:
            return since
        self._whole = False
        return now

    def concerns(self, events: Iterable[Event]) -> bool:
        """Whether one of these changes here may have to be made there."""
        changed = set[MailboxID]()
        for event in events:
            # Removals wherever they are: what was moved out of the link is in the trash there.
            if isinstance(event, MAILBOXES | MessagesRemoved):
                return True
            if isinstance(event, MESSAGES):
                changed.add(event.mailbox_id)
        return any(map(self._shows, changed))

    def _shows(self, mailbox_id: MailboxID) -> bool:
        """Whether messages of a mailbox here may be there, or belong there."""
        box = self._sides.boxes.get(mailbox_id)
        if box is None or box.id in self._sides.by_mailbox or box.name.startswith(self._order.prefix + SEPARATOR):
            return True
        return bool(box.special_use & SpecialUse.SENT)

    def _state(self, r: Reader) -> tuple[int, dict[str, Remote], dict[MailboxID, Mailbox], dict[str, str]]:
        remotes = linkrows.linked_remotes(r, self._order.host, self._order.user)
        return state(r).modseq, remotes, {box.id: box for box in mailboxes(r) if not box.system}, spellings(r)

    # --- the plan

    async def _plan(self, since: int, made: Collection[str]) -> Plan:
        """Compare all that changed, and all messages of `made` mailboxes, which were not there before."""
        plan = Plan()
        sides = self._sides
        begun = {box.id: 0 if box.name in made else since for box in sides.boxes.values()}
        for box_id in await self._account.scan(lambda r: linkrows.changed_mailboxes(r, begun), op="link"):
            box, after = sides.boxes[box_id], (begun[box_id], NEXT)
            while rows := await self._account.read(partial(_changed, box.id, after), op="link"):
                after = rows[-1].modseq, rows[-1].id
                ids = [row.id for row in rows]
                copies: dict[int, list[linkrows.LinkedMessage]] = {}
                for copy in await self._account.read(self._copies(ids), op="link"):
                    copies.setdefault(copy.message_id, []).append(copy)
                for row in rows:
                    sides.compare(plan, box, sides.by_mailbox.get(box.id), row, copies.get(row.id, []))
        removed = await self._account.scan(
            lambda r: linkrows.removed_here(r, self._order.host, self._order.user, None if self._whole else since),
            op="link",
        )
        for remote_id, uid in removed:
            if remote_id in sides.by_id and not sides.shows_all(remote_id):
                plan.removals.setdefault(remote_id, []).append(uid)
        return plan

    def _copies(self, ids: Sequence[int]) -> Callable[[Reader], list[linkrows.LinkedMessage]]:
        return lambda r: linkrows.copies_of(r, ids, self._order.host, self._order.user)

    # --- doing it

    async def _select(self, client: Client, name: str, remote: Remote) -> Selected | None:
        """Open a mailbox; None if it cannot be, or is another one by now."""
        try:
            selected = await client.select(name)
        except Refused:
            self.complete = False
            return None
        # By now the UIDs of the plan may belong to other messages, which must stay.
        if selected.uidvalidity != remote.uidvalidity:
            self.complete = False
            return None
        return selected

    async def _flags_and_removals(self, client: Client, plan: Plan) -> None:
        for remote_id in plan.flags.keys() | plan.removals.keys():
            name, remote = self._sides.by_id[remote_id]
            selected = await self._select(client, name, remote)
            if selected is None:
                continue
            await self._retag_all(client, selected, remote, plan.flags.get(remote_id, []))
            uids = plan.removals.get(remote_id, [])
            for start in range(0, len(uids), BATCH * 10):
                some = uids[start : start + BATCH * 10]
                if await self._tried(_removed(client, some)):
                    await self._account.write(partial(_forget, remote_id=remote.id, uids=some))

    async def _retag_all(self, client: Client, selected: Selected, remote: Remote, changes: Sequence[Retag]) -> None:
        kinds: dict[tuple[str, str], list[Retag]] = {}
        for change in changes:
            add, remove = self._lasting(change.add, selected), self._lasting(change.remove, selected)
            kinds.setdefault((add, remove), []).append(change)
        for (add, remove), some in kinds.items():
            for start in range(0, len(some), BATCH * 10):
                part = some[start : start + BATCH * 10]
                uids = SequenceSet.of([retag.uid for retag in part]).encode()
                done = True
                for sign, words in (("+", add), ("-", remove)):
                    if words:
                        command = b"UID STORE %b %bFLAGS.SILENT (%b)" % (uids, sign.encode(), words.encode())
                        done = await self._tried(client.run(command)) is not None and done
                there = await self._present(client, [retag.uid for retag in part])
                if done:
                    seen = [(retag.uid, _had(retag, add, remove)) for retag in part if retag.uid in there]
                    await self._account.write(partial(note_flags, remote_id=remote.id, seen=seen))

    async def _present(self, client: Client, uids: Sequence[int]) -> set[int]:
        """The UIDs of messages that are in the open mailbox. Commands pass over other messages in silence, or are
        refused: the next look tells where these are.
        """
        answer = await client.run(b"UID SEARCH UID " + SequenceSet.of(uids).encode())
        # A STORE for messages that are gone succeeds in silence, so success says nothing about each of them.
        there = {number for data in answer.of(SearchData) for number in data.numbers}
        self.unsure = self.unsure or not there.issuperset(uids)
        return there

    def _lasting(self, words: str, selected: Selected) -> str:
        """The flags that the server keeps (RFC 9051 §7.1, PERMANENTFLAGS)."""
        kept = selected.permanent
        if kept is None or r"\*" in kept:
            return words
        lower = {word.lower() for word in kept}
        return " ".join(word for word in words.split() if word.lower() in lower)

    async def _move(self, client: Client, source: int, target: int, rows: Sequence[linkrows.LinkedMessage]) -> None:
        """Move messages between two mailboxes there; out of Google's of all messages they are copied."""
        name, remote = self._sides.by_id[source]
        copy = self._sides.shows_all(source)
        selected = await self._select(client, name, remote)
        if selected is None:
            return
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            # Written before the command: should its answer be lost, the next look knows the messages by their keys, and
            # does not take them for new ones.
            coming = [(row.message_id, row.key, row.flags) for row in some]
            await self._account.write(partial(_expect, remote_id=target, coming=coming))
            to = self._sides.by_id[target][0]
            uids = await self._tried(_moved(client, [row.uid for row in some], to, copy=copy))
            if uids is None:
                await self._present(client, [row.uid for row in some])
                await self._account.write(partial(_unexpect, remote_id=target, ids=[row.message_id for row in some]))
                continue
            done = [(row, uids.get(row.uid)) for row in some]
            await self._account.write(partial(_note_moved, source=None if copy else source, target=target, done=done))

    async def _send_new(self, client: Client, mailbox_id: MailboxID, ids: Sequence[MessageID]) -> None:
        name, remote = self._sides.by_id[self._sides.by_mailbox[mailbox_id].id]
        selected = await self._select(client, name, remote)
        if selected is None:
            return
        own = SourceMailbox(self._sides.boxes[mailbox_id], True, name, name, exists=True)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            for one in await self._account.read(partial(_to_send, some), op="link"):
                await self._account.write(partial(_expect, remote_id=remote.id, coming=[(one.id, one.key, None)]))
                if not await self._tried(self._push.append(client, selected, remote, own, [one])):
                    await self._account.write(partial(_unexpect, remote_id=remote.id, ids=[one.id]))

    async def _tried(self, work: Awaitable[T]) -> T | None:
        """Have something done there; returns its result, None if it was refused. What is refused is told, and not tried
        again unless the server may take it later.
        """
        try:
            return await work
        except Refused as error:
            if error.code in FULL:
                self.complete = False
            await self._push.problems.add(str(error))
            return None

    # --- new mailboxes

    def _without_remote(self) -> list[Mailbox]:
        """Mailboxes below the link's with mail, which are not there."""
        below = self._order.prefix + SEPARATOR
        filled = [box for box in self._sides.boxes.values() if box.name.startswith(below) and box.exists]
        return [box for box in filled if box.id not in self._sides.by_mailbox]

    async def _make(self, client: Client, box: Mailbox) -> Place | None:
        """Create a mailbox there that was made here; None if the server refuses, or has one of that name."""
        separator, prefix = await separator_of(client)
        name = name_there(box.name.removeprefix(self._order.prefix + SEPARATOR), separator, prefix)
        if not client.can_name(name) or name in self._sides.names:
            return None
        subscribed = await self._account.read(lambda r: is_subscribed(r, box.name), op="link")
        simple = prefix + separator.join(map(plain_element, name.removeprefix(prefix).split(separator or None)))
        try:
            own = await self._push.create(client, SourceMailbox(box, subscribed, name, simple, exists=False))
            selected = await client.select(own.target)
        except Refused as error:
            await self._push.problems.add(str(error))
            return None
        await self._account.write(
            partial(_opened, order=self._order, name=own.target, uidvalidity=selected.uidvalidity, mailbox_id=box.id)
        )
        return Place(RemoteBox(own.target, separator, SpecialUse(0), subscribed), box.name)


def _had(retag: Retag, add: str, remove: str) -> str:
    """The flags that the server has of a message by now, of which it keeps these additions and removals alone."""
    refused = set(retag.add.split()) - set(add.split())
    left = set(retag.remove.split()) - set(remove.split())
    return join_words((set(retag.words.split()) - refused) | left)


async def _removed(client: Client, uids: Sequence[int]) -> bool:
    """Remove messages from the open mailbox; returns True. Raises Refused."""
    await _mark(client, uids, b"+")
    if client.has("UIDPLUS"):
        await client.run(b"UID EXPUNGE " + SequenceSet.of(uids).encode())
        return True
    # EXPUNGE removes what others have marked, too, who may still take that back. So their marks are off meanwhile (RFC
    # 4315 §2.1); should the connection end here, they stay off, and no message is lost.
    answer = await client.run(b"UID SEARCH DELETED")
    others = sorted({number for data in answer.of(SearchData) for number in data.numbers if number} - set(uids))
    await _mark(client, others, b"-")
    refused: Refused | None = None
    try:
        await client.run(b"EXPUNGE")
    except Refused as error:
        refused = error
    await _mark(client, others, b"+")
    if refused is not None:
        raise refused
    return True


async def _mark(client: Client, uids: Sequence[int], sign: bytes) -> None:
    r"""Set or remove ``\Deleted``. Raises Refused."""
    for start in range(0, len(uids), BATCH * 10):
        numbers = SequenceSet.of(uids[start : start + BATCH * 10]).encode()
        await client.run(rb"UID STORE %b %bFLAGS.SILENT (\Deleted)" % (numbers, sign))


async def _moved(client: Client, uids: Sequence[int], target: str, *, copy: bool) -> dict[int, int]:
    """Move messages of the open mailbox, or copy them; returns their new UIDs, as far as the server tells them (RFC
    4315 §3, RFC 6851 §4.3): not of those that were not there any more. Raises Refused.
    """
    moves = client.has("MOVE") and not copy
    answer = await client.run((c.Move if moves else c.Copy)(SequenceSet.of(uids), target, uid=True))
    found: dict[int, int] = {}
    for one in (*answer.of(State), answer.state):
        if one.code is not None and one.code.name.upper() == "COPYUID":
            words = one.code.argument.split()
            if len(words) == 3:
                found |= zip(_uids(words[1]), _uids(words[2]), strict=False)
    if not moves and not copy:
        await _removed(client, uids)
    return found


def _uids(text: bytes) -> list[int]:
    """The UIDs of a set, as many as may be in one command."""
    try:
        ranges = SequenceSet.parse(text).ranges
    except ProtocolError:
        return []
    if sum(abs(high - low) + 1 for low, high in ranges) > BATCH:
        return []
    return [uid for low, high in ranges for uid in range(min(low, high), max(low, high) + 1)]


# Units and reads


def _changed(mailbox_id: MailboxID, after: tuple[int, int], r: Reader) -> list[linkrows.ChangedMessage]:
    return linkrows.changed_in(r, mailbox_id, after)


def _to_send(ids: Sequence[MessageID], r: Reader) -> list[UnsentMessage]:
    return linkrows.to_send(r, ids)


def _expect(tx: AccountTx, *, remote_id: int, coming: Sequence[tuple[MessageID, bytes, str | None]]) -> None:
    linkrows.expect(tx, remote_id, coming)


def _unexpect(tx: AccountTx, *, remote_id: int, ids: Sequence[MessageID]) -> None:
    linkrows.drop_copies(tx, remote_id, [-message_id for message_id in ids])


def _forget(tx: AccountTx, *, remote_id: int, uids: Sequence[int]) -> None:
    linkrows.drop_copies(tx, remote_id, uids, removed=True)


def _note_moved(
    tx: AccountTx, *, source: int | None, target: int, done: Sequence[tuple[linkrows.LinkedMessage, int | None]]
) -> None:
    for row, uid in done:
        if uid is None:  # the server tells no UIDs, or others have moved it before: the next look tells
            continue
        linkrows.note_arrival(tx, target, uid, row.message_id, row.key, row.flags)
        if source is not None:
            linkrows.drop_copies(tx, source, [row.uid], removed=True)


def _opened(tx: AccountTx, *, order: CopyByImap, name: str, uidvalidity: int, mailbox_id: MailboxID) -> Remote:
    return open_remote(tx, "link", order.host, order.user, name, uidvalidity=uidvalidity, mailbox_id=mailbox_id)
