"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 9394, RFC 7162 §3.1.5; IMAP-119..125).

Rows are tested by the store, messages in worker threads, in slices, so that a cancelled search ends soon and no
snapshot is held for long. Messages are tested in two steps: most are ruled out by their stored header, a whole page of
them at once; only the rest is read.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Literal, TypeVar

import msgspec

from moxlite import processor
from moxlite.imapd.fetch.fetch import partial_of
from moxlite.imapd.search.searchindex import matching_until, narrow
from moxlite.imapd.search.searchkeys import Message, Program, divide
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.messagelimit import first_searched, limit_of
from moxlite.imapd.session.named import conditions, highest_modseq, known_uids
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import Code, EsearchData, SearchData, State, UidBatchesData
from moxlite.proto.imap.search import ModSeqIs, Return, keys_of
from moxlite.proto.imap.seqset import runs
from moxlite.store.content.body import CHUNK_SIZE, message_range
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader, Row, portions
from moxlite.store.mail.fetching import fetch_rows, small_bodies
from moxlite.store.rows.conditions import All, And, Condition, UIDRange, matching_texts
from moxlite.store.rows.messages import MAX_UID
from moxlite.store.rows.sorting import HEADER, INFO, columns_of

TEXT: Final = 5_000
"""Maximum matches that the store returns as one piece of text."""
HEADERS: Final = 500
"""Headers searched at once: as many as fit into the processor's cache."""
BODIES: Final = CHUNK_SIZE
"""Octets of small bodies read at once."""
SPARSE: Final = 8
"""Messages that can be walked over in the time that finding one message's number takes."""
PATIENCE: Final = 0.05
"""Seconds of testing messages in one read; then the snapshot is given up."""
SMALLEST_BATCH: Final = 500
"""Messages of a batch of UIDBATCHES at least (RFC 10022 §3)."""
PROGRESS: Final = 10.0
"""Seconds between two INPROGRESS responses (IMAP-125)."""


async def search(session: Session, command: c.Search) -> Done:
    """SEARCH and UID SEARCH."""
    view = session.selected
    returns = command.returns
    first = await first_searched(session, view, command.program)
    named = await conditions(view, command.program)
    program = divide(command.program, view, named)  # in which $ is the result before this one (RFC 5182 §2.1)
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys_of(command.program))
    if with_modseq:
        session.use_condstore()
    if first > 1:
        program = msgspec.structs.replace(program, condition=And((program.condition, UIDRange(first, MAX_UID))))
    if returns is None and session.extensions.rev2:
        returns = Return(all=True)
    if returns is None and command.uid and program.test is None and not with_modseq:
        await _write_uids(session, view, program.condition)
        return Done("searched")
    found = await find(session, view, program, returns)
    if returns is None:
        highest = await highest_modseq(view, found) if with_modseq else 0
        numbers = found if command.uid else _numbers(view, found)
        session.respond(SearchData(numbers, highest or None))
    else:
        await _respond(session, view, command, returns, found, with_modseq=with_modseq)
    return Done("searched")


