"""FETCH and UID FETCH (RFC 9051 §6.4.5; IMAP-93..107, RFC 7162 §3.1.4, §3.2.6, RFC 9394).

Theory of operation
-------------------
Messages are answered in slices: one short read for a slice, then its responses are written, then the client takes them;
no snapshot is held meanwhile (IMAP-95). `fetchrows` renders data from rows. If the message itself is needed,
`fetchgroups` reads bodies, one group ahead of what the client takes, and `fetchbody` adds the rest to each response.
``\\Seen`` is set for a slice before its data is sent, so the flags in the same response are true. If the disk takes
longer than `GRACE`, the data goes first, and the flags have responses of their own before the tagged OK (IMAP-94).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain, repeat, starmap
from operator import add, itemgetter, sub
from time import perf_counter
from typing import Final, TypeAlias, TypeVar

import trio

from moxlite.imapd.fetch.fetchbody import Content, ItemFailed, is_whole, item_name, needs, write_rest
from moxlite.imapd.fetch.fetchrows import FlagWriter, Plan, plan, without_nul
from moxlite.imapd.session.errors import Disconnect, Refused, bad, no
from moxlite.imapd.session.messagelimit import cut, limit_of, refuse_more
from moxlite.imapd.session.named import highest_modseq, known_uids, resolve
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import check_view
from moxlite.processor import off_loop
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import vanished_lines
from moxlite.proto.imap.fetchitems import Attribute, Binary, Body, FetchItem
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import Ranges, SequenceSet, index_runs, runs, subtract, within
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.file.threads import Precomputation
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.fetching import StoredBodies, fetch_rows, slice_of, stored_bodies
from moxlite.store.mail.flags import StoreResult, store_flags
from moxlite.store.rows.mailboxes import spellings, state
from moxlite.store.rows.messages import vanished
from moxlite.store.types import Flag

Uids = TypeVar("Uids", "array[int]", "Sequence[int]")

_SEEN: Final = int(Flag.SEEN)

TURN: Final = 0.002
"""Seconds of reading bodies after which other tasks get their turn (IMAP-172)."""


GRACE: Final = 0.5
r"""Seconds that data waits for its ``\Seen`` to be stored: ten times the flush of a slow card."""


async def fetch(session: Session, command: c.Fetch) -> Done:
    """FETCH and UID FETCH."""
    view = session.selected
    since = command.changedsince
    if command.vanished and not (command.uid and session.extensions.qresync and since is not None):
        raise bad("VANISHED requires UID FETCH, CHANGEDSINCE, and QRESYNC")
    if since is not None or Attribute.MODSEQ in command.items:
        session.use_condstore()
    asked = command.partial
    most = 0 if asked is None else max(asked, key=abs)
    uids = await resolve(view, command.set, uid=command.uid, most=most)
    if asked is not None:
        refuse_more(limit_of(session), abs(asked[1] - asked[0]) + 1)
        uids = partial_of(uids, asked)
    uids = cut(session, uids)
    if command.vanished and since is not None:
        last = view.uidnext - 1  # "*" too: the highest UIDs may be gone
        await _tell_vanished(session, view, within(command.set.resolve(last), 1, last), since)
    items = _items(session, command)
    marks_seen = (
        not view.access.read_only and "s" in view.access.rights and any(_marks_seen(item) for item in command.items)
    )
    shows_flags = marks_seen or Attribute.FLAGS in items
    spelled = await view.seat.account.read(spellings, op="imap-spellings") if view.keywords and shows_flags else {}
    fetching = _FetchRun(session, view, items, since, spelled)
    await fetching.run(uids, marks_seen=marks_seen)
    if session.extensions.condstore and Attribute.MODSEQ in items and view.seat.cursor.pending():
        await highest_modseq(view, uids)
    return fetching.done()


async def tell_items(session: Session, view: View, uids: array[int], items: tuple[FetchItem, ...]) -> ItemFailed | None:
    """Send FETCH responses without a FETCH command: for new messages with NOTIFY (RFC 5465 §5.2), and for changes by
    STORE. Sets no flags.

    Returns the last error, if an item could not be answered.
    """
    spelled = await view.seat.account.read(spellings, op="imap-spellings") if view.keywords else {}
    wanted = _items(session, c.Fetch(SequenceSet(), items, uid=True))
    fetching = _FetchRun(session, view, wanted, None, spelled)
    await fetching.run(uids, marks_seen=False)
    return fetching.problem


def partial_of(uids: Uids, asked: tuple[int, int]) -> Uids:
    """The results that PARTIAL names, ascending: counted from the first, or, negative, from the last (RFC 9394)."""
    first, last = asked
    if first > 0:
        low, high = sorted((first, last))
        return uids[low - 1 : high]
    near, far = sorted((-first, -last))
    return uids[max(len(uids) - far, 0) : max(len(uids) - near + 1, 0)]


def _items(session: Session, command: c.Fetch) -> tuple[FetchItem, ...]:
    """The items to answer: always UID (except under UIDONLY), and MODSEQ if it must be sent (IMAP-77, IMAP-93)."""
    items = list(command.items)
    if Attribute.UID in items:
        items.remove(Attribute.UID)
        items.insert(0, Attribute.UID)
    elif not session.extensions.uidonly:
        items.insert(0, Attribute.UID)
    wanted = command.changedsince is not None or (command.uid and session.extensions.qresync)
    if wanted and Attribute.MODSEQ not in items:
        items.append(Attribute.MODSEQ)
    return tuple(items)


def _marks_seen(item: FetchItem) -> bool:
    """Whether the item sets ``\\Seen`` (RFC 9051 §6.4.5)."""
    match item:
        case Body(peek=peek) | Binary(peek=peek):
            return not peek
        case _:
            return item in (Attribute.RFC822, Attribute.RFC822_TEXT)


async def _tell_vanished(session: Session, view: View, known: Ranges, since: int) -> None:
    """``VANISHED (EARLIER)`` before the FETCH lines (IMAP-78).

    UIDs that still have a message number are sent later, in their order.
    """
    account = view.seat.account
    purged = (await account.read(state, op="imap-state")).highest_purged_modseq
    if since < purged:
        removed = known
    else:
        gone = await account.scan(lambda r: vanished(r, view.mailbox_id, since), op="imap-vanished")
        removed = [pair for first, stop in index_runs(gone, known) for pair in runs(gone, first, stop)]
    removed = subtract(removed, await known_uids(view, removed))
    if removed:
        session.write(vanished_lines(removed, earlier=True))


class _FetchRun:
    """One command at work."""

    def __init__(
        self,
        session: Session,
        view: View,
        items: tuple[FetchItem, ...],
        since: int | None,
        spelled: Mapping[str, str],
    ) -> None:
        self.session = session
        self.view = view
        self.since = since
        self.problem: ItemFailed | None = None
        self.gone = False
        self._items = items
        self._flags = FlagWriter(spelled, view.recent.shown if view.recent.uids else None)
        self._plans: dict[tuple[bool, bool], Plan] = {}
        self._ahead: deque[Group] = deque()  # read, not written yet
        self._turned = perf_counter()
        self._began = False

    def _plan(self, *, telling: bool, derived: bool = True) -> Plan:
        """The plan of the responses.

        Args:
          telling: send the flags, too, since the command has just marked the messages as seen.
          derived: use data derived from messages when they arrived; False for a slice where some of it is missing.
        """
        known = self._plans.get((telling, derived))
        if known is None:
            session, items = self.session, list(self._items)
            if telling and Attribute.FLAGS not in items:
                items.append(Attribute.FLAGS)
            if telling and session.extensions.condstore and Attribute.MODSEQ not in items:
                items.append(Attribute.MODSEQ)
            known = plan(
                items,
                self._flags,
                utf8=session.extensions.utf8,
                uidonly=session.extensions.uidonly,
                derived=derived,
                suffix=self.view.seat.suffix,
                beside=needs,
            )
            self._plans[telling, derived] = known
        return known

    async def _check_rights(self) -> None:
        """Check again, as a download takes long, whether the mailbox's owner still permits it (IMAP-157)."""
        await check_view(self.session, self.view)
        if self.view.access.lost:
            raise NoSuchMailbox("you don't have access to this mailbox anymore")

    async def run(self, uids: array[int], *, marks_seen: bool) -> None:
        """Send the responses for messages, ascending. On StoreError, data read before has been sent."""
        try:
            step = slice_of(self._plan(telling=marks_seen).columns)
            for start in range(0, len(uids), step):
                if start:
                    await self._check_rights()
                await self._slice(uids[start : start + step], marks_seen=marks_seen)
        except StoreError:
            await self._flush()
            raise
        await self._flush()

    async def _slice(self, uids: array[int], *, marks_seen: bool) -> None:
        """Answer for at most a slice of messages. The last group is left for `_flush`."""
        unseen = await self._unseen(uids) if marks_seen else []
        if not unseen:
            await self._answer(uids, telling=False)
            return
        marking = _SeenWrite(self.session, self.view, unseen)
        late = await marking.while_sending(partial(self._answer_marked, uids, marking))
        if late:
            flags: tuple[FetchItem, ...] = (Attribute.FLAGS,)
            if self.session.extensions.condstore:
                flags = (Attribute.FLAGS, Attribute.MODSEQ)
            await tell_items(self.session, self.view, array("q", sorted(marking.changed)), flags)

    async def _unseen(self, uids: array[int]) -> list[int]:
        r"""The messages without ``\Seen``."""
        live = self.view.live(uids)
        rows, _, _ = await self.view.seat.account.read(self._reading(live), op="imap-seen")
        return [row[0] for row in rows if not row[1] & _SEEN]

    async def _answer_marked(self, uids: array[int], marking: _SeenWrite) -> bool:
        r"""Answer with the flags once ``\Seen`` is stored, or else without them; whether they are late."""
        late = not await marking.is_stored()
        for telling, part in _split(uids, frozenset() if late else marking.changed):
            await self._answer(part, telling=telling)
        if late:
            await self._flush()
            await self.session.wire.output.drain()
        return late

    def _reading(self, uids: array[int], how: Plan | None = None) -> partial[tuple[list[Row], list[Row], array[int]]]:
        return partial(
            fetch_rows,
            mailbox_id=self.view.mailbox_id,
            uids=uids,
            columns=() if how is None else how.columns,
            since=self.since,
            ids=how is not None and bool(how.rest),
        )

    async def _answer(self, uids: array[int], *, telling: bool) -> None:
        while uids:
            uids = await self._answer_portion(uids, telling=telling)

    async def _answer_portion(self, uids: array[int], *, telling: bool) -> array[int]:
        """Answer for the first messages. Returns the UIDs that are left."""
        how = self._plan(telling=telling)
        account, reading = self.view.seat.account, self._reading(uids, how)
        stored: Sequence[Row] | None = None
        if how.rest and len(uids) == 1:
            one = partial(row_and_body, rows_of=reading, how=how)
            rows, gone, stored = await account.read(one, op="imap-fetch", turn=self._began)
            left = uids[1:]
        else:
            rows, gone, left = await account.read(reading, op="imap-fetch", turn=self._began)
        self._began = True
        if self.since is None and len(rows) < len(uids) - len(left):
            self.gone = True
        # Messages that others have removed, but whose EXPUNGE this client did not get yet: it may still fetch them.
        if gone:
            rows = sorted([*rows, *gone])
        if not rows:
            return left
        if not how.answers(rows):
            how = self._plan(telling=telling, derived=False)
            stored = None
            read = uids[: len(uids) - len(left)]
            rows, gone, more = await account.read(self._reading(read, how), op="imap-fetch")
            left = more + left
            rows = sorted([*rows, *gone])
            if not rows:
                return left
        numbers = self._numbers(rows)
        long = how.takes_long(rows)
        if how.rest:
            begin = partial(Slice, account, how, rows, numbers, stored)
            for group in (await off_loop(begin, kind="imap-fetch") if long else begin()).groups():
                await self._take(group)
            return left
        await self._flush()

        def render() -> bytes:
            return b"".join(how.heads(how.split(rows), numbers))

        self.session.write(await off_loop(render, kind="imap-fetch") if long else render())
        await self.session.drain()
        return left

    async def _take(self, group: Group) -> None:
        """Read a group. The one before it may continue decompressing meanwhile."""
        while self._ahead and (len(self._ahead) > 1 or self._ahead[0].octets + group.octets > AHEAD):
            await self._write_next()
        now = perf_counter()
        turn = now - self._turned > TURN
        if turn:
            self._turned = now
        await group.read(turn=turn)
        if self._ahead:  # a lone one is not worth a thread
            self._ahead[0].begin()
            group.begin()
        self._ahead.append(group)

    async def _flush(self) -> None:
        """Write the groups that were read last, and let the client take them."""
        while self._ahead:
            await self._write_next()

    async def _write_next(self) -> None:
        group = self._ahead.popleft()
        await self._write(group, await group.result())

    async def _write(self, group: Group, made: bytes | Bodies) -> None:
        if isinstance(made, bytes):  # the request of most clients, in one step
            self.session.write(made)
            await self.session.drain(turn=False)
        else:
            await self._write_each(group, made)

    async def _write_each(self, group: Group, bodies: Bodies) -> None:
        """Write heads, each followed by the items that need the message itself."""
        session = self.session
        for head, content, body in zip(group.heads(), group.contents(), bodies, strict=True):
            if body is not None:
                content.whole = content.prefix + body
            session.write(head)
            problem = await write_rest(session, content, group.rest)
            session.write(b")\r\n")
            if isinstance(problem, StoreError):
                raise problem
            self.problem = problem or self.problem
            await session.drain()

    def _numbers(self, rows: Sequence[Row]) -> Sequence[int]:
        """Message numbers of rows; UIDs under UIDONLY."""
        uids = [row[0] for row in rows]
        if self.session.extensions.uidonly:
            return uids
        view = self.view
        first = view.number(uids[0])
        if view.number(uids[-1]) - first + 1 == len(uids):
            return range(first, first + len(uids))
        return [view.number(uid) for uid in uids]

    def done(self) -> Done:
        """The tagged response. Raises Refused when an item could not be answered."""
        if self.problem is not None:
            raise no(self.problem.text, self.problem.code)
        return Done("fetched", Code("EXPUNGEISSUED") if self.gone else None)


