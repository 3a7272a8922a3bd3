"""Building a message from typed fields, and keeping drafts as whole messages (WEBMAIL-88, 89, 98, 99)."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from moxlite.compose.draft import MAX_FILES, BadDraft, Draft, File, charset_of, check, html_page, message, typed_html
from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.processor import off_loop
from moxlite.proto.address import Address, AddressError, unmarked
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.proto.mime.types import MailAddress, decode_structure
from moxlite.sandbox.jobs import WriteHTML
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.accounts.access import shares_drafts
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.uploads import (
    NoSuchUpload,
    Upload,
    note_saved_draft,
    saved_draft,
    upload_of,
    upload_pieces,
    use_uploads,
)
from moxlite.store.delivery.actions import messages_by_messageid
from moxlite.store.delivery.answers import end_writing, note_writing, writer_of
from moxlite.store.later import is_held
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.mailboxes import mailbox_for
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MessageID, SpecialUse
from moxlite.web.composing.uploads import MESSAGE, UploadID, key_of, receive_upload, shown_upload
from moxlite.web.errors import AlreadySent, Conflict, TooLarge, Unavailable, UserError
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.composing.uploads import Party, Written


USER_AGENT: Final = "moxlite webmail"
"""Without a version: it would tell each recipient which known faults the server has."""

WISH: Final = "X-Moxlite-Draft"
DELIVERED: Final = "ask-delivered"
PROTECTED: Final = "require-tls"
"""Field of a kept draft, and its words: what the envelope will ask for, which no field of a sent message says: notices
of delivery (RFC 3461 §4.1), and protected delivery (RFC 8689 §2).
"""


def draft_of(written: Written, date: int, *, lenient: bool = False) -> Draft:
    """The draft that was typed, without its text (`words_of`).

    Args:
      date: for its Date field, µs UTC.
      lenient: for a draft that is kept, which may be half-typed: leave out recipients that cannot be parsed, and note
        in a field of its own what the envelope will ask for.

    Raises:
      BadDraft: an address cannot be parsed; names its field.
    """
    return Draft(
        author=_parsed("from", written.from_),
        to=_all("to", written.to, lenient),
        cc=_all("cc", written.cc, lenient),
        bcc=_all("bcc", written.bcc, lenient),
        reply_to=_all("reply_to", written.reply_to, lenient),
        subject=written.subject,
        message_id=written.message_id,
        date=date,
        in_reply_to=written.in_reply_to,
        references=tuple(written.references),
        user_agent=USER_AGENT,
        tls_required_no=written.tls == "insecure",
        ask_read=written.ask_read,
        headers=((WISH, wish),) if lenient and (wish := _wish(written)) else (),
    )


def _wish(written: Written) -> str:
    words = {DELIVERED: written.ask_delivered, PROTECTED: written.tls == "require"}
    return " ".join(word for word, asked in words.items() if asked)


def _all(field: str, parties: Sequence[Party], lenient: bool) -> tuple[MailAddress, ...]:
    addresses: list[MailAddress] = []
    for party in parties:
        try:
            addresses.append(_parsed(field, party))
        except BadDraft:
            if not lenient:
                raise
    return tuple(addresses)


def _parsed(field: str, party: Party) -> MailAddress:
    try:
        address = Address.parse(unmarked(party.address))
    except AddressError as error:
        raise BadDraft(field, worded("{address}: {reason}", address=party.address, reason=error)) from None
    return MailAddress(party.name.strip(), address.localpart, address.domain.ascii)


@asynccontextmanager
async def composed(
    account: Account,
    draft: Draft,
    upload_ids: Sequence[str],
    words: Words,
    tmp: Path,
    max_size: int,
    beside: Sequence[File] = (),
) -> AsyncIterator[Spool]:
    """The octets of the message, with its Bcc, in a finished spool. The spool is removed at the end of the block.

    The text of the draft is that of `words`; uploads that its HTML does not show are attached. `beside`: further files.

    Raises:
      UserError: names the field that is wrong; TooLarge; NoSuchUpload; OSError: the disk is full.
    """
    with Spool(tmp) as spool:
        spool.reserve()

        def fill(r: Reader) -> None:
            whole, shown = with_words(r, draft, words)
            ids = dict.fromkeys((*upload_ids, *shown))
            files = [_file(r, upload_of(r, key_of(one)), content_id(one) if one in shown else "") for one in ids]
            files += beside
            check(whole, files)
            octets = sum(file.size for file in files)
            # Refused before anything is written: base64 adds a third, and a spool of the whole would take the disk for
            # nothing.
            if octets * 4 // 3 > max_size:
                raise TooLarge(
                    worded("attachments exceed the message size limit ({max_size} MiB)", max_size=max_size >> 20)
                )
            spool.fill(message(whole, files, keep_bcc=True))

        try:
            # One read for all: the uploads cannot be removed between the check and the copy, and the thread of a scan
            # may block on the disk.
            await account.scan(fill, op="compose")
        except BadDraft as error:
            raise UserError(worded("{field}: {reason}", field=error.field, reason=error)) from error
        if spool.size > max_size:
            raise TooLarge(worded("message exceeds the size limit ({max_size} MiB)", max_size=max_size >> 20))
        yield spool


def _file(r: Reader, upload: Upload, shown_as: str) -> File:
    """An upload as a file of a message; `shown_as`: its content id in the HTML, "" for an attachment."""
    blocks = partial(upload_pieces, r, upload)
    return File(
        name=upload.filename,
        media_type=upload.media_type,
        size=upload.size,
        blocks=blocks,
        parameters=charset_of(upload.media_type, blocks()) if upload.eight_bit else (),
        eight_bit=upload.eight_bit and upload.media_type == MESSAGE,
        content_id=shown_as,
        place="inline" if shown_as else "attached",
    )


class Place(msgspec.Struct, frozen=True, eq=False):
    """An account that keeps drafts: the user's own, or another one, with which the user writes as `guest`."""

    account: Account
    guest: str = ""

    def check(self, r: Reader) -> None:
        """Raise Conflict if the user may no longer work on the drafts of the account."""
        if self.guest and not shares_drafts(r, self.guest):
            raise Conflict(CHANGED)


