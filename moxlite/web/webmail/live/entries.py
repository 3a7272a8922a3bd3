"""The entries of a listed view, in their order (WEBMAIL-38, WEBMAIL-66).

An entry is a message, or in a threaded view a thread, at the place of its first message that matches. Kept of each are
24 octets, and its rank in an order by sender or size. Ids are in the browser's form, which includes the account
(WEBMAIL-62).
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import trio

from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.mail.links import link_names
from moxlite.store.names import SEPARATOR
from moxlite.store.rows.conditions import Run
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.rows.views import Member, members, pairs
from moxlite.store.search.finding import Search
from moxlite.store.types import BodyID, MailboxID, MessageID
from moxlite.web.webmail.filters import wanted_of
from moxlite.web.webmail.holders import Scope
from moxlite.web.webmail.querytypes import INBOXES

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.conditions import Placed
    from moxlite.store.types import MessageRow
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.querytypes import Query
    from moxlite.web.webmail.types import MessageItem

# Messages that came by two ways: forwarded to the account, and read through a link (WEBMAIL-176a).
#
# Both are stored, each with its own flags. A view shows one of them, as a copy of which the other one goes along. Only
# what is certainly the same is a copy: the Message-ID alone is not, for anyone may send another message with it.


FIELDS: Final = (
    *(b"from", b"sender", b"reply-to", b"to", b"cc", b"date", b"subject", b"message-id", b"in-reply-to"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition"),
)
"""Fields that a reader is shown, or that say how the text is read. Those that forwarding adds are not among them."""

MAX_OCTETS: Final = 32 << 20
"""Octets that are compared in one read, 50 ms in a thread; larger messages are shown both."""

MAX_ALIKE: Final = 8
"""Messages with one Message-ID that are compared; there is one from each link that forwards to another."""

Digests: TypeAlias = dict[BodyID, bytes | None]
"""Hashes of what readers see of messages, as they were computed for a view; None for what cannot be compared."""

Places: TypeAlias = Mapping[MailboxID, tuple[str, str]]
"""By mailbox: name of its link, "" for none, and the mailbox's name below the link."""


def places(r: Reader) -> Places:
    """The places of all mailboxes; none if the account has no links, for then there are no copies."""
    links = link_names(r)
    return {box.id: _place(box.name, links) for box in mailboxes(r)} if links else {}


def _place(name: str, links: Collection[str]) -> tuple[str, str]:
    link = next((one for one in links if name.startswith(one + SEPARATOR)), "")
    return link, name.removeprefix(link + SEPARATOR) if link else name


def copies_by_id(r: Reader, ids: Sequence[MessageID], where: Places, digests: Digests) -> Mapping[MessageID, MessageID]:
    """As `copies`, for messages by their ids."""
    known = {row.id: row for row in rows_by_ids(r, ids)}
    return copies(r, [known[message_id] for message_id in ids if message_id in known], where, digests)


def copies(r: Reader, rows: Sequence[MessageRow], where: Places, digests: Digests) -> Mapping[MessageID, MessageID]:
    """Which messages are copies, each with the first of `rows` that it is a copy of; for scans.

    A copy is in a mailbox of the same name, of another link or of none, and has the same octets but for fields that
    forwarding adds.
    """
    alike: dict[str, list[MessageRow]] = {}
    for row in rows if where else ():
        if row.messageid is not None and row.mailbox_id in where:
            alike.setdefault(row.messageid, []).append(row)
    message_ids: dict[MessageID, MessageID] = {}
    budget = MAX_OCTETS
    for of in alike.values():
        if not 1 < len(of) <= MAX_ALIKE or len({where[row.mailbox_id] for row in of}) == 1:
            continue
        budget -= sum(row.size for row in of if row.body_id not in digests)
        if budget >= 0:
            message_ids |= _copies_among(r, of, where, digests)
    return message_ids


def _copies_among(
    r: Reader, of: Sequence[MessageRow], where: Places, digests: Digests
) -> Mapping[MessageID, MessageID]:
    message_ids: dict[MessageID, MessageID] = {}
    originals: list[MessageRow] = []
    for row in of:
        link, name = where[row.mailbox_id]
        for original in originals:
            other, same_name = where[original.mailbox_id]
            if other != link and same_name == name and _same(r, original, row, digests):
                message_ids[row.id] = original.id
                break
        else:
            originals.append(row)
    return message_ids


