"""APPEND and REPLACE, once all messages have come (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508; IMAP-85..92)."""

import datetime as dt
from collections.abc import Sequence

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, State
from moxlite.proto.imap.seqset import format_ranges, runs
from moxlite.store.account import AccountTx
from moxlite.store.adding import Added
from moxlite.store.deliver import Append
from moxlite.store.deliver import append as add
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.messages import expunge
from moxlite.store.prepare import prepare

from .catenate import catenate
from .changes import tell
from .errors import no
from .flagwire import parse_words
from .incoming import MAX_FACTOR, Incoming, require_catenate, target_mailbox
from .messagelimit import refuse_more
from .named import resolve
from .session import Done, Session

__all__ = ["append", "replace"]


async def append(session: Session, command: c.Append) -> Done:
    """APPEND: all messages or none (RFC 3502 §3)."""
    try:
        refuse_more(session, len(command.messages))
        box = await target_mailbox(session, command.mailbox)
        items = await _prepared(session, command.messages)
        try:
            added = await add(session.account, box.id, items, origin=session.cursor)
        except NoSuchMailbox:
            raise no("no such mailbox", "TRYCREATE") from None
    finally:
        session.drop_incoming()
    return Done("added", _appenduid(added))


async def replace(session: Session, command: c.Replace) -> Done:
    """REPLACE: the new message comes and the old one goes in one unit (RFC 8508 §3)."""
    try:
        view = session.writable
        uids = view.live(await resolve(session, view, command.set, uid=command.uid))
        if not uids:
            raise no("the message is gone", "EXPUNGEISSUED")
        box = await target_mailbox(session, command.mailbox)
        items = await _prepared(session, (command.message,))

        def remove(tx: AccountTx, added: list[Added]) -> None:
            if not expunge(tx, view.mailbox_id, uids).uids:
                raise no("the message is gone", "EXPUNGEISSUED")

        try:
            added = await add(session.account, box.id, items, origin=session.cursor, also=remove)
        except NoSuchMailbox:
            raise no("no such mailbox", "TRYCREATE") from None
    finally:
        session.drop_incoming()
    session.respond(State("OK", "added", _appenduid(added)))
    await tell(session, expunge=True)
    code = Code("HIGHESTMODSEQ", b"%d" % view.modseq) if session.condstore else None
    return Done("replaced", code)


def _appenduid(added: Sequence[Added]) -> Code:
    """``APPENDUID uidvalidity uids`` (RFC 4315 §3)."""
    uids = format_ranges(runs([one.uid for one in added]))
    return Code("APPENDUID", b"%d %b" % (added[0].uidvalidity, uids))


async def _prepared(session: Session, messages: Sequence[c.AppendMessage]) -> list[Append]:
    """The messages as the store takes them; parsed here, before the unit."""
    if any(message.catenate for message in messages):
        require_catenate(session)
    incoming = session.incoming = session.incoming or Incoming(session)  # none yet when all parts are URLs
    if incoming.failed:
        raise no("the message could not be kept, nothing was stored", "UNAVAILABLE")
    spools = iter(incoming.spools)
    items: list[Append] = []
    total = 0
    for message in messages:
        flags, keywords = parse_words(message.flags)
        received, offset = _internal_date(message.date)
        spool = await catenate(session, message, spools, incoming.join()) if message.catenate else next(spools)
        prepared = await prepare(spool, max_size=session.context.append_limit)
        total += prepared.size
        if total > MAX_FACTOR * session.context.append_limit:
            raise no("the messages are too big together", "TOOBIG")
        items.append(Append(prepared, flags, keywords, received, offset))
    return items


def _internal_date(date: dt.datetime | None) -> tuple[int | None, int]:
    """Microseconds UTC and minutes east of it."""
    if date is None:
        return None, 0
    offset = date.utcoffset() or dt.timedelta()
    return int(date.timestamp()) * 1_000_000, int(offset.total_seconds()) // 60
