"""Receipts of reading that users send by hand, from the webmail and by JMAP (RFC 8098; WEBMAIL-139, JMAP-53)."""

from __future__ import annotations

import hashlib
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.address import Address
from moxlite.proto.mdn import MDN, compose_mdn, original_recipient, requesters
from moxlite.proto.mime.compose import new_message_id
from moxlite.proto.mime.types import MailAddress
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.outgoing import add_outgoing
from moxlite.store.delivery.perform import SUBMIT, OwedMessage
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.messages import message
from moxlite.store.types import Flag
from moxlite.submission.counting import counted_as, limits_of
from moxlite.web.composing.sending import SendOptions, addressed, ready_to_send
from moxlite.web.errors import Conflict
from moxlite.web.metrics import submissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.process.keys import SigningKeys
    from moxlite.proto.mime.headers import HeaderSection
    from moxlite.proto.mime.types import Envelope
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx


logger = logging.getLogger("moxlite.web.receipts")

MAX_ID: Final = 900
"""Characters of a Message-ID that a receipt names; a longer one does not fit into a line."""


class Receipt(msgspec.Struct, frozen=True):
    """A receipt to be sent: its author, content and recipients."""

    author: MailAddress
    mdn: MDN
    to: tuple[MailAddress, ...]


def receipt_of(envelope: Envelope, section: HeaderSection, author: MailAddress) -> Receipt:
    """The receipt for a message; without recipients if it asks for none that can be sent."""
    name = envelope.message_id
    mdn = MDN(
        reporting_ua=f"{author.domain}; moxlite",
        final_recipient=f"{author.localpart}@{author.domain}",
        original_message_id=name if len(name) <= MAX_ID else "",
        original_recipient=original_recipient(section),
    )
    return Receipt(author, mdn, requesters(section))


def receipt_key(account: str, message_id: int) -> bytes:
    """The key by which the receipt for a message is sent once."""
    return hashlib.sha256(b"receipt\0%s\0%d" % (account.encode(), message_id)).digest()


async def send_receipt(
    account: Account,
    keys: SigningKeys,
    tmp: Path,
    receipt: Receipt,
    options: SendOptions,
    *,
    subject: str,
    text: str,
    message_ids: Sequence[int],
) -> bool:
    """Send a receipt and mark the message, all copies of it, with `$mdnsent`; False if it was sent before.

    Raises Conflict if a receipt was sent or declined elsewhere; UserError, Unavailable, OutgoingLimitExceeded,
    StoreError, OSError: nothing is changed.
    """
    now = time.time_ns() // 1000
    paths = tuple(Address.of(address.localpart, address.domain) for address in receipt.to)
    # From the null path, so that a receipt which bounces causes no mail (RFC 8098 §3).
    letter = addressed(None, paths, options, now)
    octets = compose_mdn(
        receipt.mdn,
        sender=receipt.author,
        to=receipt.to,
        subject=subject,
        text=text,
        message_id=new_message_id(options.snapshot.static.hostname.ascii),
        date=now,
        utf8=not all(address.localpart.isascii() for address in (receipt.author, *receipt.to)),
    )
    with Spool.of(octets, tmp) as spool:
        ready = await ready_to_send(keys, letter, spool)
    limits, counted = limits_of(letter), counted_as(letter)
    key = receipt_key(account.name, message_ids[0])

    def unit(tx: AccountTx) -> bool:
        # Once by the key, and not by the flag alone: another program may clear `$mdnsent`, and the sender would get a
        # second receipt (RFC 8098 §2.1).
        if not tx.once(key):
            return False
        if message(tx, message_ids[0]).flags & Flag.MDNSENT:
            raise Conflict("you already sent or declined this read receipt")
        add_outgoing(tx, counted, limits, written=False)
        store_flags_ids(tx, message_ids, mode="add", flags=Flag.MDNSENT)
        tx.owe(key, SUBMIT, OwedMessage(ready.submission, octets, dropped=ready.dropped).pack())
        return True

    new = await account.write(unit)
    if new:
        submissions.labels(result="ok").inc()
        facts = {"account": account.name, "msgfrom": str(ready.author), "recipients": len(receipt.to)}
        logger.info("read receipt sent", extra={"kv": facts})
    return new