def _same(r: Reader, message_row: MessageRow, other: MessageRow, digests: Digests) -> bool:
    for row in (message_row, other):
        if row.body_id not in digests:
            digests[row.body_id] = _digest(r, row.id)
    digest = digests[message_row.body_id]
    return digest is not None and digest == digests[other.body_id]


def _digest(r: Reader, message_id: MessageID) -> bytes | None:
    """The hash of what readers see of a message: fields without their folding, and the body; None if it is damaged, or
    has no end of the header within the first piece of 256 KiB.
    """
    try:
        pieces = message_chunks(r, locate(r, message_id))
        content = b"".join(islice(pieces, 2))  # the first one may be what was added here
        header = HeaderSection(content)
        if header.body is None or not header.complete:
            return None
        found = hashlib.sha256()
        for name in FIELDS:
            for text in header.texts(name):
                found.update(b"%b: %b\n" % (name, b" ".join(text.split())))
        found.update(b"\n" + content[header.body :])
        for piece in pieces:
            found.update(piece)
        return found.digest()
    except (ChunkDamaged, NoSuchMessage):
        return None


STRETCH: Final = 10_000
"""Values of a column that are compared between two checkpoints: 0.5 ms, and as much again where one is found."""


class NotReached(Exception):
    """An entry belongs behind all that are known, and the search has not reached its place."""


class Entries:
    """Columns of the entries, with one row each.

    Attributes:
      threaded: whether an entry is a thread.
      ids, threads: of the message that makes the entry. ranks: only in another order than that of reception.
      hits: in a search by threads, all messages that match; else empty.
      copies: without threads, messages that are shown by the one that makes the entry, by its id.
      digests: of messages that may be copies. places: of the user's own mailboxes; none until they are read.
    """

    def __init__(self, query: Query, *, selective: bool) -> None:
        """`selective`: the view is a search, not whole mailboxes."""
        self.threaded: Final = query.threading != "off"
        self.selective: Final = selective
        self.received = array("q")
        self.ids = array("q")
        self.threads = array("q")
        self.ranks: list[int | str] = []
        self.hits: set[int] = set()
        self.copies: dict[int, list[int]] = {}
        self.digests: Digests = {}
        self.places: Places | None = None
        self._query = query
        self._present: set[int] | None = set()  # keys of the entries while the search goes on

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def messages(self) -> int:
        """Messages that match in a search; in whole mailboxes, whose counts the browser has, the entries."""
        return len(self.hits) if self.threaded and self.selective else len(self)

    def end(self) -> None:
        """Take note that all entries are known."""
        self._present = None

    def append(self, holder: Holder, found: Sequence[Placed]) -> None:
        """Add the next matches of an account, in order. Of a thread the first one makes the entry."""
        if not found:
            return
        if isinstance(found, Run):
            received, ids, threads, ranks = found.received, found.ids, found.threads, found.ranks
        else:
            received, ids, threads, ranks = map(list, zip(*found, strict=True))
        if holder.number:
            ids, threads = [*map(holder.shown_id, ids)], [*map(holder.shown_id, threads)]
        if self.threaded and self.selective:
            self.hits.update(ids)
        keys = threads if self.threaded else ids
        # of what is set twice the last value stays: the first place of each key
        firsts = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
        if self._present is not None:
            for key in self._present.intersection(firsts):
                del firsts[key]
            self._present.update(firsts)
        places = sorted(firsts.values())
        self.received.extend(map(received.__getitem__, places))
        self.ids.extend(map(ids.__getitem__, places))
        self.threads.extend(map(threads.__getitem__, places))
        if self._ranked and ranks is not None:
            self.ranks.extend(map(ranks.__getitem__, places))

    def insert(self, holder: Holder, one: Placed) -> None:
        """Insert an entry at its place. Raises NotReached while the search goes on."""
        shown, thread = holder.shown_id(one.message_id), holder.shown_id(one.threadid)
        index = bisect_left(range(len(self)), key_of(self._query, one.rank, one.received, shown), key=self._key)
        if self._present is not None:
            if index == len(self):
                raise NotReached
            self._present.add(thread if self.threaded else shown)
        if self._ranked:
            self.ranks.insert(index, one.rank)
        self.received.insert(index, one.received)
        self.ids.insert(index, shown)
        self.threads.insert(index, thread)

    def drop(self, indexes: Iterable[int]) -> None:
        """Remove entries."""
        gaps = sorted(indexes)
        stretches = [*zip([0, *(gap + 1 for gap in gaps)], [*gaps, len(self)], strict=True)]
        # the columns are copied once: a thousand single removals would each move all that is behind
        for column in (self.received, self.ids, self.threads):
            kept = array("q")
            for start, stop in stretches:
                kept.extend(column[start:stop])
            column[:] = kept
        self.ranks = [*chain.from_iterable(self.ranks[start:stop] for start, stop in stretches)]

    def of_message(self, shown: int) -> int | None:
        """The index of the entry that this message makes, or None."""
        return _index(self.ids, shown)

    def of_thread(self, shown: int) -> int | None:
        """The index of the entry of this thread, or None."""
        return _index(self.threads, shown)

    @property
    def _ranked(self) -> bool:
        return self._query.order != "received"

    def _key(self, at: int) -> Key:
        return key_of(self._query, self.ranks[at] if self._ranked else 0, self.received[at], self.ids[at])


