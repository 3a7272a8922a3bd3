"""SORT and THREAD (RFC 5256, RFC 5267 §3, RFC 5957; IMAP-127).

What messages are sorted by was stored when they came: no body is read. Rows are read in slices, in worker threads, and
put in order there too.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import SortData, ThreadData
from moxlite.proto.imap.search import ModSeqIs, SearchKey, SortKey, keys_of
from moxlite.proto.imap.threading import Threadable, by_references, by_subject
from moxlite.proto.mime.headers import Header
from moxlite.proto.mime.messageid import base_subject, references
from moxlite.proto.mime.text import fold
from moxlite.proto.mime.types import Envelope, MailAddress
from moxlite.store.sorting import SortRow, ThreadRow, sort_rows, thread_rows
from moxlite.store.transaction import Reader

from .errors import bad
from .messagelimit import first_searched
from .named import conditions
from .progress import going_on
from .results import esearch, highest_modseq, off_loop
from .search import find
from .searchkeys import divide
from .session import Done, Session
from .uidlist import uid_array
from .view import View

__all__ = ["sort", "thread"]

SLICE: Final = 1_000
"""Messages read at once: 20 ms with their headers, then the snapshot is given up."""

Row = TypeVar("Row")


async def _found(session: Session, view: View, program: SearchKey) -> array[int]:
    await first_searched(session, view, program, all_or_none=True)
    named = await conditions(session, view, program)
    return await find(session, view, divide(program, view, named))


async def _rows(session: Session, read: Callable[[Reader, Sequence[int]], list[Row]], uids: array[int]) -> list[Row]:
    rows: list[Row] = []
    for start in range(0, len(uids), SLICE):
        rows += await session.account.scan(_reading(read, uids[start : start + SLICE]), op="imap-sort")
    return rows


def _reading(read: Callable[[Reader, Sequence[int]], list[Row]], uids: Sequence[int]) -> Callable[[Reader], list[Row]]:
    return lambda r: read(r, uids)


# --- SORT


async def sort(session: Session, command: c.Sort) -> Done:
    """SORT and UID SORT."""
    view = session.selected
    returns = command.returns
    if returns is not None and (returns.update or returns.context or "ESORT" in session.disabled):
        raise bad("return option is not supported")
    if "SORT=DISPLAY" in session.disabled and any(key.name.startswith("DISPLAY") for key in command.keys):
        raise bad("sort key is not supported")
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys_of(command.program))
    if with_modseq:
        session.use_condstore()
    try:
        uids = await _found(session, view, command.program)  # in which $ is the result before this one
    finally:
        if returns is not None and returns.save:
            view.saved = uid_array()  # what a search that fails leaves (IMAP-124)
    ordered = await going_on(session, lambda: _ordered(session, view, uids, command.keys))
    if returns is None:
        highest = await highest_modseq(session, view.mailbox_id, ordered) if with_modseq else 0

        def render() -> bytes:
            numbers = ordered if command.uid else [view.number(uid) for uid in ordered]
            return encode(SortData(numbers, highest or None))

        session.write(await off_loop(len(ordered), render))
    else:
        octets, kept = await esearch(session, view, ordered, returns, uid=command.uid, with_modseq=with_modseq)
        if returns.save:
            view.saved = uid_array(sorted(kept))
        session.write(octets)
    return Done("sorted")


async def _ordered(session: Session, view: View, uids: array[int], keys: tuple[SortKey, ...]) -> Sequence[int]:
    known = view.list.orders.get(keys)
    if isinstance(known, array):
        if len(known) == len(uids):
            return known
        wanted = frozenset(uids)
        return await off_loop(len(known), lambda: [uid for uid in known if uid in wanted])
    names = {key.name for key in keys}
    envelope = bool(names - {"ARRIVAL", "SIZE", "SUBJECT"})
    rows = await _rows(session, lambda r, uids: sort_rows(r, view.mailbox_id, uids, envelope=envelope), uids)

    def arrange() -> array[int]:
        # From the last key to the first, each time leaving what is equal as it was: at last by message number.
        for key in reversed(keys):
            rows.sort(key=_KEYS[key.name], reverse=key.reverse)
        return uid_array([row.uid for row in rows])

    ordered = await off_loop(len(rows), arrange)
    if view.list and len(ordered) == len(view.list):
        view.list.keep(keys, ordered)
    return ordered


def _sent(envelope: Envelope | None, received: int) -> int:
    """When a message was sent, in UTC; without a usable Date, when it came (RFC 5256 §2.2)."""
    return received if envelope is None or envelope.date is None else envelope.date


def _mailbox(addresses: tuple[MailAddress, ...]) -> str:
    """``addr-mailbox`` of the first address (RFC 5256 §3)."""
    return fold(addresses[0].localpart) if addresses else ""


def _display(addresses: tuple[MailAddress, ...]) -> str:
    """The name of the first address, else the address (RFC 5957 §3)."""
    if not addresses:
        return ""
    first = addresses[0]
    return fold(first.name or f"{first.localpart}@{first.domain}".strip("@"))


_NOTHING: Final = Envelope()


def _of(part: Callable[[Envelope], str]) -> Callable[[SortRow], Any]:
    return lambda row: part(row.envelope or _NOTHING)


_KEYS: Final[dict[str, Callable[[SortRow], Any]]] = {
    "ARRIVAL": lambda row: row.received,
    "CC": _of(lambda envelope: _mailbox(envelope.cc)),
    "DATE": lambda row: _sent(row.envelope, row.received),
    "FROM": _of(lambda envelope: _mailbox(envelope.from_)),
    "SIZE": lambda row: row.size,
    "SUBJECT": lambda row: row.subject_base,
    "TO": _of(lambda envelope: _mailbox(envelope.to)),
    "DISPLAYFROM": _of(lambda envelope: _display(envelope.from_)),
    "DISPLAYTO": _of(lambda envelope: _display(envelope.to)),
}


# --- THREAD


async def thread(session: Session, command: c.Thread) -> Done:
    """THREAD and UID THREAD."""
    view = session.selected
    algorithm = {"REFERENCES": by_references, "ORDEREDSUBJECT": by_subject}.get(command.algorithm)
    if algorithm is None or f"THREAD={command.algorithm}" in session.disabled:
        raise bad("unknown threading algorithm")
    uids = await _found(session, view, command.program)
    asked = (command.algorithm, command.uid)

    async def work() -> bytes:
        known = view.list.orders.get(asked)
        if isinstance(known, bytes) and len(uids) == len(view.list):
            return known
        rows = await _rows(session, lambda r, uids: thread_rows(r, view.mailbox_id, uids), uids)
        number = (lambda uid: uid) if command.uid else view.number

        def render() -> bytes:
            return encode(ThreadData(algorithm([_threadable(row, number) for row in rows])))

        octets = await off_loop(len(rows), render)
        if view.list and len(rows) == len(view.list):
            view.list.keep(asked, octets)
        return octets

    session.write(await going_on(session, work))
    return Done("threaded")


def _threadable(row: ThreadRow, number: Callable[[int], int]) -> Threadable:
    header = Header(row.header)
    envelope = row.envelope
    return Threadable(
        number(row.uid),
        row.messageid,
        tuple(dict.fromkeys(references(header.all(b"references"), header.get(b"in-reply-to")))),
        row.subject_base,
        envelope is not None and base_subject(envelope.subject)[1],
        _sent(envelope, row.received),
    )
