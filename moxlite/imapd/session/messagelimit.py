"""MESSAGELIMIT, SAVELIMIT: the operator's limits on the messages that one command works on (RFC 9738; IMAP-163).

A command that names more messages works on the highest UIDs, and its response has a code with the lowest of them. An
atomic command (COPY, APPEND, SORT, THREAD) is refused. EXPUNGE and CLOSE have no limit. COPY and APPEND, which save
messages, may have a limit of their own.
"""

from __future__ import annotations

from array import array
from functools import partial

from moxlite.imapd.session.errors import Refused, no
from moxlite.imapd.session.named import known_uids, named_ranges
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.proto.imap import search as s
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import MAX_NUMBER, Ranges, intersect, pick, runs
from moxlite.store.rows.messages import deleted_uids


def limit_of(session: Session) -> int:
    """Maximum messages of one command, 0 for any number."""
    return 0 if "MESSAGELIMIT" in session.login.disabled else session.context.message_limit


def saving_limit_of(session: Session) -> int:
    """Maximum messages that one COPY or APPEND saves, 0 for any number."""
    own = 0 if "SAVELIMIT" in session.login.disabled else session.context.save_limit
    return own or limit_of(session)


def cut(session: Session, uids: array[int]) -> array[int]:
    """The highest UIDs of an ascending array, as many as the limit allows. `session.state.limited` says whether some
    are left out.
    """
    limit = limit_of(session)
    if not limit or len(uids) <= limit:
        return uids
    session.running.limited = Code("MESSAGELIMIT", b"%d %d" % (limit, uids[-limit]))
    return uids[-limit:]


def refuse_more(limit: int, count: int, uids: array[int] | None = None) -> None:
    """Raise Refused if there are more messages than the limit, 0 for none. `uids`: a part of these could be named
    instead.
    """
    if limit and count > limit:
        lowest = b" %d" % uids[-limit] if uids is not None else b""
        raise _refused(limit, lowest)


def _refused(limit: int, lowest: bytes = b"") -> Refused:
    return no("too many messages for a single command; no changes made", "MESSAGELIMIT", b"%d%b" % (limit, lowest))


async def cut_deleted(session: Session, view: View, chosen: Ranges) -> Ranges:
    r"""The UIDs that UID EXPUNGE may remove: without a limit `chosen`, else the highest ``\Deleted`` ones of it."""
    if not limit_of(session):
        return chosen
    deleted = await view.seat.account.scan(
        partial(deleted_uids, mailbox_id=view.mailbox_id, below=view.uidnext), op="imap-expunge"
    )
    return list(runs(cut(session, pick(uid_array(deleted), chosen))))


async def first_searched(session: Session, view: View, program: s.SearchKey, *, all_or_none: bool = False) -> int:
    """The lowest UID that a search examines, 1 if it is not limited. The limit counts messages examined, not matches.

    Raises Refused if `all_or_none` and there are too many.
    """
    limit = limit_of(session)
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
