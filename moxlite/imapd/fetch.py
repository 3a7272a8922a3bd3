"""FETCH and UID FETCH (RFC 9051 §6.4.5; IMAP-93..107, RFC 7162 §3.1.4, §3.2.6, RFC 9394).

Theory of operation
-------------------
Messages are answered in slices: one short read for a slice, then its responses are written, then the client takes them;
no snapshot is held meanwhile (IMAP-95). What rows hold is rendered by `fetchrows`; for what needs the message itself,
`fetchbody` adds the rest to each response. ``\\Seen`` is set for a slice before its data is sent, so the flags in the
same response are true (IMAP-94).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import starmap
from operator import itemgetter
from typing import Final, TypeVar

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import vanished_lines
from moxlite.proto.imap.fetchitems import Attribute, Binary, Body, FetchItem
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import Ranges, SequenceSet, index_runs, runs, subtract, within
from moxlite.store.account import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.fetching import fetch_rows, small_bodies
from moxlite.store.flags import Stored, store_flags
from moxlite.store.keywords import spellings
from moxlite.store.reading import SLICE, state, vanished
from moxlite.store.transaction import Reader, Row
from moxlite.store.types import Flag

from .errors import bad, no
from .fetchbody import SMALL, Content, Unanswered, is_whole, item_name, needs, write_rest
from .fetchrows import FlagWriter, Plan, plan
from .messagelimit import cut, refuse_more
from .named import known_uids, last_uid, resolve
from .session import Done, Session
from .view import View

__all__ = ["fetch", "partial_of", "tell_items"]

Uids = TypeVar("Uids", "array[int]", "Sequence[int]")

FEW: Final = 64
"""Small bodies read in one go: about as long on the loop as a slice of rows (10 µs each for 3 kB)."""

_SEEN: Final = int(Flag.SEEN)


async def fetch(session: Session, command: c.Fetch) -> Done:
    """FETCH and UID FETCH."""
    view = session.selected
    since = command.changedsince
    if command.vanished and not (command.uid and session.qresync and since is not None):
        raise bad("VANISHED needs UID FETCH, CHANGEDSINCE and QRESYNC")
    if since is not None or Attribute.MODSEQ in command.items:
        session.use_condstore()
    asked = command.partial
    most = 0 if asked is None else max(asked, key=abs)
    uids = await resolve(session, view, command.set, uid=command.uid, most=most)
    if asked is not None:
        refuse_more(session, abs(asked[1] - asked[0]) + 1)
        uids = partial_of(uids, asked)
    uids = cut(session, uids)
    if command.vanished and since is not None:
        largest = await last_uid(session, view) if command.set.star else 0
        known = within(command.set.resolve(largest), 1, view.uidnext - 1)
        await _tell_vanished(session, view, known, since)
    spelled = await session.account.read(spellings, op="imap-spellings") if view.keywords else {}
    fetching = _Fetching(session, view, _items(session, command), since, spelled)
    marks_seen = not view.read_only and any(_marks_seen(item) for item in command.items)
    for start in range(0, len(uids), SLICE):
        await fetching.slice(uids[start : start + SLICE], marks_seen=marks_seen)
        await session.drain()
    return fetching.done()


async def tell_items(session: Session, view: View, uids: array[int], items: tuple[FetchItem, ...]) -> Unanswered | None:
    """FETCH of messages that nobody has asked for: NOTIFY does in advance (RFC 5465 §5.2), STORE has changed them. Sets
    no flags.

    Returns what could not be answered, if anything.
    """
    spelled = await session.account.read(spellings, op="imap-spellings") if view.keywords else {}
    wanted = _items(session, c.Fetch(SequenceSet(), items, uid=True))
    fetching = _Fetching(session, view, wanted, None, spelled)
    for start in range(0, len(uids), SLICE):
        await fetching.slice(uids[start : start + SLICE], marks_seen=False)
        await session.drain()
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
    """The items to answer: UID always (but under UIDONLY), MODSEQ where it has to be told (IMAP-77, IMAP-93)."""
    items = list(command.items)
    if Attribute.UID in items:
        items.remove(Attribute.UID)
        items.insert(0, Attribute.UID)
    elif not session.uidonly:
        items.insert(0, Attribute.UID)
    wanted = command.changedsince is not None or (command.uid and session.qresync)
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

    What the client still holds a number for is told later, in its turn.
    """
    account = session.account
    purged = (await account.read(state, op="imap-state")).highest_purged_modseq
    if since < purged:
        removed = known
    else:
        gone = await account.scan(lambda r: vanished(r, view.mailbox_id, since), op="imap-vanished")
        removed = [pair for first, stop in index_runs(gone, known) for pair in runs(gone, first, stop)]
    removed = subtract(removed, await known_uids(session, view, removed))
    if removed:
        session.write(vanished_lines(removed, earlier=True))


