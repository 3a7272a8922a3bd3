"""Sending a receipt of reading (WEBMAIL-139, RFC 8098): always by the user's hand, and once for a message."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from moxlite.compose.reply import answers_from
from moxlite.proto.address import Address, Domain, Localpart
from moxlite.proto.mdn import MDN, compose_mdn, original_recipient, requesters
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.store.changelog.unit import was_done
from moxlite.store.content import body
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.outgoing import add_outgoing
from moxlite.store.delivery.perform import SUBMIT, OwedMessage
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows import messages as message_rows
from moxlite.store.types import Flag
from moxlite.submission.submit import counted_as, limits_of
from moxlite.web.calls import call
from moxlite.web.composing.sending import addressed, ready_to_send
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, UserError
from moxlite.web.metrics import submissions
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.reading.answering import original_of, own_of
from moxlite.web.webmail.reading.parsed import MAX_FIELDS, MAX_HEADER, structure_of
from moxlite.web.webmail.reading.receipts import receipt_request

if TYPE_CHECKING:
    from moxlite.compose.reply import Own
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder

MAX_ID: Final = 900
"""Characters of a Message-ID that a receipt names; a longer one does not fit into a line."""

logger = logging.getLogger("moxlite.web.receipts")


class ReceiptCalls(AccountCalls):
    """Calls about receipts of reading."""

    @call()
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
        wish = self._wish(caller)
        own = own_of(wish.snapshot, session.account, session.address)
        async with self._holders.at(session, message_id) as holder:
            account, local = holder.account, holder.local_id(message_id)
            key = hashlib.sha256(b"receipt\0%s\0%d" % (session.account.encode(), local)).digest()
            found = await account.read(lambda r: _asked(r, holder, message_id, own, key), op="webmail_receipt")
            if found is None:
                return
            author, mdn, to = found
            if self._server.deliveries is not None:
                await self._server.deliveries.check_sending(session.account)
            now = time.time_ns() // 1000
            paths = tuple(Address(Localpart(one.localpart), Domain.parse(one.domain)) for one in to)
            letter = addressed(None, paths, wish, now)
            octets = compose_mdn(
                mdn,
                sender=author,
                to=to,
                subject=subject,
                text=text,
                message_id=new_message_id(wish.snapshot.static.hostname.ascii),
                date=now,
                utf8=not all(one.localpart.isascii() for one in (author, *to)),
            )
            with Spool.of(octets, self._server.tmp) as spool:
                ready = await ready_to_send(self._server.keys, letter, spool)
            limits, counted = limits_of(letter), counted_as(letter)

            def unit(tx: AccountTx) -> bool:
                if not tx.once(key):
                    return False
                if message_rows.message(tx, local).flags & Flag.MDNSENT:
                    raise Conflict("a receipt was sent or declined before")
                add_outgoing(tx, counted, limits)
                store_flags_ids(tx, [local], mode="add", flags=Flag.MDNSENT)
                tx.owe(key, SUBMIT, OwedMessage(ready.submission, octets).pack())
                return True

            if await account.write(unit):
                submissions.labels(result="ok").inc()
                facts = {"account": session.account, "msgfrom": str(ready.author), "recipients": len(to)}
                logger.info("receipt of reading sent", extra={"kv": facts})


def _asked(
    r: Reader, holder: Holder, shown: int, own: Own, key: bytes
) -> tuple[MailAddress, MDN, tuple[MailAddress, ...]] | None:
    """Author, content and recipients of the receipt for a message; None if it was sent. Raises UserError, NotFound,
    NotAllowed.
    """
    holder.known(r, [shown])
    holder.refuse_guest("receipts are sent")
    message_id = holder.local_id(shown)
    if was_done(r, key):
        return None
    structure = structure_of(r, message_id)
    octets = body.read_content(r, body.locate(r, message_id), 0, min(structure.root.body, MAX_HEADER))
    section = HeaderSection(octets, MAX_FIELDS)
    if receipt_request(r, message_id, structure, section, own) is None:
        raise UserError("this message asks for no receipt, or was answered before")
    author = answers_from(original_of(structure.envelope, section), own)
    name = structure.envelope.message_id
    mdn = MDN(
        reporting_ua=f"{author.domain}; moxlite",
        final_recipient=f"{author.localpart}@{author.domain}",
        original_message_id=name if len(name) <= MAX_ID else "",
        original_recipient=original_recipient(section),
    )
    return author, mdn, requesters(section)