def _index(column: array[int], value: int) -> int | None:
    """The index of a value, or None: 2 ms for 100,000 values. For several see `indexes_of`."""
    try:
        return column.index(value)
    except ValueError:
        return None


async def indexes_of(column: array[int], values: Iterable[int]) -> dict[int, int]:
    """The indexes of values in a column, by value; those that are not in it are left out. The column stays as it is
    meanwhile, because only the stream of its view changes it.
    """
    sought, indexes = {*values}, dict[int, int]()
    for start in range(0, len(column) if sought else 0, STRETCH):
        part = column[start : start + STRETCH]
        if not sought.isdisjoint(part):
            indexes.update({value: index for index, value in enumerate(part, start) if value in sought})
        await trio.lowlevel.checkpoint()
    return indexes


# Messages of the entries of a listed view, as a browser gets them (WEBMAIL-41, WEBMAIL-72).


THREADS: Final = 20
"""Threads read at once."""

MAX_MEMBERS: Final = 500
"""Messages of a thread that are sent, the newest ones: 600 kB at most."""


async def items_of(
    scope: Scope, wanted: Sequence[tuple[int, int]], entries: Entries, *, everywhere: bool
) -> dict[int, list[MessageItem]]:
    """The messages of entries of one account, by the browser's id of the entry; entries that are gone are left out.

    Args:
      wanted: of each entry the ids of its message and its thread, in the account's form.
      everywhere: the view is over all mailboxes. It skips a mailbox that is no longer readable.

    Raises NoSuchMailbox if a mailbox of another view is no longer readable; StoreError.
    """
    account = scope.holder.account
    if not entries.threaded:
        read_messages = partial(_read_messages, scope=scope, entries=entries, everywhere=everywhere)
        return await account.read(lambda r: read_messages(r, ids=[one for one, _ in wanted]), op="webmail_view")
    found: dict[int, list[MessageItem]] = {}
    for start in range(0, len(wanted), THREADS):
        part = wanted[start : start + THREADS]
        read = partial(_read_threads, scope=scope, wanted=part, entries=entries, everywhere=everywhere)
        found |= await account.scan(read, op="webmail_threads")
    return found


def _readable(r: Reader, scope: Scope, *, everywhere: bool) -> frozenset[MailboxID] | None:
    """The mailboxes that the user may read, None for all. Raises NoSuchMailbox."""
    return scope.holder.readable(r) if everywhere else scope.readable(r)


def _read_messages(
    r: Reader, scope: Scope, ids: Sequence[int], entries: Entries, *, everywhere: bool
) -> dict[int, list[MessageItem]]:
    readable = _readable(r, scope, everywhere=everywhere)
    shown, local = scope.holder.shown_id, scope.holder.local_id
    of = {local(copy): shown(one) for one in ids for copy in entries.copies.get(shown(one), ())}
    rows = rows_by_ids(r, [*ids, *of])
    if readable is not None:  # one may have been moved since it was found
        rows = [row for row in rows if row.mailbox_id in readable]
    items = {item.id: [item] for item in scope.holder.items(r, rows)}
    for copy, first in of.items():
        if (message_items := items.pop(shown(copy), None)) and first in items:
            items[first].append(msgspec.structs.replace(message_items[0], copy_of=first))
    return items