class _Fetching:
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
        self.problem: Unanswered | None = None
        self.gone = False
        self._items = items
        self._flags = FlagWriter(spelled, view.is_recent if view.recent else None)
        self._plans: dict[tuple[bool, bool], Plan] = {}

    def _plan(self, *, telling: bool, derived: bool = True) -> Plan:
        """How to answer.

        Args:
          telling: the flags besides what is asked for, since the command has just marked the messages as seen.
          derived: from what was derived of messages when they came; False for a slice where that is not all there.
        """
        known = self._plans.get((telling, derived))
        if known is None:
            session, items = self.session, list(self._items)
            if telling and Attribute.FLAGS not in items:
                items.append(Attribute.FLAGS)
            if telling and session.condstore and Attribute.MODSEQ not in items:
                items.append(Attribute.MODSEQ)
            known = plan(items, self._flags, utf8=session.utf8, uidonly=session.uidonly, derived=derived, beside=needs)
            self._plans[telling, derived] = known
        return known

    async def slice(self, uids: array[int], *, marks_seen: bool) -> None:
        """Answer for messages, at most a slice of them."""
        if marks_seen:
            changed = await self._mark_seen(uids)
            for telling, part in _split(uids, changed):
                await self._answer(part, telling=telling)
        else:
            await self._answer(uids, telling=False)

    async def _mark_seen(self, uids: array[int]) -> frozenset[int]:
        """Set ``\\Seen`` where it isn't; the UIDs that got it."""
        session, view = self.session, self.view
        live = view.live(uids)
        rows, _ = await session.account.read(self._reading(live, ()), op="imap-seen")
        unseen = [row[0] for row in rows if not row[1] & _SEEN]
        if not unseen:
            return frozenset()

        def unit(tx: AccountTx) -> Stored:
            return store_flags(tx, view.mailbox_id, unseen, mode="add", flags=Flag.SEEN)

        stored = await session.account.write(unit, session.cursor)
        if stored.changed:
            session.hush(stored.changed[0].modseq)
        return frozenset(row.uid for row in stored.changed)

    def _reading(self, uids: array[int], columns: tuple[str, ...]) -> partial[tuple[list[Row], list[Row]]]:
        return partial(
            fetch_rows,
            mailbox_id=self.view.mailbox_id,
            uids=uids,
            columns=columns,  # type: ignore[arg-type] # a plan's columns are Column
            since=self.since,
        )

    async def _answer(self, uids: array[int], *, telling: bool) -> None:
        how = self._plan(telling=telling)
        rows, gone = await self.session.account.read(self._reading(uids, how.columns), op="imap-fetch")
        if self.since is None and len(rows) < len(uids):
            self.gone = True
        if gone:
            rows = sorted([*rows, *gone])
        if not rows:
            return
        if not how.answers(rows):
            how = self._plan(telling=telling, derived=False)
            rows, gone = await self.session.account.read(self._reading(uids, how.columns), op="imap-fetch")
            rows = sorted([*rows, *gone])
            if not rows:
                return
        heads = how.heads(rows, self._numbers(rows))
        if not how.rest:
            self.session.write(b"".join(heads))
            return
        await self._answer_rest(rows, list(heads), how)

    async def _answer_rest(self, rows: Sequence[Row], heads: Sequence[bytes], how: Plan) -> None:
        """Write heads, each followed by the items that need the message itself."""
        session = self.session
        columns = map(how.position, ("message_id", "body_id", *needs(how.rest)))
        contents = list(starmap(Content, map(itemgetter(*columns), rows)))
        whole = b"%%b%b {%%d}\r\n" % item_name(how.rest[0]) if len(how.rest) == 1 and is_whole(how.rest[0]) else None
        for start, stop in _groups(contents):
            part = contents[start:stop]
            bodies = await self._read_small(part)
            octets = None if whole is None else _whole_messages(whole, heads[start:stop], part, bodies)
            if octets is not None:  # what most clients ask for, in one step
                session.write(octets)
                await session.drain()
                continue
            for head, content in zip(heads[start:stop], part, strict=True):
                body = bodies.get(content.body_id)
                if body is not None:
                    content.whole = content.prefix + body
                session.write(head)
                problem = await write_rest(session, content, how.rest)
                session.write(b")\r\n")
                if isinstance(problem, StoreError):
                    raise problem
                self.problem = problem or self.problem
                await session.drain()

    def _numbers(self, rows: Sequence[Row]) -> Sequence[int]:
        """Message numbers of rows; UIDs under UIDONLY."""
        uids = [row[0] for row in rows]
        if self.session.uidonly:
            return uids
        view = self.view
        first = view.number(uids[0])
        if view.number(uids[-1]) - first + 1 == len(uids):
            return range(first, first + len(uids))
        return [view.number(uid) for uid in uids]

    async def _read_small(self, contents: Sequence[Content]) -> Mapping[int, bytes]:
        """Bodies of those which are read whole, by id. A damaged one is left out: reading a range of it will tell."""
        wanted = {content.body_id: content.body_size for content in contents if content.body_size <= SMALL}
        if not wanted:
            return {}

        def read(r: Reader) -> dict[int, bytes]:
            return small_bodies(r, list(wanted.items()))

        return await self.session.account.read(read, op="imap-bodies")

    def done(self) -> Done:
        """The tagged response. Raises Refused when an item could not be answered."""
        if self.problem is not None:
            raise no(self.problem.text, self.problem.code)
        return Done("fetched", Code("EXPUNGEISSUED") if self.gone else None)