class KeptDraft(Place, frozen=True, eq=False, kw_only=True):
    """A draft by its id in the account that keeps it."""

    message_id: int

    def drop(self, tx: AccountTx) -> None:
        """Remove it. Raises Conflict."""
        self.check(tx)
        drop_draft(tx, self.message_id)

    def discard(self, tx: AccountTx) -> None:
        """Remove it, which ends an answer. Raises Conflict."""
        packed = message_rows.packed_structure(tx, self.message_id)
        self.drop(tx)
        if packed is not None:
            in_reply_to = decode_structure(packed).envelope.in_reply_to
            end_writing(tx, in_reply_to, writer_of(tx, tx.account, self.guest))


def drop_here(tx: AccountTx, draft: KeptDraft | None, written: Written) -> None:
    """Remove the draft of a message, if this account keeps it. None: one with the same Message-ID, for a browser that
    was killed may have saved it and forgotten its id. Raises Conflict.
    """
    if draft is None:
        drop_draft(tx, draft_under(tx, written.message_id))
    elif draft.account.name == tx.account:
        draft.drop(tx)


@asynccontextmanager
async def dropped_elsewhere(draft: KeptDraft | None, account: Account) -> AsyncIterator[None]:
    """Remove the draft of a message after the block, if another account than `account` keeps it: a kill in between
    leaves two, never none. Raises Conflict, before the block.
    """
    if draft is None or draft.account.name == account.name:
        yield
        return
    await draft.account.read(lambda r: _check_kept(r, draft), op="draft")
    yield
    with suppress(Conflict):
        await draft.account.write(draft.drop)


def _check_kept(r: Reader, draft: KeptDraft) -> None:
    draft.check(r)
    check_draft(r, draft.message_id)