def _read_threads(
    r: Reader, scope: Scope, wanted: Sequence[tuple[int, int]], entries: Entries, *, everywhere: bool
) -> dict[int, list[MessageItem]]:
    readable = _readable(r, scope, everywhere=everywhere)
    found = {}
    for first_id, threadid in wanted:
        of = members(r, threadid, MAX_MEMBERS)
        if readable is not None:  # a thread may extend to mailboxes that are not shared
            of = [member for member in of if member.row.mailbox_id in readable]
        if of:
            shown = scope.holder.shown_id(first_id)
            found[shown] = _thread(r, scope, shown, of, entries)
    return found


def _places(r: Reader, scope: Scope, entries: Entries) -> Places:
    """The places of the user's own mailboxes; messages of others are no copies."""
    if scope.holder.guest:
        return {}
    if entries.places is None:
        entries.places = places(r)
    return entries.places


async def join_copies(scope: Scope, ids: Sequence[int], entries: Entries) -> bool:
    """Let one of several entries of one message stand for all, after those with these ids (in the account's form) were
    added to a view without threads; returns whether entries are others. Raises StoreError.
    """
    holder = scope.holder
    if entries.threaded or holder.guest or len(scope.mailboxes) < 2:
        return False

    def read(r: Reader) -> Mapping[MessageID, MessageID]:
        if not (where := _places(r, scope, entries)):
            return {}
        found = {pair: entries.of_message(holder.shown_id(pair)) for pair in pairs(r, ids, sorted(scope.mailboxes))}
        in_order = sorted((at, message_id) for message_id, at in found.items() if at is not None)
        return copies_by_id(r, [message_id for _, message_id in in_order], where, entries.digests)

    joined = await holder.account.scan(read, op="webmail_twins")
    shown = {holder.shown_id(copy): holder.shown_id(first) for copy, first in joined.items()}
    indexes = await indexes_of(entries.ids, shown)
    entries.drop(indexes.values())
    for copy_id in indexes:
        entries.copies.setdefault(shown[copy_id], []).append(copy_id)
    return bool(joined)


def _thread(r: Reader, scope: Scope, shown: int, of: list[Member], entries: Entries) -> list[MessageItem]:
    """A whole thread: first the message of its entry, then the others, oldest first."""
    known: dict[int, Member] = {one.row.id: one for one in of}
    where = _places(r, scope, entries)
    rows = sorted([one.row for one in of], key=lambda row: scope.holder.shown_id(row.id) != shown)
    twins = copies(r, rows, where, entries.digests)
    made: list[MessageItem] = []
    for member, item in zip(of, scope.holder.items(r, [one.row for one in of]), strict=True):
        above = next((known[parent] for parent in member.parents if parent in known), None)
        matching = item.id in entries.hits if entries.selective else member.row.mailbox_id in scope.mailboxes
        made.append(
            msgspec.structs.replace(
                item,
                thread_parent=0 if above is None else scope.holder.shown_id(above.row.id),
                same_message_id=above is not None and above.row.messageid == member.row.messageid is not None,
                match_query=matching,
                copy_of=scope.holder.shown_id(twins.get(member.row.id, 0)),
            )
        )
    matching_ones = [item for item in made if item.match_query] or made
    first = next((item for item in made if item.id == shown), matching_ones[-1])
    return [first, *(item for item in made if item is not first)]


# A search over the mailboxes of several accounts, in one order (WEBMAIL-38, WEBMAIL-62).
#
# A search returns the matches of one account in their final order, and the
# place that it has reached. With two accounts, a match of one has its final position when the search of the other has
# passed that place. So the next step is always taken in the account that is furthest behind, and matches that all
# searches have passed are returned. This is fair: all accounts are at the same time of reception, within one step.
# And it is bounded: of each account only the matches of its last step wait. Messages that were received in the same
# microsecond are ordered by the browser's form of their ids.


Key: TypeAlias = tuple[int | str, int, int]
"""Sort key of a message in a view, smaller is earlier: its rank, time of reception (µs UTC) and the browser's id, the
latter two negated if the newest is first.
"""


