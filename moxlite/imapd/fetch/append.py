"""APPEND and REPLACE, once all messages have come (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 8508; IMAP-85..92)."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

import trio

from moxlite.imapd.fetch.fetchbody import Content, chosen_fields
from moxlite.imapd.fetch.incoming import MAX_FACTOR, find_target, require_catenate, under_way
from moxlite.imapd.session.errors import Refused, no
from moxlite.imapd.session.messagelimit import refuse_more, saving_limit_of
from moxlite.imapd.session.named import resolve
from moxlite.imapd.session.place import Place, at
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.updates.changes import parse_words, tell
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.commands import AppendMessage, CatenateUrl
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.fetchitems import Section
from moxlite.proto.imap.reading.messages import parse_section
from moxlite.proto.imap.responses import Code, State
from moxlite.proto.imap.url import ImapUrl
from moxlite.proto.mime.headers import MAX_HEADER
from moxlite.proto.mime.sections import Kind, find_section
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append as add
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.adding import AddedMessage, Append
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.types import MailboxID


async def append(session: Session, command: c.Append) -> Done:
    """APPEND: all messages or none (RFC 3502 §6.3.11)."""
    try:
        refuse_more(saving_limit_of(session), len(command.messages))
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
            raise no("the message no longer exists", "EXPUNGEISSUED")
        async with at(session, command.mailbox) as place:
            # One unit cannot span two files, and a crash in between would leave both messages, or none.
            if place.owner != view.seat.owner:
                raise no("you can only replace a message in the same account", "CANNOT")
            items = await _prepared(session, (command.message,), await _rights(place, (command.message,)))

            def remove(tx: AccountTx, added: list[AddedMessage]) -> None:
                if not expunge(tx, view.mailbox_id, uids).uids:
                    raise no("the message no longer exists", "EXPUNGEISSUED")

            added = await add(place.account, place.box, items, origin=view.seat.cursor, also=remove)
    finally:
        session.running.drop_incoming()
    session.respond(State("OK", "added", _appenduid(added)))
    await tell(session, expunge=True, whole=True)
    code = Code("HIGHESTMODSEQ", b"%d" % view.modseqs.last) if session.extensions.condstore else None
    return Done("replaced", code)


def _appenduid(added: Sequence[AddedMessage]) -> Code:
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
        raise no("couldn't save the message", "UNAVAILABLE")
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
                raise no("couldn't save the message", "UNAVAILABLE") from None
        else:
            whole = next(came)
            assert isinstance(whole, PreparedMessage)
            prepared = whole
        total += prepared.size
        if total > MAX_FACTOR * incoming.limit:
            raise no("total message size exceeds the limit", "TOOBIG")
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


# CATENATE: messages made of parts of others (RFC 4469; IMAP-91).


BLOCK: Final = 262_144
"""Octets copied at once."""


async def catenate(
    session: Session, message: AppendMessage, came: Iterator[PreparedMessage | Spool], joined: Spool
) -> Spool:
    """Write the parts in order into a spool, and return it finished.

    Args:
      came: the literals of the command, from the first one of this message on.

    Raises Refused (BADURL, TOOBIG), OSError.
    """
    for part in message.catenate:
        if part is None:
            text = next(came)
            assert isinstance(text, Spool)
            for start in range(0, text.size, BLOCK):
                await _write(session, joined, await _read(text, start))
        else:
            await _write_url(session, joined, part)
    await joined.finish()
    return joined


async def _read(text: Spool, start: int) -> bytes:
    if text.in_memory:
        return text.read(start, BLOCK)
    return await trio.to_thread.run_sync(text.read, start, BLOCK)


async def _write(session: Session, joined: Spool, block: bytes) -> None:
    limit = session.context.append_limit
    if joined.size + len(block) > limit:
        raise no(f"messages can be up to {limit} bytes", "TOOBIG")
    await joined.write(block)


def _bad(part: CatenateUrl, why: str) -> Refused:
    """The refusal ``NO [BADURL "url"]`` (RFC 4469 §4)."""
    text = part.url.replace("\\", "\\\\").replace('"', '\\"')
    shown = text.encode() if text.isascii() and text.isprintable() else b""
    return no(why, "BADURL", b'"%b"' % shown)


async def _write_url(session: Session, joined: Spool, part: CatenateUrl) -> None:
    """Write the message, section or range that a URL refers to."""
    try:
        url = ImapUrl.parse(part.url)
        asked = parse_section(url.section)
    except ProtocolError as error:
        raise _bad(part, error.text) from None
    if url.host or url.uid is None:  # RFC 4469 §3: the server need not fetch from elsewhere
        raise _bad(part, "URL doesn't point to a message in this account")
    if not url.mailbox:
        await _write_content(session, joined, part, url, asked, None)
        return
    try:
        async with at(session, url.mailbox) as place:
            await _write_content(session, joined, part, url, asked, place)
    except NoSuchMailbox:
        raise _bad(part, "no such message") from None


async def _write_content(
    session: Session, joined: Spool, part: CatenateUrl, url: ImapUrl, asked: Section, place: Place | None
) -> None:
    content = await _content(session, part, url, place)
    kind: Kind = "HEADER" if asked.specifier.startswith("HEADER") else asked.specifier  # type: ignore[assignment] # one of Kind by the parser
    section = find_section(content.structure, asked.part, kind)
    if section is None:
        raise _bad(part, "message part not found")
    offset, length = url.partial or (0, None)
    if asked.fields or section.content_fields:
        header = await content.read(section.start, min(section.end, section.start + MAX_HEADER))
        header = await chosen_fields(header, asked, section)
        await _write(session, joined, header[offset : None if length is None else offset + length])
        return
    start = min(section.start + offset, section.end)
    end = section.end if length is None else min(start + length, section.end)
    async for block in content.blocks(start, end):
        await _write(session, joined, block)


async def _content(session: Session, part: CatenateUrl, url: ImapUrl, place: Place | None) -> Content:
    """The message that a URL names, in the mailbox at `place`, or in the selected one."""
    view = session.view
    if place is None and (view is None or view.access.lost):
        raise _bad(part, "no mailbox is selected")
    account = view.seat.account if place is None and view is not None else session.home.account
    if place is not None:
        account = place.account

    def read(r: Reader) -> Row | None:
        mailbox_id: MailboxID
        if place is None:
            assert view is not None
            mailbox_id, uidvalidity = view.mailbox_id, view.uidvalidity
        else:
            box = place.find(r, place.name)
            if "r" not in place.rights(r, box.id):
                return None
            mailbox_id, uidvalidity = box.id, box.uidvalidity
        if url.uidvalidity not in (None, uidvalidity):
            return None
        assert url.uid is not None
        rows, _, _ = fetch_rows(r, mailbox_id, uid_array([url.uid]), ("size", "prefix", "structure"))
        return rows[0] if rows else None

    row = await account.read(read, op="imap-catenate") if url.uid and url.uid < 1 << 32 else None
    if row is None:
        raise _bad(part, "no such message")
    _uid, _flags, _keywords, message_id, body_id, size, prefix, structure = row
    return Content(account, message_id, body_id, size, prefix, structure)