async def save_draft(
    home: Account,
    place: Place,
    sandbox: Sandbox,
    written: Written,
    replaces: KeptDraft | None,
    save_id: bytes,
    tmp: Path,
    max_size: int,
) -> MessageID:
    """Save a draft in place of an earlier one; returns its id in the account of `place`.

    Args:
      home: the user's own account, which has the uploads.
      replaces: the draft that this one replaces, which another account may keep. None: as in `drop_here`.
      save_id: idempotency key. A repeated call with it saves nothing and returns the first id.

    Raises:
      Conflict: the draft was replaced or removed elsewhere; nothing is changed.
      AlreadySent: the message was sent.
      Unavailable: the sandbox cannot prepare the HTML now.
      And as `composed` and `add_message`.
    """
    try:
        draft = draft_of(written, time.time_ns() // 1000, lenient=True)
    except BadDraft as error:
        raise UserError(worded("{field}: {reason}", field=error.field, reason=error)) from error
    # Asked again in the unit, for two calls may be on their way. The read spares a repeated call the sandbox, and the
    # octets of all attachments.
    account = place.account
    before = await account.read(lambda r: saved_draft(r, save_id), op="draft_saved")
    if before is not None:
        return before
    words = await words_of(sandbox, home.name, written)
    async with (
        dropped_elsewhere(replaces, account),
        composed(home, draft, written.uploads, words, tmp, max_size) as spool,
    ):
        keys = await home.scan(lambda r: [key_of(one) for one in used_by(r, written)], op="draft_files")
        prepared = await prepare(spool, max_size=max_size)
        async with held_body(account, prepared) as ready:

            def unit(tx: AccountTx) -> MessageID:
                saved = saved_draft(tx, save_id)
                if saved is not None:
                    return saved
                place.check(tx)
                refuse_sent(tx, written)
                # The older draft goes in the unit that adds the newer one: a crash leaves exactly one, and IMAP
                # programs never see two.
                drop_here(tx, replaces, written)
                box = mailbox_for(tx, SpecialUse.DRAFTS)
                # RFC 3503: no program answers the request in one's own message
                asks = Flag.MDNSENT if written.ask_read else Flag(0)
                added = add_message(tx, ready, box, flags=Flag.SEEN | Flag.DRAFT | asks)
                note_writing(tx, written.in_reply_to, writer_of(tx, tx.account, place.guest))
                note_saved_draft(tx, save_id, added.message_id)
                return added.message_id

            saved_as = await account.write(unit, weight=spool.size)
        if keys:
            # A draft that is saved again and again shall not lose its files, which are removed a day after their last
            # use.
            await home.write(lambda tx: use_uploads(tx, keys))
    return saved_as


def drop_draft(tx: AccountTx, message_id: int) -> None:
    """Remove a draft, if `message_id` is not 0. Raises Conflict if it was replaced, or moved elsewhere."""
    if message_id:
        check_draft(tx, message_id)
        expunge_ids(tx, [message_id])


def check_draft(r: Reader, message_id: int) -> None:
    """Raise Conflict if a draft was replaced, or moved elsewhere."""
    mailbox_id = mailboxes_of(r, [message_id]).get(MessageID(message_id))
    drafts = mailbox_rows.mailbox_by_use(r, SpecialUse.DRAFTS)
    if mailbox_id is None or drafts is None or mailbox_id != drafts.id:
        raise Conflict(CHANGED)


CHANGED: Final = "this draft was changed or deleted since you opened it"


def draft_under(r: Reader, message_id: str, since: int = 0) -> int:
    """The newest message in Drafts with this Message-ID (in its brackets) that was saved at `since` (µs UTC) or later;
    0 if there is no such message.
    """
    messageid = canonical_message_id(message_id)
    drafts = mailbox_rows.mailbox_by_use(r, SpecialUse.DRAFTS)
    if messageid is None or drafts is None:
        return 0
    message_ids = [MessageID(one) for one in messages_by_messageid(r, messageid)]
    boxes = mailboxes_of(r, message_ids)
    # The Message-ID alone proves nothing: a stranger may send a message with it. A message in Drafts was written by the
    # user.
    newest = next((one for one in message_ids if boxes.get(one) == drafts.id), None)
    return newest if newest is not None and message_rows.message(r, newest).received >= since else 0


def refuse_sent(r: Reader, written: Written) -> None:
    """Raise AlreadySent if this message is in Sent, or waits to be sent. A browser that was killed while it sent may
    have kept the message in its earlier state, without the id of the call.
    """
    if _is_sent(r, written.message_id):
        raise AlreadySent("this message was already sent")


def unsent_id(r: Reader, message_id: int) -> str:
    """The Message-ID that a draft keeps while it is edited, with its brackets; a browser's copy is dropped when a
    message with it was sent. "" for a message that is not a draft, and for a draft whose twin was sent.
    """
    row = message_rows.message(r, message_id)
    found = f"<{row.messageid}>" if row.messageid else ""
    return found if found and row.flags & Flag.DRAFT and not _is_sent(r, found) else ""


def _is_sent(r: Reader, message_id: str) -> bool:
    messageid = canonical_message_id(message_id)
    sent = mailbox_rows.mailbox_by_use(r, SpecialUse.SENT)
    if messageid is None or sent is None:
        return False
    message_ids = [MessageID(one) for one in messages_by_messageid(r, messageid)]
    return sent.id in mailboxes_of(r, message_ids).values() or any(is_held(r, one) for one in message_ids)


# HTML of messages that are written (WEBMAIL-135): what the user wrote, and the original below it.
#
# The sandbox sanitises both and makes the text. The original is an upload of its own (`QuotedOriginal`): browsers pass
# its id on, and neither show nor change it.


MAX_KEPT: Final = 8 << 20
"""Characters of an original's HTML after it was sanitised: its style sheets and marks of images make it longer."""

MAX_KEPT_TEXT: Final = 4 << 20
"""Characters of its text: twice what is read of an original, for quoting lengthens each line."""

KEPT_TYPE: Final = "application/vnd.moxlite.original"
"""Media type of the upload that holds an original."""


class QuotedOriginal(msgspec.Struct, frozen=True):
    """The original below a message that is written.

    Attributes:
      text: it as plain text, with the line above it. html: sanitised; it refers to `pictures` by their content ids.
      pictures: ids of their uploads.
    """

    text: Annotated[str, msgspec.Meta(max_length=MAX_KEPT_TEXT)]
    html: Annotated[str, msgspec.Meta(max_length=MAX_KEPT)]
    pictures: Annotated[tuple[UploadID, ...], msgspec.Meta(max_length=MAX_FILES)] = ()


_kept: Final = msgpack_decoder(QuotedOriginal)


class Words(msgspec.Struct, frozen=True):
    """The words of a message that is written.

    Attributes:
      html: what the user wrote, sanitised; "" for plain text. text: it as text.
      pictures: uploads that the HTML shows. original: id of the upload of `QuotedOriginal`, "" without one.
    """

    text: str
    html: str = ""
    pictures: tuple[str, ...] = ()
    original: str = ""


def content_id(upload_id: str) -> str:
    """The Content-ID of an uploaded picture in HTML, without its brackets; 128 random bits make it unique."""
    # ".invalid" belongs to no domain holder (RFC 2606 §2): the name of this server would tell each recipient who runs
    # it.
    return f"{upload_id}@moxlite.invalid"


def new_marker() -> str:
    """Characters that no HTML can contain by chance."""
    # New for each job and random: HTML that knew it could have pictures put where the sandbox has none, past all
    # bounds.
    return f"data:moxlite-{secrets.token_hex(12)},"


async def with_upload_links(html: bytes, marker: str, upload_ids: Sequence[str]) -> str:
    """The HTML of a job with ``cid:`` addresses of uploads instead of its marks; a mark without an upload is empty."""
    # Each of some thousand marks costs 3 µs, and megabytes must be decoded.
    return await off_loop(partial(_placed, html, marker, upload_ids), kind="compose")


def _placed(html: bytes, marker: str, upload_ids: Sequence[str]) -> str:
    def address(match: re.Match[str]) -> str:
        number = int(match[1])
        found = upload_ids[number] if number < len(upload_ids) else ""
        return f"cid:{content_id(found)}" if found else ""

    return re.sub(re.escape(marker) + r"([0-9]{1,4});", address, html.decode("utf-8", "replace"))


async def words_of(sandbox: Sandbox, account: str, written: Written) -> Words:
    """The words of a message, its HTML sanitised by the sandbox.

    Raises:
      UserError: the HTML is too complex. Unavailable: the sandbox has no room, or failed.
    """
    if not written.html:
        return Words(written.text, original=written.original)
    marker = new_marker()
    ids = tuple(written.uploads)
    try:
        async with sandbox.turn(account) as turn:
            found = await turn.do(WriteHTML(written.html, tuple(map(content_id, ids)), marker))
    except Refused as e:
        raise UserError(worded("html: {reason}", reason=e)) from e
    except JobFailed as e:
        raise Unavailable(worded("couldn't prepare the text: {reason}", reason=e)) from e
    shown = tuple(ids[number] for number in found.pictures if number < len(ids))
    return Words(found.text, await with_upload_links(found.html, marker, ids), shown, written.original)


async def keep(account: Account, kept: QuotedOriginal) -> str:
    """Store an original as an upload; returns its id. Raises StoreError."""
    data = to_msgpack(kept)

    async def octets() -> AsyncIterator[bytes]:
        yield data

    return shown_upload(await receive_upload(account, "original", KEPT_TYPE, octets())).upload_id


def with_words(r: Reader, draft: Draft, words: Words) -> tuple[Draft, tuple[str, ...]]:
    """The draft with its text and HTML, and the ids of the uploads that this HTML shows. For `account.scan`.

    Raises NoSuchUpload: the original, or what was uploaded as one, cannot be read.
    """
    kept = _read(r, words.original) if words.original else None
    if kept is None:
        html = html_page(words.html, "") if words.html else ""
        return msgspec.structs.replace(draft, text=words.text, html=html), words.pictures
    text = "\n\n".join(one for one in (words.text.rstrip(), kept.text) if one)
    # Plain words above an original of HTML become HTML, too: a program shows one of the two alternatives, never both.
    html = html_page(words.html or typed_html(words.text), kept.html)
    return msgspec.structs.replace(draft, text=text, html=html), (*words.pictures, *kept.pictures)


def used_by(r: Reader, written: Written) -> tuple[str, ...]:
    """Ids of all uploads of a message: its files, its original, and the pictures of that. Raises NoSuchUpload."""
    if not written.original:
        return tuple(written.uploads)
    return (*written.uploads, written.original, *_read(r, written.original).pictures)


def _read(r: Reader, upload_id: str) -> QuotedOriginal:
    upload = upload_of(r, key_of(upload_id))
    # A user can upload any octets under this media type: the size is checked before they are put together in memory.
    if upload.media_type != KEPT_TYPE or upload.size > 2 * (MAX_KEPT + MAX_KEPT_TEXT):
        raise NoSuchUpload
    try:
        return _kept.decode(b"".join(upload_pieces(r, upload)))
    except msgspec.DecodeError:
        raise NoSuchUpload from None