class _SeenWrite:
    r"""``\Seen`` on its way to the disk, while the data of the messages is sent.

    Attributes:
      changed: UIDs of the messages that got it.
    """

    def __init__(self, session: Session, view: View, uids: Sequence[int]) -> None:
        self.changed: frozenset[int] = frozenset()
        self._session = session
        self._view = view
        self._uids = uids
        self._stored = trio.Event()
        self._error: StoreError | None = None

    async def while_sending(self, send: Callable[[], Awaitable[bool]]) -> bool:
        """Store, and meanwhile `send`; its result. Raises what that raises, else StoreError as `Account.write`."""
        results: list[bool] = []
        error: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._store)
            try:
                results.append(await send())
            except (StoreError, Refused, Disconnect, trio.BrokenResourceError) as raised:
                error = raised  # not through the nursery, which would wrap it in a group
        if error := error or self._error:
            raise error
        return results[0]

    async def is_stored(self) -> bool:
        """Whether it is stored, within `GRACE` seconds. Raises StoreError as `Account.write`."""
        with trio.move_on_after(GRACE):
            await self._stored.wait()
        if self._error is not None:
            raise self._error
        return self._stored.is_set()

    async def _store(self) -> None:
        view = self._view

        def unit(tx: AccountTx) -> StoreResult:
            return store_flags(tx, view.mailbox_id, self._uids, mode="add", flags=Flag.SEEN)

        try:
            stored = await view.seat.account.write(unit, view.seat.cursor)
        except StoreError as error:
            self._error = error
        else:
            if stored.changed:
                self._session.hush(stored.changed[0].modseq)
            self.changed = frozenset(row.uid for row in stored.changed)
        self._stored.set()


