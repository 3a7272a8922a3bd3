"""Requests for a receipt of reading in messages that are read (WEBMAIL-139).

A receipt tells a sender that an address is read, and when. So it is offered for mail that a person may have written to
the user, and never for lists, bulk mail, junk, or reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moxlite.compose.reply import is_own_mail
from moxlite.proto.address import Path
from moxlite.proto.mdn import requesters
from moxlite.store.rows import mailboxes as mailbox_rows, messages as message_rows
from moxlite.store.types import Flag, SpecialUse
from moxlite.web.webmail.items import shown_addresses
from moxlite.web.webmail.reading.answering import original_of
from moxlite.web.webmail.types import ReceiptRequest

if TYPE_CHECKING:
    from moxlite.compose.reply import Own
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.proto.mime.types import MailAddress, Structure
    from moxlite.store.file.transaction import Reader

UNASKED: Final = Flag.MDNSENT | Flag.JUNK | Flag.PHISHING | Flag.DRAFT
UNASKED_IN: Final = SpecialUse.JUNK | SpecialUse.DRAFTS | SpecialUse.SENT
BULK: Final = frozenset((b"bulk", b"junk", b"list"))

MAX_PATH: Final = 500
"""Octets of a Return-Path that is read; longer than any address."""


def receipt_request(
    r: Reader, message_id: int, structure: Structure, section: HeaderSection, own: Own
) -> ReceiptRequest | None:
    """The request of a message; None if the user is not to be asked (again)."""
    to = requesters(section)
    if not to or structure.root.media_type == "multipart/report" or _is_bulk(section):
        return None
    row = message_rows.message(r, message_id)
    if row.flags & UNASKED or row.is_reject or row.is_mailinglist:
        return None
    if mailbox_rows.mailbox(r, row.mailbox_id).special_use & UNASKED_IN:
        return None
    if is_own_mail(original_of(structure.envelope, section), own):
        return None
    path = _return_path(section)
    if path is not None and path.is_null:
        return None  # such a message is itself an answer of a machine
    sender = {_key(one) for one in structure.envelope.from_[:2]}
    back = set() if path is None or path.address is None else {(path.address.localpart, path.address.domain.ascii)}
    asked = {_key(one) for one in to}
    return ReceiptRequest(shown_addresses(to), elsewhere=asked != sender or (bool(back) and asked != back))


def _key(one: MailAddress) -> tuple[str, str]:
    """The address as RFC 8098 §2.1 compares it: without the name, in any case of the domain's letters."""
    return one.localpart, one.domain.lower()


def _is_bulk(section: HeaderSection) -> bool:
    precedence = (section.text(b"precedence") or b"").strip().lower()
    return precedence in BULK or any(name.startswith(b"list-") for name in section.names)


def _return_path(section: HeaderSection) -> Path | None:
    """The envelope sender that the topmost Return-Path tells; None without one that can be read."""
    text = (section.text(b"return-path") or b"").strip()
    if not (text.startswith(b"<") and text.endswith(b">")) or len(text) > MAX_PATH:
        return None
    try:
        return Path.parse(text[1:-1].decode("utf-8"))
    except ValueError:
        return None
