"""Submitting a message: all mail of users goes out through `submit` or `complete` (SMTP-111..118, AUTH-42..45,
QUEUE-18).
"""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import trio

from moxlite.mailauth.dkim.message import Message
from moxlite.mailauth.dkim.sign import SigningError, sign
from moxlite.process.keys.signing import SigningKeys
from moxlite.proto.address import Address
from moxlite.proto.mime.compose import text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import Prepared
from moxlite.store.content.spool import Spool, look_at, read_header
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, add_outgoing, remove_outgoing
from moxlite.store.delivery.submission import SendingStopped, Submission, Submit
from moxlite.store.errors import StoreError
from moxlite.submission import checks, metrics
from moxlite.submission.errors import SubmissionRefused, SubmissionStuck
from moxlite.submission.fromid import RANDOM_OCTETS, with_from_ids
from moxlite.submission.letter import Letter

logger = logging.getLogger("moxlite.submission")

UNDO: Final = 60.0
"""Seconds for the unit that takes a message out of the counts if it was not queued."""


class PostOffice(msgspec.Struct, frozen=True, kw_only=True):
    """The services that a submission needs.

    Attributes:
      queue: `queue.submit`.
      keys: DKIM keys of the signing domains.
      deadline: seconds for the commit of the queue, which must not be cut off half-way.
    """

    accounts: Accounts
    queue: Submit
    keys: SigningKeys
    deadline: float = 120.0


class Submitted(msgspec.Struct, frozen=True):
    """Result of a submission: ids of the queue's rows, in the order of the recipients; author and Message-Id of the
    message.
    """

    ids: tuple[int, ...]
    author: Address
    message_id: str


class Complete(msgspec.Struct, frozen=True):
    """A checked and signed message: the submission for the queue, and its author.

    ``prepared``: parsed from the caller's spool; None if parts of the spool do not go out, such as Bcc.
    """

    submission: Submission
    author: Address
    prepared: Prepared | None = None


async def complete(keys: SigningKeys, letter: Letter, spool: Spool) -> Complete:
    """Check and sign a message that the caller queues by a row of the outbox, in the unit that counts it (STORE-189a).

    The signatures do not cover removed fields such as Bcc; the spool, which is finished, keeps them.
    Raises SubmissionRefused, HeaderTooLarge, OSError as `submit`.
    """
    try:
        async with _clean(letter, spool) as (octets, section, extra, fault):
            found = await _complete(keys, letter, octets, section, extra, fault)
            return found if octets is spool else msgspec.structs.replace(found, prepared=None)
    except SubmissionRefused as error:
        metrics.submission_total.labels(result=error.result).inc()
        raise


async def submit(office: PostOffice, letter: Letter, spool: Spool) -> Submitted:
    """Queue a message for all recipients, or for none. The spool, which is finished, stays the caller's.

    Missing fields are added and signed; Bcc and the fields meant for the queue are removed.

    Raises:
      SubmissionRefused: the message cannot be sent as it is.
      HeaderTooLarge: its header section is longer than what is read.
      OutgoingLimitExceeded, QueueFull, FromIDTaken, and other StoreErrors: as the store and the queue raise them.
      SendingStopped: the guard has stopped the account (SMTP-170).
      SubmissionStuck: it may be queued or not.
      OSError: as reading the spool does.
    """
    try:
        submitted = await _submit(office, letter, spool)
    except SubmissionRefused as error:
        metrics.submission_total.labels(result=error.result).inc()
        raise
    except OutgoingLimitExceeded as error:
        total = error.setting == "max_outgoing_messages_per_day"
        metrics.submission_total.labels(result="messagelimiterror" if total else "recipientlimiterror").inc()
        raise
    except SendingStopped:
        metrics.submission_total.labels(result="stopped").inc()
        raise
    except (StoreError, SubmissionStuck):
        metrics.submission_total.labels(result="queueerror").inc()
        raise
    metrics.submission_total.labels(result="ok").inc()
    return submitted


async def _submit(office: PostOffice, letter: Letter, spool: Spool) -> Submitted:
    async with _clean(letter, spool) as (octets, section, extra, fault):
        found = await _complete(office.keys, letter, octets, section, extra, fault)
        ids = await enqueue(office, letter, found.submission, octets)
    return Submitted(tuple(ids), found.author, found.submission.message_id)


@asynccontextmanager
async def _clean(letter: Letter, spool: Spool) -> AsyncIterator[tuple[Spool, HeaderSection, dict[str, str], str]]:
    """The octets that go out, their header section, the values of removed fields that were meant for the queue, and
    what is malformed in the section as it came, "" for nothing.
    """
    section = await read_header(spool)
    if not section.octets or section.body is None:
        text = "message needs a header section, a blank line, and a body"
        raise SubmissionRefused(554, "5.6.0", text, "badmessage")
    checks.check_fields(section, pedantic=letter.snapshot.static.pedantic)
    fault = checks.malformed(section)
    edited = await look_at(section, checks.edit)
    if edited is None:
        yield spool, section, {}, fault
        return
    with await spool.with_header(edited.header, len(section.octets)) as clean:
        yield clean, await read_header(clean), edited.extra, fault