async def uid_batches(session: Session, command: c.UidBatches) -> Done:
    """UIDBATCHES (RFC 10022; IMAP-163a): ranges of UIDs with so many messages each, from the newest to UID 1.

    With a limit on the messages of a command no batch has more.
    """
    if command.size < SMALLEST_BATCH:
        raise no(f"batches must have at least {SMALLEST_BATCH} messages", "TOOFEW")
    view = session.selected
    uids = await known_uids(view, [(1, view.uidnext - 1)] if view.uidnext > 1 else [])
    size = min(command.size, limit_of(session) or command.size)
    first, last = command.batches or (1, len(uids))
    batches: list[tuple[int, int]] = []
    for number in range(first - 1, min(last, -(-len(uids) // size))):
        at = len(uids) - number * size
        lowest = uids[at - size] if at > size else 1
        highest = uids[at] - 1 if number else uids[-1]
        batches.append((highest, lowest))
    session.respond(UidBatchesData(session.running.tag, tuple(batches)))
    return Done("UIDBATCHES completed")


async def _write_uids(session: Session, view: View, condition: Condition) -> None:
    """Answer SEARCH with the messages that meet a condition, as text from the store."""
    read = partial(
        matching_texts,
        mailbox_id=view.mailbox_id,
        condition=condition,
        first=1,
        last=view.uidnext - 1,
        limit=TEXT,
    )
    texts = await view.seat.account.scan(read, op="imap-search")
    session.write(" ".join(("* SEARCH", *texts)).encode() + b"\r\n")


async def _respond(
    session: Session, view: View, command: c.Search, returns: Return, uids: array[int], *, with_modseq: bool
) -> None:
    """Send the ESEARCH response, and keep the result for SAVE (IMAP-123, IMAP-124)."""
    only_ends = _only_ends(returns)
    if only_ends:
        uids = uid_array(sorted({*(uids[:1] if returns.min else ()), *(uids[-1:] if returns.max else ())}))
    if returns.save:
        view.saved = uids
        if returns == Return(save=True):
            return  # no line

    def number(uid: int) -> int:
        return uid if command.uid else view.number(uid)

    def ranges(some: array[int]) -> tuple[tuple[int, int], ...]:
        return tuple(runs(some if command.uid else _numbers(view, some)))

    modseq = await highest_modseq(view, uids) if with_modseq else 0
    session.respond(
        EsearchData(
            session.running.tag,
            command.uid,
            min=number(uids[0]) if uids and returns.min else None,
            max=number(uids[-1]) if uids and returns.max else None,
            all=ranges(uids) if uids and returns.all else None,
            count=len(uids) if returns.count else None,
            modseq=modseq or None,
            partial=None
            if returns.partial is None
            else (returns.partial, ranges(partial_of(uids, returns.partial)) or None),
        )
    )


def _only_ends(returns: Return) -> bool:
    """Whether only MIN and MAX are requested (and perhaps SAVE, which then keeps only those)."""
    return (returns.min or returns.max) and not (returns.all or returns.count or returns.partial)


def _numbers(view: View, uids: array[int]) -> array[int]:
    """Message numbers of UIDs."""
    if len(uids) == view.exists:
        return uid_array(range(1, len(uids) + 1))
    if len(uids) * SPARSE < view.exists:
        return uid_array(map(view.number, uids))
    wanted = frozenset(uids)
    return uid_array([number for number, uid in enumerate(view.uids, 1) if uid in wanted])


async def find(session: Session, view: View, program: Program, returns: Return | None = None) -> array[int]:
    """UIDs of the messages of the view that match, ascending, without messages removed meanwhile.

    `returns`: the requested parts of the result. If these are only MIN or MAX, only messages at that end are searched.
    """
    for condition in program.sets:
        program.found.append(frozenset(await _matching(session, view, condition)))
    sure = uid_array()
    narrowed = None
    if program.sought is not None:
        last = view.uidnext - 1
        narrowed = await narrow(view.seat.account, view.mailbox_id, last, program.condition, program.sought)
    if narrowed is not None:
        sure, found = narrowed.matching, narrowed.left
    else:
        found = await _matching(session, view, program.condition)
    if program.test is None or not found:
        return sure or found
    if returns is None or not _only_ends(returns):
        tested = await _tested(session, _MessageTest(view, program, found))
        return uid_array(sorted([*sure, *tested])) if sure else tested
    ends = sure
    if returns.min:
        ends = ends + await _tested(session, _MessageTest(view, program, found, end="first"))
    if returns.max:
        ends = ends + await _tested(session, _MessageTest(view, program, found, end="last"))
    return uid_array(sorted(set(ends)))


async def _matching(session: Session, view: View, condition: Condition) -> array[int]:
    """The UIDs of the messages that meet a condition."""
    if condition in _EVERY and view is session.view and not view.counted:  # it has all UIDs itself
        return uid_array(view.live(view.uids))
    return await matching_until(view.seat.account, view.mailbox_id, condition, view.uidnext - 1)


_EVERY: Final = (All(), And((All(),)))
"""Forms of a program without conditions."""


async def _tested(session: Session, testing: _MessageTest) -> array[int]:
    """Run a test in as many reads as needed. Returns the UIDs that pass, ascending."""
    progress = _Progress(session)
    while not testing.done:
        await testing.view.seat.account.scan(testing.run, op="imap-search")
        await progress.tell(testing.tested, testing.total)
    return uid_array(sorted(testing.passed))


class _MessageTest:
    """A test of many messages, run in threads, read by read.

    Attributes:
      view: the mailbox. passed: UIDs that match, among the `tested` of `total`.
    """

    def __init__(
        self, view: View, program: Program, uids: array[int], *, end: Literal["first", "last"] | None = None
    ) -> None:
        """
        Args:
          uids: of the messages, ascending. end: test from this end, and only until some match has been found.
        """
        self.total = len(uids)
        self.tested = 0
        self.passed: list[int] = []
        self.view = view
        self._program = program
        self._uids = uids
        self._end = end
        self._left = uid_array()  # messages of the current slice that their headers do not rule out

    @property
    def done(self) -> bool:
        """Whether all necessary messages have been tested."""
        if self._left:
            return False
        return self.tested == self.total or (self._end is not None and bool(self.passed))

    def run(self, r: Reader) -> None:
        """Test for `PATIENCE` seconds, or a little longer."""
        until = time.monotonic() + PATIENCE
        while not self.done:
            if not self._left:
                self._look_over(r)
            if self._left and self._program.dated:
                self._look_at_dates(r)
            elif self._left:
                self._look_into(r, until)
            if time.monotonic() >= until:
                return

    def _look_over(self, r: Reader) -> None:
        """Take the next slice, and rule out messages by their stored headers."""
        size = min(HEADERS, self.total - self.tested)
        start = self.total - self.tested - size if self._end == "last" else self.tested
        uids = self._uids[start : start + size]
        self.tested += size
        if not self._program.hints:
            self._left = uids
            return
        left = uid_array()
        for rows in portions(columns_of(r, "m.uid, h.header", HEADER, self.view.mailbox_id, uids), (1,)):
            for hint in self._program.hints:
                rows = [rows[position] for position in hint.may_hold([header for _, header in rows])]
            left.extend([row[0] for row in rows])
        self._left = left

    def _look_at_dates(self, r: Reader) -> None:
        """Test messages of the slice by their dates: a third of what `_look_into` costs. An object for each would
        take as long as the tests.
        """
        test = self._program.test
        assert test is not None
        message = Message(0, b"", b"", _nothing)
        rows = columns_of(r, "m.uid, i.structure", INFO, self.view.mailbox_id, self._left)
        for message.uid, message.packed in rows:
            try:
                if test(message):
                    self.passed.append(message.uid)
            except ChunkDamaged:
                continue
        self._left = uid_array()

    def _look_into(self, r: Reader, until: float) -> None:
        """Test messages of the slice by their whole content. A message that cannot be read matches nothing."""
        test = self._program.test
        assert test is not None
        rows, _, left = fetch_rows(r, self.view.mailbox_id, self._left, ("size", "prefix", "header", "structure"))
        for start, stop in _groups(rows):
            group = rows[start:stop]
            bodies: dict[int, bytes] = {}
            for uid, _flags, _keywords, message_id, body_id, size, prefix, header, packed in group:
                read = _reader(r, bodies, group, message_id, body_id, size, prefix)
                try:
                    if test(Message(uid, header, packed, read)):
                        self.passed.append(uid)
                except (ChunkDamaged, NoSuchMessage):
                    continue
            if stop < len(rows) and time.monotonic() >= until:
                self._left = uid_array([row[0] for row in rows[stop:]]) + left
                return
        self._left = left


def _nothing(_start: int, _end: int) -> bytes:
    return b""


def _groups(rows: Sequence[Row]) -> Sequence[tuple[int, int]]:
    """Split rows into slices whose small bodies are read together."""
    found: list[tuple[int, int]] = []
    start = octets = 0
    for position, row in enumerate(rows):
        size = row[5] if row[5] - len(row[6]) <= CHUNK_SIZE else 0
        if position > start and octets + size > BODIES:
            found.append((start, position))
            start, octets = position, 0
        octets += size
    found.append((start, len(rows)))
    return found


def _reader(
    r: Reader,
    bodies: dict[int, bytes],
    group: Sequence[Row],
    message_id: int,
    body_id: int,
    size: int,
    prefix: bytes,
) -> Callable[[int, int], bytes]:
    """A function that reads ranges of a message. The first call that needs a body reads the bodies of the whole group
    into `bodies`.
    """
    if size - len(prefix) > CHUNK_SIZE:
        return lambda start, end: message_range(r, message_id, start, end - start)

    def read(start: int, end: int) -> bytes:
        if not bodies:
            wanted = {row[4]: row[5] - len(row[6]) for row in group if row[5] - len(row[6]) <= CHUNK_SIZE}
            bodies.update(small_bodies(r, list(wanted.items())))
        body = bodies.get(body_id)
        if body is None:
            raise ChunkDamaged
        return (prefix + body)[start:end]

    return read


class _Progress:
    """Sends progress responses of a long search (RFC 9585)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next = time.monotonic() + PROGRESS
        tag = session.running.tag
        self._tag = b"NIL" if "]" in tag else b'"%b"' % tag.encode()

    async def tell(self, done: int, total: int) -> None:
        """Send ``* OK [INPROGRESS (tag done total)]`` if one is due."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PROGRESS
        argument = b"(%b %d %d)" % (self._tag, done, total)
        self._session.respond(State("OK", "still searching", Code("INPROGRESS", argument)))
        await self._session.wire.output.drain()


# ESEARCH responses for results in any order: of SORT and of searches in several mailboxes (RFC 4731, RFC 5267 §3, RFC
# 7377 §2.1, RFC 9394).


T = TypeVar("T")

FEW: Final = 500
"""Number of messages whose results are composed on the loop. More take over 5 ms."""


async def off_loop(count: int, work: Callable[[], T]) -> T:
    """Run `work` on `count` messages, in a thread if they are many."""
    return work() if count <= FEW else await processor.off_loop(work, kind="imap-search")


async def esearch(
    session: Session,
    view: View,
    uids: Sequence[int],
    returns: Return,
    *,
    uid: bool,
    with_modseq: bool,
    mailbox: tuple[str, int] | None = None,
) -> tuple[bytes, Sequence[int]]:
    """The octets of the response, empty for RETURN (SAVE), and the UIDs that SAVE keeps (RFC 5182 §2.1).

    Args:
      uids: the result in its order, on which MIN, MAX and PARTIAL depend. mailbox: name and UIDVALIDITY to be sent.
    """
    kept = uids
    # SAVE keeps what MIN and MAX report; with other options the whole result (RFC 5182 §2.1, table)
    if (returns.min or returns.max) and not (returns.all or returns.count or returns.partial):
        kept = [*(uids[:1] if returns.min else ()), *(uids[-1:] if returns.max else ())]
    if returns == Return(save=True):
        return b"", kept

    def ranges(some: Sequence[int]) -> tuple[tuple[int, int], ...]:
        return _in_order(some if uid else [view.number(one) for one in some])

    def number(one: int) -> int:
        return one if uid else view.number(one)

    modseq = await highest_modseq(view, kept) if with_modseq else 0
    name, uidvalidity = mailbox or (None, None)
    asked = returns.partial

    def render() -> bytes:
        data = EsearchData(
            session.running.tag,
            uid,
            min=number(uids[0]) if uids and returns.min else None,
            max=number(uids[-1]) if uids and returns.max else None,
            all=ranges(uids) if uids and returns.all else None,
            count=len(uids) if returns.count else None,
            modseq=modseq or None,
            partial=None if asked is None else (asked, ranges(partial_of(uids, asked)) or None),
            mailbox=name,
            uidvalidity=uidvalidity,
        )
        return encode(data, utf8=session.extensions.utf8)

    # a result of many thousands takes milliseconds to encode
    return await off_loop(len(uids), render), kept


def _in_order(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ranges that give the numbers in exactly this order (RFC 5267 §3.2: a range ascends)."""
    found: list[tuple[int, int]] = []
    first = last = 0
    for number in numbers:
        if first and number == last + 1:
            last = number
            continue
        if first:
            found.append((first, last))
        first = last = number
    if first:
        found.append((first, last))
    return tuple(found)
