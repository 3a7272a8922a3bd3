"""CATENATE: messages made of parts of others (RFC 4469; IMAP-91)."""

from collections.abc import Iterator
from typing import Final

import trio

from moxlite.imapd.fetch.fetchbody import Content, chosen_fields
from moxlite.imapd.session.errors import Refused, no
from moxlite.imapd.session.place import Place, at
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.uidlist import uid_array
from moxlite.proto.imap.commands import AppendMessage, CatenateUrl
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.fetchitems import Section
from moxlite.proto.imap.reading.messages import parse_section
from moxlite.proto.imap.url import ImapUrl
from moxlite.proto.mime.headers import MAX_HEADER
from moxlite.proto.mime.sections import Kind, find_section
from moxlite.store.content.prepare import Prepared
from moxlite.store.content.spool import Spool
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.types import MailboxID

BLOCK: Final = 262_144
"""Octets copied at once."""


async def catenate(session: Session, message: AppendMessage, came: Iterator[Prepared | Spool], joined: Spool) -> Spool:
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
        raise no(f"a message may have {limit} octets", "TOOBIG")
    await joined.write(block)


def _bad(part: CatenateUrl, why: str) -> Refused:
    """The refusal ``NO [BADURL "url"]`` (RFC 4469 §4)."""
    text = part.url.replace("\\", "\\\\").replace('"', '\\"')
    shown = text.encode() if text.isascii() and text.isprintable() else b""
    return no(why, "BADURL", b'"%b"' % shown)


async def _write_url(session: Session, joined: Spool, part: CatenateUrl) -> None:
    """Write the octets that a URL names: a message, or a section or range of one."""
    try:
        url = ImapUrl.parse(part.url)
        asked = parse_section(url.section)
    except ProtocolError as error:
        raise _bad(part, error.text) from None
    if url.host or url.uid is None:  # RFC 4469 §3: the server need not fetch from elsewhere
        raise _bad(part, "URL is not of a message of this account")
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
        raise _bad(part, "no such part")
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
        rows, _ = fetch_rows(r, mailbox_id, uid_array([url.uid]), ("size", "prefix", "structure"))
        return rows[0] if rows else None

    row = await account.read(read, op="imap-catenate") if url.uid and url.uid < 1 << 32 else None
    if row is None:
        raise _bad(part, "no such message")
    _uid, _flags, _keywords, message_id, body_id, size, prefix, structure = row
    return Content(account, message_id, body_id, size, prefix, structure)
