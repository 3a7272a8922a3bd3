"""Receipts of reading (WEBMAIL-139, RFC 8098), always by the user's hand and once for a message."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from moxlite.compose.reply import receipt_from
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.changelog.unit import was_done
from moxlite.store.content import body
from moxlite.web.calls import call
from moxlite.web.composing.answering import given_away, own_of
from moxlite.web.composing.receipts import Receipt, receipt_key, receipt_of, send_receipt
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.reading.parsed import (
    MAX_FIELDS,
    MAX_HEADER,
    original_of,
    receipt_request,
    sent_by,
    structure_of,
)

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.reading.parsed import OwnWith


class ReceiptCalls(AccountCalls):
    """Calls about receipts of reading."""

    @call(once=True)
    async def receipt_send(
        self,
        caller: Caller,
        message_id: ID,
        subject: Annotated[str, Meta(max_length=1000)],
        text: Annotated[str, Meta(min_length=1, max_length=4000)],
    ) -> None:
        """Send the receipt that a message asks for, from the address that the message came to, and mark the message
        with `$mdnsent`. A repeated call sends nothing.

        `subject` and `text` are for people, in the user's language. A conflict if a receipt was sent or declined
        elsewhere.
        """
        session = caller.require()
        options = self._send_options(caller)
        own = partial(own_of, options.snapshot, session.account, session.address)
        async with self._holders.at(session, message_id) as holder:
            account, local = holder.account, holder.local_id(message_id)
            receipt = await account.read(lambda r: _asked(r, holder, message_id, own), op="webmail_receipt")
            if receipt is None:
                return
            if self._server.deliveries is not None:
                await self._server.deliveries.check_sending(session.account)
            await send_receipt(
                account,
                self._server.keys,
                self._server.tmp,
                receipt,
                options,
                subject=subject,
                text=text,
                message_ids=[local],
            )


def _asked(r: Reader, holder: Holder, shown: int, own_with: OwnWith) -> Receipt | None:
    """The receipt for a message; None if it was sent. Raises UserError, NotFound, NotAllowed."""
    holder.known(r, [shown])
    holder.refuse_guest("you can only send read receipts for your own mail")
    message_id = holder.local_id(shown)
    if was_done(r, receipt_key(holder.owner, message_id)):
        return None
    structure = structure_of(r, message_id)
    octets = body.read_content(r, body.locate(r, message_id), 0, min(structure.root.body, MAX_HEADER))
    section = HeaderSection(octets, MAX_FIELDS)
    original = original_of(structure.envelope, section, sent_by(r, holder, message_id))
    own = own_with(given_away(r, original))
    author = receipt_from(original, own)
    if author is None or receipt_request(r, message_id, structure, section, original, own) is None:
        raise UserError("this message doesn't request a read receipt, or you've already responded")
    return receipt_of(structure.envelope, section, author)
