"""MESSAGELIMIT: how many messages one command works on (RFC 9738; IMAP-163), where the operator wants a limit.

A command that names more works on those with the highest UIDs, and says so by a code with the lowest of them; what is
all or nothing (COPY, APPEND, SORT, THREAD) is refused. EXPUNGE and CLOSE have no limit.
"""

from __future__ import annotations

from array import array
from functools import partial

from moxlite.imapd.session.errors import Refused, no
from moxlite.imapd.session.named import known_uids, named_ranges
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.uidlist import uid_array
from moxlite.imapd.session.view import View
from moxlite.proto.imap import search as s
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import MAX_NUMBER, Ranges, intersect, pick, runs
from moxlite.store.rows.messages import deleted_uids

__all__ = ["cut", "cut_deleted", "first_searched", "refuse_more"]


def _limit(session: Session) -> int:
    """Messages of one command, 0 for any number."""
    return 0 if "MESSAGELIMIT" in session.disabled else session.context.message_limit


def cut(session: Session, uids: array[int]) -> array[int]:
    """Those with the highest of the UIDs, which ascend: all, if they are no more than the limit."""
    limit = _limit(session)
    if not limit or len(uids) <= limit:
        return uids
    session.limited = Code("MESSAGELIMIT", b"%d %d" % (limit, uids[-limit]))
    return uids[-limit:]


def refuse_more(session: Session, count: int, uids: array[int] | None = None) -> None:
    """Raises Refused for more messages than the limit; `uids`: whose subset could be tried."""
    limit = _limit(session)
    if limit and count > limit:
        lowest = b" %d" % uids[-limit] if uids is not None else b""
        raise _refused(limit, lowest)


def _refused(limit: int, lowest: bytes = b"") -> Refused:
    return no("too many messages for one command, nothing was done", "MESSAGELIMIT", b"%d%b" % (limit, lowest))


async def cut_deleted(session: Session, view: View, chosen: Ranges) -> Ranges:
    r"""Of the UIDs that UID EXPUNGE names, the ``\Deleted`` ones that it may remove; all of them without a limit."""
    if not _limit(session):
        return chosen
    deleted = await view.seat.account.scan(
        partial(deleted_uids, mailbox_id=view.mailbox_id, below=view.uidnext), op="imap-expunge"
    )
    return list(runs(cut(session, pick(uid_array(deleted), chosen))))


async def first_searched(session: Session, view: View, program: s.SearchKey, *, all_or_none: bool = False) -> int:
    """The lowest UID that a search looks at, 1 if there is no limit to it. What counts are the messages that are looked
    at, not those that match.

    Raises Refused if `all_or_none` and there are too many.
    """
    limit = _limit(session)
    if not limit or view.exists <= limit:
        return 1
    ranges: Ranges = [(1, view.uidnext - 1)]
    for key in program.keys if isinstance(program, s.And) else (program,):
        match key:
            case s.Sequence(set=numbers):
                ranges = intersect(ranges, list(runs(view.sought(numbers))))
            case s.Uids(set=numbers):
                ranges = intersect(ranges, await named_ranges(view, numbers))
            case s.UidAfter(uid=uid):
                ranges = intersect(ranges, [(uid + 1, MAX_NUMBER)] if uid < MAX_NUMBER else [])
            case s.UidBefore(uid=uid):
                ranges = intersect(ranges, [(1, uid - 1)] if uid > 1 else [])
    uids = await known_uids(view, ranges)
    if len(uids) <= limit:
        return 1
    if all_or_none:
        raise _refused(limit)
    return cut(session, uids)[0]
