"""APPEND and REPLACE, once all messages have come (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508; IMAP-85..92)."""

import datetime as dt
from collections.abc import Sequence

from moxlite.imapd.fetch.catenate import catenate
from moxlite.imapd.fetch.incoming import MAX_FACTOR, find_target, require_catenate, under_way
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.messagelimit import refuse_more
from moxlite.imapd.session.named import resolve
from moxlite.imapd.session.place import Place, at
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.changes import tell
from moxlite.imapd.updates.flagwire import parse_words
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, State
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.perform import append as add
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.adding import Added, Append
from moxlite.store.mail.expunging import expunge


async def append(session: Session, command: c.Append) -> Done:
    """APPEND: all messages or none (RFC 3502 §6.3.11)."""
    try:
        refuse_more(session, len(command.messages))
        async with at(session, command.mailbox) as place:
            items = await _prepared(session, command.messages, await _rights(place, command.messages))
            added = await add(place.account, place.box, items, origin=place.origin)
    finally:
        session.running.drop_incoming()
    return Done("added", _appenduid(added))


async def replace(session: Session, command: c.Replace) -> Done:
    """REPLACE: the new message comes and the old one goes in one unit (RFC 8508 §3)."""
    try:
        view = session.writable("te")
        uids = view.live(await resolve(view, command.set, uid=command.uid))
        if not uids:
            raise no("the message is gone", "EXPUNGEISSUED")
        async with at(session, command.mailbox) as place:
            if place.owner != view.seat.owner:
                raise no("a message is replaced within one account only", "CANNOT")
            items = await _prepared(session, (command.message,), await _rights(place, (command.message,)))

            def remove(tx: AccountTx, added: list[Added]) -> None:
                if not expunge(tx, view.mailbox_id, uids).uids:
                    raise no("the message is gone", "EXPUNGEISSUED")

            added = await add(place.account, place.box, items, origin=view.seat.cursor, also=remove)
    finally:
        session.running.drop_incoming()
    session.respond(State("OK", "added", _appenduid(added)))
    await tell(session, expunge=True, whole=True)
    code = Code("HIGHESTMODSEQ", b"%d" % view.modseqs.last) if session.extensions.condstore else None
    return Done("replaced", code)


def _appenduid(added: Sequence[Added]) -> Code:
    """``APPENDUID uidvalidity uids`` (RFC 4315 §3); they are consecutive."""
    first, last = added[0], added[-1]
    uids = b"%d" % first.uid if first is last else b"%d:%d" % (first.uid, last.uid)
    return Code("APPENDUID", b"%d %b" % (first.uidvalidity, uids))


async def _rights(place: Place, messages: Sequence[c.AppendMessage]) -> str:
    """The user's rights on the mailbox. The transaction checks whether messages may be added. For CATENATE the mailbox
    is checked before its URLs are followed (RFC 4469 §3: TRYCREATE comes before BADURL).
    """
    if place.guest or any(message.catenate for message in messages):
        return (await find_target(place)).rights
    return RIGHTS


async def _prepared(session: Session, messages: Sequence[c.AppendMessage], rights: str) -> list[Append]:
    """The messages for the store, parsed before the transaction. Flags that the user may not set are left out (RFC 4314
    §4).
    """
    for message in messages:
        if message.catenate:
            require_catenate(session)
    incoming = under_way(session)  # begun here when all parts are URLs
    if incoming.failed:
        raise no("the message could not be kept, nothing was stored", "UNAVAILABLE")
    came = iter(incoming.messages)
    items: list[Append] = []
    total = 0
    for message in messages:
        flags, keywords = parse_words(message.flags)
        received, offset = _internal_date(message.date)
        if message.catenate:
            try:
                prepared = await incoming.parse(await catenate(session, message, came, incoming.join()))
            except OSError as error:
                incoming.fail(error)
                raise no("the message could not be kept, nothing was stored", "UNAVAILABLE") from None
        else:
            whole = next(came)
            assert isinstance(whole, Prepared)
            prepared = whole
        total += prepared.size
        if total > MAX_FACTOR * incoming.limit:
            raise no("the messages are too big together", "TOOBIG")
        if rights != RIGHTS:  # a user with all rights may set every flag
            allowed, with_keywords = allowed_flags(rights)
            flags, keywords = flags & allowed, keywords if with_keywords else ()
        items.append(Append(prepared, flags, keywords, received, offset))
    return items


def _internal_date(date: dt.datetime | None) -> tuple[int | None, int]:
    """Microseconds UTC, and minutes east of it."""
    if date is None:
        return None, 0
    offset = date.utcoffset() or dt.timedelta()
    return int(date.timestamp()) * 1_000_000, int(offset.total_seconds()) // 60