def key_of(query: Query, rank: int | str, received: int, shown: int) -> Key:
    """The sort key of a message by its rank, its time of reception (µs UTC) and the browser's id."""
    return (rank, received, shown) if query.order_asc else (rank, -received, -shown)


class Source:
    """One account of a search. `waiting` are matches without a final position."""

    def __init__(self, scope: Scope, query: Query, beside: int) -> None:
        """`beside`: number of searches that run at the same time, this one included."""
        self.scope: Final = scope
        self.waiting: deque[Placed] = deque()
        message_query = wanted_of(query, sorted(scope.mailboxes))
        self.search: Final = Search(
            scope.holder.account, message_query, oldest_first=query.order_asc, by=query.order, beside=beside
        )


class MergedSearch:
    """A search over several accounts, which proceeds by one step per call.

    Attributes:
      sources: one for each account; of all inboxes one for each mailbox, whose order an index has.
    """

    def __init__(self, scopes: Iterable[Scope], query: Query) -> None:
        found = list(scopes)
        if query.filter.mailbox_id == INBOXES and query.order == "received":
            found = [Scope(scope.holder, frozenset({box})) for scope in found for box in sorted(scope.mailboxes)]
        self._query = query
        self.sources = [Source(scope, query, len(found)) for scope in found]

    @property
    def done(self) -> bool:
        """Whether all accounts are searched."""
        return all(source.search.done for source in self.sources)

    @property
    def progress(self) -> tuple[int, int]:
        """(messages searched, messages to search at most)."""
        searches = [source.search for source in self.sources]
        return sum(search.looked for search in searches), sum(search.of for search in searches)

    @property
    def index(self) -> list[int]:
        """Messages in the text indexes that are being made, and all messages of their accounts; [] without one."""
        known = {source.scope.holder.number: source.search.preparation for source in self.sources}
        found = [preparation for preparation in known.values() if preparation is not None]
        return [sum(each.indexed for each in found), sum(each.messages for each in found)] if found else []

    def next(self) -> Source:
        """The account to search next: the furthest behind of the unfinished ones."""
        unfinished = [source for source in self.sources if not source.search.done]
        unbegun = next((source for source in unfinished if source.search.reached is None), None)
        return unbegun or min(unfinished, key=lambda source: self._reached(source) or ())

    async def step(self, source: Source) -> list[tuple[Holder, Sequence[Placed]]]:
        """Search one step further in this account; returns the next matches of all accounts, in order, as runs of one
        account each. The result may be empty before the end.

        Raises NoSuchMailbox when a guest may not read all of the account's mailboxes any more; StorageBroken,
        ReadInterrupted.
        """
        holder = source.scope.holder
        if holder.guest:
            await holder.account.read(source.scope.readable, op="webmail_rights")
        found = await source.search.step()
        if len(self.sources) == 1:  # they are in order already, and stay columns
            return [(holder, found)]
        source.waiting.extend(found)
        return self._settled()

    def forget(self, holder: Holder, messages: Sequence[int]) -> None:
        """Drop waiting matches of an account that are removed, or may no longer match."""
        gone = frozenset(messages)
        for source in self.sources:
            if source.scope.holder is holder:
                source.waiting = deque(one for one in source.waiting if one.message_id not in gone)

    def _reached(self, source: Source) -> Key | None:
        """The place that the search of an account has reached; None before its first step."""
        return None if source.search.reached is None else self._key(source.scope.holder, source.search.reached)

    def _key(self, holder: Holder, one: Placed) -> Key:
        return key_of(self._query, one.rank, one.received, holder.shown_id(one.message_id))

    def _settled(self) -> list[tuple[Holder, Sequence[Placed]]]:
        reached = [self._reached(source) for source in self.sources if not source.search.done]
        if None in reached:
            return []
        limit = min((one for one in reached if one is not None), default=None)
        found: list[tuple[Key, Holder, Placed]] = []
        for source in self.sources:
            holder, waiting = source.scope.holder, source.waiting
            while waiting and (limit is None or self._key(holder, waiting[0]) <= limit):
                one = waiting.popleft()
                found.append((self._key(holder, one), holder, one))
        found.sort(key=lambda entry: entry[0])
        runs = groupby(found, key=lambda entry: entry[1])
        return [(holder, [one for _, _, one in run]) for holder, run in runs]