def _split(uids: array[int], chosen: frozenset[int]) -> Iterator[tuple[bool, array[int]]]:
    """Stretches of `uids` that are all in `chosen`, or all not, in order."""
    start = 0
    for position in range(1, len(uids) + 1):
        kind = uids[start] in chosen
        if position == len(uids) or (uids[position] in chosen) != kind:
            yield kind, uids[start:position]
            start = position


# Bodies of a FETCH in groups: while one is being sent to the client, the next one is decompressed (IMAP-95,
# IMAP-148).
#
# Theory of operation ------------------- A group is some messages whose bodies are read in one short read, in their
# stored form. Decompressing them takes as long as all other work on them, and does not hold the interpreter lock: a
# thread does it, while the loop sends the group before and reads the next one. Work that needs the lock stays on the
# loop: two threads that need it wait for each other (measured: with the responses composed in the thread, too, 230
# MB/s instead of 500). A body that is too long for a group is streamed by itself.


FEW: Final = 128
"""Maximum messages of a group: decoding them takes the loop a millisecond if no thread is free."""

STEP: Final = 384 << 10
"""Maximum octets of a group. With groups of 250 KiB downloads were a fifth slower, with 120 KiB by half."""

AHEAD: Final = 2 * STEP
"""Maximum octets of two groups of which one is decompressed while the other is being sent (IMAP-148). The thread then
has its next group waiting and need not be woken for each.
"""