def _split(uids: array[int], chosen: frozenset[int]) -> Iterator[tuple[bool, array[int]]]:
    """Stretches of `uids` that are all in `chosen`, or all not, in order."""
    start = 0
    for position in range(1, len(uids) + 1):
        kind = uids[start] in chosen
        if position == len(uids) or (uids[position] in chosen) != kind:
            yield kind, uids[start:position]
            start = position


def _whole_messages(
    template: bytes, heads: Sequence[bytes], contents: Sequence[Content], bodies: Mapping[int, bytes]
) -> bytes | None:
    """The responses of messages that are asked for in full, in one piece; None when they can't be just put together."""
    pieces: list[bytes] = []
    for head, content in zip(heads, contents, strict=True):
        body = bodies.get(content.body_id)
        if body is None:
            return None
        pieces += (template % (head, content.size), content.prefix, body, b")\r\n")
    octets = b"".join(pieces)
    return None if b"\0" in octets else octets


def _groups(contents: Sequence[Content]) -> Iterator[tuple[int, int]]:
    """Slices of `contents` whose small bodies are read in one go: at most FEW, at most SMALL octets together."""
    start = octets = 0
    for position, content in enumerate(contents):
        size = content.body_size if content.body_size <= SMALL else 0
        if position > start and (octets + size > SMALL or position - start == FEW):
            yield start, position
            start, octets = position, 0
        octets += size
    if start < len(contents):
        yield start, len(contents)
