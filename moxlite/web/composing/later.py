"""Changing when a scheduled message goes out (WEBMAIL-96).

The message is made anew with another Date, trace and signature, for the same recipients, and takes the place of the
older one in one unit.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.mime.dates import format_date
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool, read_header
from moxlite.store.delivery.outgoing import TooLate
from moxlite.store.delivery.perform import OwedMessage
from moxlite.store.later import SCHEDULED, Scheduled, replace, scheduled
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.types import Flag
from moxlite.submission.errors import SubmissionRefused
from moxlite.submission.submit import complete
from moxlite.web.composing.sending import letter_again
from moxlite.web.errors import Unavailable, UserError
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.process.keys.signing import SigningKeys
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.web.composing.sending import Wish

DAY: Final = 86_400
LONGEST: Final = 60 * DAY
"""Seconds for which a message may wait to be sent (WEBMAIL-96)."""

SECOND: Final = 1_000_000


def moment(field: str, seconds: int, longest: int) -> int:
    """The time that a user asks for, seconds since 1970, in µs UTC.

    Raises UserError, naming the field: the time is past, or more than `longest` seconds ahead.
    """
    left = seconds - time.time()
    if left <= 0:
        raise UserError(worded("{field}: this time is past", field=field))
    if left > longest:
        raise UserError(
            worded("{field}: choose a time within the next {longest} days", field=field, longest=longest // DAY)
        )
    return seconds * SECOND


async def reschedule(account: Account, keys: SigningKeys, message_id: int, wish: Wish, tmp: Path) -> None:
    """Have a scheduled message go out at `Wish.send_at`; with 0 now.

    Raises:
      TooLate: it is on its way, or no longer scheduled; nothing is changed.
      UserError: it may no longer be sent; Unavailable: it cannot be signed.
      And as `add_message`.
    """
    found = next((one for one in await account.read(scheduled, op="scheduled") if one.message_id == message_id), None)
    if found is None:
        raise TooLate
    with Spool(tmp) as kept:
        async with aclosing(stream_message(account, message_id)) as pieces:
            async for piece in pieces:
                await kept.write(piece)
        await kept.finish()
        section = await read_header(kept)
        when = wish.send_at or time.time_ns() // 1000
        header = f"Date: {format_date(when)}\r\n".encode() + section.without(section.all(b"date"))
        with await kept.with_header(header, len(section.octets)) as spool:
            await _replace(account, keys, found, wish, spool, when)


async def _replace(account: Account, keys: SigningKeys, found: Scheduled, wish: Wish, spool: Spool, when: int) -> None:
    letter = letter_again(found.owed.submission, wish, when)
    try:
        done = await complete(keys, letter, spool)
    except SubmissionRefused as error:
        raise (Unavailable if error.result == "signerror" else UserError)(reason_of(error)) from error
    before = found.owed.submission
    kept = msgspec.structs.replace(done.submission, recipients=before.recipients, extra=before.extra, hold=before.hold)
    prepared = done.prepared or await prepare(spool, max_size=letter.max_size)
    async with held_body(account, prepared) as ready:

        def unit(tx: AccountTx) -> None:
            added = add_message(tx, ready, ensure_mailbox(tx, SCHEDULED).id, flags=Flag.SEEN | Flag.NOTJUNK)
            replace(tx, found.message_id, wish.send_at or tx.now, added.message_id, OwedMessage(kept))

        await account.write(unit, weight=spool.size)