Bodies: TypeAlias = Sequence[bytes | memoryview | None]
"""Bodies of messages; None for one that is damaged, missing, or streamed."""


class Slice:
    """Messages of one non-empty read of rows, in groups.

    Attributes:
      stored: the bodies, if they were read with the rows. ids, sizes: of the bodies. whole: nothing but all of each
        message is to be added. starts: the response for each message up to where its body begins, if `whole`; else up
        to where `rest` begins.
    """

    def __init__(
        self,
        account: Account,
        how: Plan,
        rows: Sequence[Row],
        numbers: Sequence[int],
        stored: Sequence[Row] | None = None,
    ) -> None:
        """`numbers` as for `Plan.heads`; `stored` as from `row_and_body`."""
        columns = how.split(rows)
        self.account = account
        self.how = how
        self.rows = rows
        self.numbers = numbers
        self.stored = stored
        self.ids: Sequence[int] = columns["body_id"]
        self.sizes: Sequence[int] = list(map(sub, columns["size"], map(len, columns["prefix"])))
        self.whole = len(how.rest) == 1 and is_whole(how.rest[0])
        self.starts = list(
            how.starts(columns, numbers, item_name(how.rest[0])) if self.whole else how.heads(columns, numbers)
        )
        lengths = self.sizes if self.whole else columns["size"]
        self._ends = list(accumulate(map(add, lengths, map(len, self.starts))))

    def groups(self) -> Iterator[Group]:
        """Groups of at most `FEW` messages and at most `STEP` octets. A larger message is a group by itself."""
        ends = self._ends
        start = before = 0
        while start < len(ends):
            few = min(start + FEW, len(ends))
            stop = max(bisect_right(ends, before + STEP, start, few), start + 1)
            yield Group(self, slice(start, stop), ends[stop - 1] - before)
            start, before = stop, ends[stop - 1]


