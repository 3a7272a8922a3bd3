"""A message is counted to the limits of its sender (SMTP-116), and one from an address of another account goes out by
that account, which keeps its copy (SMTP-189).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store.accounts.access import may_read
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.unit import AccountTx, was_done
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import read_header
from moxlite.store.delivery.answers import answered_message, end_writing, note_answer
from moxlite.store.delivery.outgoing import OutgoingLimits, add_outgoing, remove_outgoing
from moxlite.store.delivery.perform import OwedMessage, SubmissionEffects
from moxlite.store.delivery.submissions import forget_submissions, note_submission
from moxlite.store.later import send_kept
from moxlite.store.mail.acl import rights_of
from moxlite.store.mail.delegates import writes_still
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MessageID
from moxlite.submission.outgoing import Complete, OutgoingMessage, SubmissionRefused

if TYPE_CHECKING:
    from moxlite.proto.address import Address
    from moxlite.store.delivery.submission import Submission

UNDO: Final = 60.0
"""Seconds for the unit that takes a message out of the counts if it was not queued."""

KEY_OCTETS: Final = 16
"""Octets of a random key of a row of the outbox."""


def limits_of(letter: OutgoingMessage) -> OutgoingLimits:
    """The account's sending limits (SMTP-116)."""
    settings = letter.snapshot.account(letter.identity.account)
    if settings is None:
        return OutgoingLimits()
    return OutgoingLimits(settings.max_outgoing_messages_per_day, settings.max_first_time_recipients_per_day)


def counted_as(letter: OutgoingMessage) -> list[Address]:
    """The recipients' canonical addresses, by which the limits count them and which are known then."""
    return [letter.snapshot.canonical(recipient.address) for recipient in letter.recipients]


@asynccontextmanager
async def counting(
    accounts: Accounts, letter: OutgoingMessage, submission: Submission | None = None
) -> AsyncIterator[list[int]]:
    """Count a message that goes out by another file than its sender's; the count is undone if the block raises. A
    `submission` that the queue holds until its time is shown to programs (JMAP-31a). Gives the ids of its rows.

    Raises OutgoingLimitExceeded.
    """
    limits, addresses = limits_of(letter), counted_as(letter)

    def count(tx: AccountTx) -> tuple[list[int], list[int]]:
        shown: list[int] = []
        if submission is not None and submission.hold_until:
            shown.append(note_submission(tx, secrets.token_bytes(KEY_OCTETS), submission, submission.hold_until))
        return add_outgoing(tx, addresses, limits), shown

    def undo(tx: AccountTx) -> None:
        remove_outgoing(tx, counted)
        forget_submissions(tx, shown)

    async with accounts.use(letter.identity.account) as account:
        # Counted before it goes out: two messages at the same moment cannot both take the last place of the day. A kill
        # in between counts one that was never sent, for a day.
        counted, shown = await account.write(count)
        try:
            yield counted
        except BaseException:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + UNDO):
                await account.write(undo)
            raise


def check_still(tx: AccountTx, guest: str, *, on_behalf: bool) -> None:
    """Refuse a message of a user who may no longer write so from this account's addresses. Raises SubmissionRefused."""
    if not writes_still(tx, guest, on_behalf=on_behalf):
        raise SubmissionRefused(550, "5.7.1", WITHDRAWN, "badfrom")


WITHDRAWN: Final = "you can no longer send from this address; choose another one"


class Copying(msgspec.Struct, frozen=True, kw_only=True):
    """Details of a message from an address of another account.

    Attributes:
      first: what the unit that sends it does first; nothing is sent if this raises.
      original: the message of the other account that it answers or forwards, which is marked; 0: the one that it names
        in In-Reply-To. mark: the flag.
      flags: of the copy. undo, send_at: as in `send_kept`.
    """

    first: Callable[[AccountTx], None] = lambda _: None
    original: int = 0
    mark: Flag = Flag.ANSWERED
    flags: Flag = Flag.SEEN | Flag.NOTJUNK
    undo: int = 0
    send_at: int = 0


async def send_copy(
    accounts: Accounts,
    letter: OutgoingMessage,
    complete: Complete,
    spool: Spool,
    key: bytes = b"",
    copying: Copying = Copying(),
) -> None:
    """Send a complete message from an address of another account: its copy in Sent there and what is owed to the queue
    are one unit of that account, once for each `key`.

    Args:
      complete: the message; the copy has the fields that it lacked, in place of those that do not go out.
      spool: the message as its user has written it.

    Raises SubmissionRefused: the right was withdrawn meanwhile; OutgoingLimitExceeded, OverQuota, StoreError, OSError.
    """
    key = key or secrets.token_bytes(KEY_OCTETS)
    way, added = complete.way, complete.added
    prefix = complete.submission.prefix.removesuffix(added)
    submission = msgspec.structs.replace(complete.submission, prefix=prefix)
    section = await read_header(spool)
    async with accounts.use(way.owner) as owner:
        if await owner.read(lambda r: was_done(r, key), op="submit_known"):
            return
        header = added + section.without(section.all(*complete.dropped))
        with await spool.with_header(header, len(section.octets)) as kept:
            prepared = await prepare(kept, max_size=letter.max_size + len(added))
            async with counting(accounts, letter, submission) as counted, held_body(owner, prepared) as ready:

                def unit(tx: AccountTx) -> None:
                    guest = letter.identity.account
                    # In the unit that sends: an owner who takes the right away knows that nothing goes out afterwards.
                    check_still(tx, guest, on_behalf=way.on_behalf)
                    if not tx.once(key):
                        return
                    copying.first(tx)
                    in_reply_to = prepared.index.envelope.in_reply_to
                    marked = note_answered(tx, in_reply_to, guest, copying.original, copying.mark)
                    beside = msgspec.structs.replace(marked, counted=tuple(counted), on_behalf=way.on_behalf)
                    owed = OwedMessage(submission, beside=beside)
                    send_kept(tx, ready, key, owed, copying.flags, undo=copying.undo, send_at=copying.send_at)

                await owner.write(unit, weight=kept.size)


def note_answered(
    tx: AccountTx, in_reply_to: str, guest: str, original: int = 0, mark: Flag = Flag.ANSWERED
) -> SubmissionEffects:
    """Mark the message of this account that a guest answers or forwards; returns what is undone if the answer is taken
    back. `original`: its id, as the guest's program tells it; 0, or one that the guest may not read: the one that the
    answer names.
    """
    there = mailboxes_of(tx, [original]).get(MessageID(original))
    readable = there is not None and may_read(rights_of(tx, there, guest))
    answered = MessageID(original) if readable else answered_message(tx, in_reply_to)
    end_writing(tx, in_reply_to, guest)
    flags = Flag(0) if answered is None else note_answer(tx, answered, mark, guest)
    return SubmissionEffects(answered or 0, int(flags), writer=guest)