async def _complete(
    keys: SigningKeys, letter: Letter, spool: Spool, section: HeaderSection, extra: dict[str, str], fault: str
) -> Complete:
    prepared = await checks.parse(letter, spool)
    author = checks.check_author(letter, prepared, section)
    envelope = prepared.index.envelope
    smtputf8 = await checks.needs_smtputf8(letter, spool, prepared, section)
    if smtputf8 and not letter.may_need_smtputf8:
        text = "message has headers or addresses that need SMTPUTF8"
        raise SubmissionRefused(550, "5.6.0", text, "missingsmtputf8")
    if spool.facts.eight_bit and not letter.may_have_8bit:
        raise SubmissionRefused(500, "5.6.0", "message has 8-bit data, which needs 8BITMIME", "badmessage")
    recipients = with_from_ids(letter)
    message_id = envelope.message_id or f"<{secrets.token_urlsafe(RANDOM_OCTETS)}@{letter.hostname.ascii}>"
    added = b"" if envelope.message_id else text_field("Message-Id", message_id)
    if not section.count(b"date"):
        added += f"Date: {format_date(letter.received)}\r\n".encode()
    domain = letter.snapshot.domain(author.domain)
    if fault and domain is not None and domain.dkim.sign:
        raise SubmissionRefused(554, "5.6.0", f"message cannot be signed: {fault}", "badheader")
    signatures = await _signatures(keys, letter, author, added, spool, section)
    submission = Submission(
        account=letter.identity.account,
        mail_from=letter.mail_from,
        recipients=recipients,
        received=letter.received,
        prefix=letter.trace + signatures + added,
        has8bit=spool.facts.eight_bit,
        smtputf8=smtputf8,
        requiretls=checks.requiretls(letter, section),
        message_id=message_id,
        subject=envelope.subject,
        extra=letter.extra | extra,
        hold_until=letter.hold_until,
        future_release=letter.future_release,
        dsn_ret=letter.dsn_ret,
        dsn_envid=letter.dsn_envid,
        priority=letter.priority,
        deliver_by=letter.deliver_by,
        login_address=letter.identity.address,
        remote=letter.remote,
    )
    return Complete(submission, author, prepared)


async def _signatures(
    keys: SigningKeys, letter: Letter, author: Address, added: bytes, spool: Spool, section: HeaderSection
) -> bytes:
    """Make DKIM-Signature fields over the message with the added fields (SMTP-113); b"" for a domain without selectors.

    Raises SubmissionRefused.
    """
    start = section.body
    assert start is not None  # else it is refused
    message = Message(
        section=HeaderSection(added + section.octets + b"\r\n") if added else section,
        body=lambda: spool.chunks(start=start),
        size=spool.size,
        in_memory=spool.in_memory,
    )
    try:
        signers = keys.signers(letter.snapshot.domain(author.domain))
        return await sign(message, author, signers, letter.received / 1_000_000) if signers else b""
    except SigningError as error:
        facts = {"account": letter.identity.account, "domain": author.domain, "err": error}
        logger.error("message cannot be signed", extra={"kv": facts})
        raise SubmissionRefused(451, "4.3.0", "message cannot be signed now, try again later", "signerror") from None


async def enqueue(office: PostOffice, letter: Letter, submission: Submission, spool: Spool) -> list[int]:
    """Count a complete message and queue it; the count is undone if it is not queued (SMTP-116). Returns the ids of the
    queue's rows. Raises as `submit`.
    """
    limits, addresses = limits_of(letter), counted_as(letter)
    async with office.accounts.use(letter.identity.account) as account:
        counted = await account.write(lambda tx: add_outgoing(tx, addresses, limits))
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            with trio.move_on_after(office.deadline, shield=True):
                return await office.queue(submission, spool)
        except BaseException:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + UNDO):
                await account.write(lambda tx: remove_outgoing(tx, counted))
            raise
    raise SubmissionStuck  # the count stays: the message may have been queued


def limits_of(letter: Letter) -> OutgoingLimits:
    """The account's sending limits (SMTP-116)."""
    settings = letter.snapshot.account(letter.identity.account)
    if settings is None:
        return OutgoingLimits()
    return OutgoingLimits(settings.max_outgoing_messages_per_day, settings.max_first_time_recipients_per_day)


def counted_as(letter: Letter) -> list[str]:
    """The recipients' canonical addresses, by which the limits count them."""
    return [str(letter.snapshot.canonical(recipient.address)) for recipient in letter.recipients]