def row_and_body(
    r: Reader, rows_of: Callable[[Reader], tuple[list[Row], list[Row], array[int]]], how: Plan
) -> tuple[list[Row], list[Row], list[Row]]:
    """Read the row of one message by `rows_of`, and its body in stored form, in one snapshot: a message that a person
    opens. A second read would take a fifth of the command's time.
    """
    rows, gone, _ = rows_of(r)
    found = rows or gone
    if not found:
        return rows, gone, []
    body_id, size, prefix = (found[0][how.position(name)] for name in ("body_id", "size", "prefix"))
    return rows, gone, stored_bodies(r, [body_id], [size - len(prefix)])


class Group:
    """Some messages of a slice; their responses need their bodies.

    Attributes:
      octets: of all messages and beginnings.
    """

    __slots__ = ("_ahead", "_part", "_slice", "_stored", "octets")

    def __init__(self, of: Slice, part: slice, octets: int) -> None:
        self._slice = of
        self._part = part
        self.octets = octets
        self._stored: StoredBodies
        self._ahead: Precomputation[None]

    @property
    def rest(self) -> tuple[FetchItem, ...]:
        """The items that need the bodies."""
        return self._slice.how.rest

    async def read(self, *, turn: bool) -> None:
        """Read the bodies in their stored form, except streamed ones. `turn` as for `Database.read`."""
        of, part = self._slice, self._part
        sizes = of.sizes[part]
        rows = of.stored
        if rows is None:
            read = partial(stored_bodies, ids=of.ids[part], sizes=sizes)
            rows = await of.account.read(read, op="imap-bodies", turn=turn)
        self._stored = StoredBodies(sizes, rows)
        self._ahead = Precomputation(self._stored.decompress)

    def begin(self) -> None:
        """Let a thread begin to decompress the group, once it has been read."""
        self._ahead.begin()

    async def result(self) -> bytes | Bodies:
        """All responses in full, or the bodies if the caller composes the responses; to be called once. The group does
        not keep them, as the client may be slow.
        """
        await self._ahead.result()
        bodies = self._stored.plain()
        del self._ahead, self._stored
        return _responses(self._slice.starts[self._part], bodies) if self._slice.whole else bodies

    def heads(self) -> Iterable[bytes]:
        """The responses, up to where `rest` begins."""
        of, part = self._slice, self._part
        if of.whole:  # rare: one of them is missing
            return of.how.heads(of.how.split(of.rows[part]), of.numbers[part])
        return of.starts[part]

    def contents(self) -> Iterator[Content]:
        """Contents of the messages in this group, in the order of its rows."""
        how = self._slice.how
        columns = [how.position(name) for name in ("message_id", "body_id", *needs(how.rest))]
        return starmap(partial(Content, self._slice.account), map(itemgetter(*columns), self._slice.rows[self._part]))


def _responses(starts: Sequence[bytes], bodies: Bodies) -> bytes | Bodies:
    """The responses of messages that are requested in full, in one piece; the bodies if one of them is missing."""
    found = [octets for octets in bodies if octets is not None]
    if len(found) < len(bodies):
        return bodies
    pieces = zip(starts, found, repeat(b")\r\n", len(starts)), strict=True)
    return without_nul(b"".join(chain.from_iterable(pieces)))
