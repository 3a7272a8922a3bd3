"""The method Send, and the table of all methods: dispatch, pages, the OpenAPI document and `moxlite webapi` are made
from it (WEB-94).
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite.compose.draft import BadDraft, message
from moxlite.config.snapshot import outgoing_name
from moxlite.processor import off_loop
from moxlite.proto.address import Address
from moxlite.proto.mime.dates import format_date
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, add_outgoing, check_outgoing, hurry, settle, withdraw
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, SubmissionEffects
from moxlite.store.delivery.submission import SendingStopped, SubmissionRecipient
from moxlite.store.delivery.submissions import note_submission
from moxlite.store.errors import OverQuota, StoreError
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.mailboxes import mailbox_for
from moxlite.store.types import Flag, SpecialUse
from moxlite.submission.authors import FindWay, ways_of
from moxlite.submission.counting import counted_as, limits_of, send_copy
from moxlite.submission.metrics import submission_total
from moxlite.submission.outgoing import Complete, OutgoingMessage, SubmissionRefused, SubmissionStuck
from moxlite.submission.submit import SubmissionServices, complete, enqueue, going_out
from moxlite.web.metrics import webapi_submissions
from moxlite.web.webapi import messages, types
from moxlite.web.webapi.calls import Note, answer_of, key_of
from moxlite.web.webapi.errors import Code, WebAPIError
from moxlite.web.webapi.letters import author_of, draft_of, extra_of, files_of, parties_of, release_of
from moxlite.web.webapi.messages import queue_of
from moxlite.web.webapi.types import BadBase64, SendRequest, SendResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moxlite.compose.draft import Draft, File
    from moxlite.proto.mime.types import MailAddress
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.web.webapi.calls import Call
    from moxlite.web.webapi.letters import Parties

# Send: a message in the queue for all recipients or none, durably, before the answer (WEB-96..101, WEB-154).
#
# Without a copy in Sent, the account's transaction counts the message, then the queue takes it; a refusal takes the
# count back.
#
# With a copy, one transaction of the account counts the message, keeps the copy and writes a row of the outbox, which
# is held for some minutes. Then the queue gets the message from here, under the key of that row, and the row is
# removed. A refusal undoes the transaction. After a crash in between, the outbox hands the message over, once for its
# key.


logger = logging.getLogger("moxlite.web.webapi")

ID_OCTETS: Final = 12
"""Random octets of the id in a Received field."""

KEY_OCTETS: Final = 32
"""Octets of the key of a submission without Idempotency-Key."""

DEADLINE: Final = 120.0
"""Seconds for the commit of the queue."""

HELD: Final = 300 * 1_000_000
"""Microseconds until the outbox hands over a submission that was interrupted: longer than the commit may take."""

CARRIED: Final = 30.0
"""Seconds to wait for the outbox when a call is repeated after a crash."""

UNDO: Final = 60.0
"""Seconds for the transaction that undoes a submission which the queue has refused."""

REFUSALS: Final[dict[str, Code]] = {"badfrom": "badFrom", "signerror": "server"}
"""Codes by result of a refused submission; all others are ``user``."""

ON_LOOP: Final = 64 << 10
"""Octets of texts and files that are composed on the event loop: about two milliseconds."""


async def send(call: Call, request: SendRequest) -> SendResult:
    """Send a message.

    Raises WebAPIError, StoreError, OSError; then nothing is queued, except after ``sentOverQuota``.
    """
    try:
        key = key_of(call.identity.account, call.request.headers.get("idempotency-key"))
        async with call.service.turns.of(key):
            # Within the turn: two calls with one key would both find nothing here, and both send.
            if key and (known := await queue_of(call).receipt(key)) is not None:
                return answer_of(known, call.body.digest)
            send_result = await _send(call, request, key)
    except WebAPIError as error:
        webapi_submissions.labels(result=error.code).inc()
        raise
    except StoreError:
        webapi_submissions.labels(result="queueerror").inc()
        raise
    webapi_submissions.labels(result="ok").inc()
    return send_result


def _parties(request: SendRequest) -> tuple[str, list[str]]:
    sender = request.from_[0].address if request.from_ else ""
    return sender, [party.address for party in (*request.to, *request.cc, *request.bcc)]


async def _send(call: Call, request: SendRequest, key: bytes) -> SendResult:
    way_of = ways_of(call.service.accounts, call.snapshot, call.identity.account)
    author = await author_of(call.snapshot, call.identity, request.from_, way_of)
    parties = parties_of(request)
    letter = _letter(call, request, author, parties, way_of)
    await _check_limits(call, letter)
    sized = sum(file.spool.size for file in call.body.files) + len(request.text) + len(request.html)
    sized += sum(one.data.size for one in (*request.alternative_files, *request.inline_files, *request.attached_files))
    work = partial(files_of, request, call.body.files)
    files = work() if sized <= ON_LOOP else await off_loop(work, kind="compose")
    draft = draft_of(request, author, parties, files, letter.hostname.ascii)
    async with _composed(call, draft, files, letter.max_size, on_loop=sized <= ON_LOOP) as spool:
        try:
            found = await complete(call.service.keys, letter, spool)
        except SubmissionRefused as error:
            raise WebAPIError(REFUSALS.get(error.result, "user"), error.text) from error
        except HeaderTooLarge as error:
            raise WebAPIError("user", "the message header is too long") from error
        submission = found.submission
        rows = [(text, submission.recipients[row].from_id, row) for text, row in parties.rows()]
        note = Note(call.body.digest, draft.message_id, tuple(rows))
        submission = msgspec.structs.replace(submission, key=key, note=note.pack() if key else b"")
        found = msgspec.structs.replace(found, submission=submission)
        try:
            ids: list[int] | None = []
            if request.save_sent and found.way.owner:
                key = key or secrets.token_bytes(KEY_OCTETS)
                submission = msgspec.structs.replace(submission, key=key, note=note.pack())
                found = msgspec.structs.replace(found, submission=submission)
                await send_copy(call.service.accounts, letter, found, spool, key)
            elif request.save_sent:
                ids = await _with_copy(call, letter, found, note, spool)
                if ids is None:
                    return await _carried(call, key)
            else:
                ids = await _queued(call, letter, found, spool)
        except SubmissionRefused as error:
            raise WebAPIError(REFUSALS.get(error.result, "user"), error.text) from error
        except OutgoingLimitExceeded as error:
            raise _limit(error) from None
        except SubmissionStuck as error:
            raise WebAPIError("server", "the queue didn't respond in time; the message may have been queued") from error
        submission_total.labels(result="ok").inc()
        logger.info(
            "message submitted",
            extra={
                "kv": {
                    "account": call.identity.account,
                    "msgfrom": str(found.author),
                    "recipients": len(letter.recipients),
                    "size": spool.size,
                    "queueid": ids[0] if ids else "",
                }
            },
        )
    return note.answer(ids) if ids else await _carried(call, key)


def _letter(
    call: Call, request: SendRequest, author: MailAddress, parties: Parties, way_of: FindWay
) -> OutgoingMessage:
    snapshot, listener = call.snapshot, call.request.info.listener
    hostname = outgoing_name(snapshot, listener)
    to = parties.unique
    now = time.time_ns() // 1000
    target = f"\r\n\tfor <{to[0]}>" if len(to) == 1 and str(to[0]).isascii() else ""
    protocol = "HTTPS" if call.request.scheme == "https" else "HTTP"
    trace = (
        f"Received: from {hostname.ascii} by {hostname.ascii}\r\n"
        f"\tvia tcp with {protocol} id {secrets.token_urlsafe(ID_OCTETS)}{target};\r\n"
        f"\t{format_date(now)}\r\n"
    )
    hold_until, future_release = release_of(request)
    return OutgoingMessage(
        snapshot=snapshot,
        identity=call.identity,
        hostname=hostname,
        mail_from=Address.of(author.localpart, author.domain),
        recipients=tuple(SubmissionRecipient(address) for address in to),
        received=now,
        remote=call.request.client_ip,
        max_size=snapshot.listener(listener).max_message_size,
        trace=trace.encode(),
        own_from_id=False,
        extra=extra_of(request),
        requiretls=request.require_tls is True,
        way_of=way_of,
        hold_until=hold_until,
        future_release=future_release,
    )


async def _check_limits(call: Call, letter: OutgoingMessage) -> None:
    """Check the account's limits before the message is composed; they are checked again when it is counted."""
    try:
        await queue_of(call).check_sending(call.identity.account)
    except SendingStopped as error:
        raise WebAPIError("error", str(error)) from None
    limits, addresses = limits_of(letter), counted_as(letter)
    async with call.account() as account:
        try:
            await account.read(lambda r: check_outgoing(r, addresses, limits, letter.received), op="webapi limits")
        except OutgoingLimitExceeded as error:
            raise _limit(error) from None


def _limit(error: OutgoingLimitExceeded) -> WebAPIError:
    total = error.setting == "max_outgoing_messages_per_day"
    return WebAPIError("messageLimitReached" if total else "recipientLimitReached", str(error))


@asynccontextmanager
async def _composed(
    call: Call, draft: Draft, files: list[File], max_size: int, *, on_loop: bool
) -> AsyncIterator[Spool]:
    """The octets of the message, with its Bcc. Raises WebAPIError, OSError."""
    too_large = WebAPIError("messageTooLarge", f"the message is larger than {max_size} bytes")
    # In base64 the files alone are too large: nothing is written for that.
    if sum(file.size for file in files) * 4 // 3 > max_size:
        raise too_large
    with Spool(call.service.tmp) as spool:
        spool.reserve()

        def fill() -> None:
            spool.fill(message(draft, files, keep_bcc=True))

        try:
            if on_loop:
                fill()
            else:
                await off_loop(fill, kind="compose")
        except (BadDraft, BadBase64) as error:
            raise WebAPIError("user", str(error)) from error
        if spool.size > max_size:
            raise too_large
        yield spool


async def _queued(call: Call, letter: OutgoingMessage, found: Complete, spool: Spool) -> list[int]:
    """Queue the message without a copy."""
    office = SubmissionServices(
        accounts=call.service.accounts, queue=queue_of(call).submit, keys=call.service.keys, deadline=DEADLINE
    )
    submission = found.submission
    async with going_out(spool, call.snapshot.hostnames, found.dropped, utf8=submission.smtputf8) as clean:
        return await enqueue(office, letter, submission, clean)


async def _with_copy(
    call: Call, letter: OutgoingMessage, found: Complete, note: Note, spool: Spool
) -> list[int] | None:
    """Queue the message and keep a copy in Sent. Returns None if the outbox has a message with this key.

    Raises WebAPIError ``sentOverQuota``: the message is queued, without a copy.
    """
    key = found.submission.key or secrets.token_bytes(KEY_OCTETS)
    submission = msgspec.structs.replace(found.submission, key=key)
    limits, addresses = limits_of(letter), counted_as(letter)
    prepared = await prepare(spool, max_size=letter.max_size)
    async with call.account() as account:
        async with held_body(account, prepared) as ready:

            def unit(tx: AccountTx) -> bool:
                if not tx.once(key):
                    # The row of a call that was interrupted waits for its minutes. The client is here again: it goes
                    # out now.
                    hurry(tx, key)
                    return False
                counted = add_outgoing(tx, addresses, limits)
                added = add_message(tx, ready, mailbox_for(tx, SpecialUse.SENT), flags=Flag.SEEN | Flag.NOTJUNK)
                owed = OwedMessage(submission, beside=SubmissionEffects(counted=tuple(counted)), dropped=found.dropped)
                tx.owe(key, SUBMIT, owed.pack(), added.message_id, due=tx.now + HELD)
                if submission.hold_until:
                    note_submission(tx, key, submission, submission.hold_until, added.message_id)
                return True

            try:
                new = await account.write(unit, weight=spool.size)
            except OverQuota:
                # The message matters more than its copy. The note keeps what the answer was, for a call that is
                # repeated.
                over = msgspec.structs.replace(note, over_quota=True)
                submission = msgspec.structs.replace(submission, note=over.pack())
                ids = await _queued(call, letter, msgspec.structs.replace(found, submission=submission), spool)
                over.answer(ids)
                return ids
        if not new:
            return None
        ids = []
        try:
            async with going_out(spool, call.snapshot.hostnames, found.dropped, utf8=submission.smtputf8) as clean:
                # Shielded: a client that leaves must not leave open whether the message is queued.
                with trio.move_on_after(DEADLINE, shield=True):
                    ids = await queue_of(call).submit(submission, clean)
        except BaseException:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + UNDO):
                await account.write(lambda tx: withdraw(tx, key))
            raise
        if not ids:
            raise SubmissionStuck  # the outbox will hand it over
        try:
            await account.write(lambda tx: settle(tx, key))
        except StoreError as error:  # the outbox hands it over again, which does nothing
            logger.warning("failed to delete outbox row", extra={"kv": {"account": account.name, "err": str(error)}})
    return ids


async def _carried(call: Call, key: bytes) -> SendResult:
    """The answer to a call with this key, as soon as the outbox has handed its message over: an earlier one, which was
    interrupted by a crash, or one from another account's address. Raises WebAPIError.
    """
    queue = queue_of(call)
    with trio.move_on_after(CARRIED):
        while True:
            receipt = await queue.receipt(key)
            if receipt is not None:
                return answer_of(receipt, call.body.digest)
            await trio.sleep(0.05)
    raise WebAPIError("server", "an earlier call with this Idempotency-Key is still running; try again")


OCTETS: Final = "octets"
"""In place of a result's type: the answer is octets of a message."""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A method.

    Attributes:
      result: a struct type, or OCTETS.
      run: takes a `Call` and the parameters.
      changes: app passwords that may only read are refused.
      files: forms may have files.
      parties: sender and recipients in the parameters of a method that sends, whose refusals are logged.
      example: parameters for pages and documents.
    """

    name: str
    summary: str
    request: type[msgspec.Struct]
    result: Any
    run: Callable[[Any, Any], Awaitable[Any]]
    changes: bool = False
    files: bool = False
    parties: Callable[[Any], tuple[str, list[str]]] | None = None
    example: Mapping[str, Any] = {}


_TABLE: Final = (
    Method(
        name="Send",
        summary="Send a message. When this returns, the message is safely queued for all recipients.",
        request=types.SendRequest,
        result=types.SendResult,
        run=send,
        changes=True,
        files=True,
        parties=_parties,
        example={
            "To": [{"Name": "Jane", "Address": "jane@example.org"}],
            "Subject": "Hello",
            "Text": "Hi Jane!\n",
            "Extra": {"X-Order": "1234"},
            "SaveSent": True,
        },
    ),
    Method(
        name="SuppressionList",
        summary="List suppressed addresses.",
        request=types.NoParameters,
        result=types.SuppressionListResult,
        run=messages.list_all,
    ),
    Method(
        name="SuppressionAdd",
        summary="Add an address to the suppression list. Fails if it's already there.",
        request=types.SuppressionAddRequest,
        result=types.NoResult,
        run=messages.add,
        changes=True,
        example={"EmailAddress": "jane@example.org", "Manual": True, "Reason": "unsubscribed"},
    ),
    Method(
        name="SuppressionRemove",
        summary="Remove an address from the suppression list. Fails if it isn't there.",
        request=types.SuppressionRequest,
        result=types.NoResult,
        run=messages.remove,
        changes=True,
        example={"EmailAddress": "jane@example.org"},
    ),
    Method(
        name="SuppressionPresent",
        summary="Check if an address is on the suppression list.",
        request=types.SuppressionRequest,
        result=types.SuppressionPresentResult,
        run=messages.present,
        example={"EmailAddress": "jane@example.org"},
    ),
    Method(
        name="MessageGet",
        summary="Get a message's header fields, text, and structure.",
        request=types.MessageRequest,
        result=types.MessageGetResult,
        run=messages.get,
        example={"MsgID": 1},
    ),
    Method(
        name="MessageRawGet",
        summary="Get a complete message as stored.",
        request=types.MessageRequest,
        result=OCTETS,
        run=messages.get_raw,
        example={"MsgID": 1},
    ),
    Method(
        name="MessagePartGet",
        summary="Get one part of a message, decoded.",
        request=types.MessagePartRequest,
        result=OCTETS,
        run=messages.get_part,
        example={"MsgID": 1, "PartPath": [1]},
    ),
    Method(
        name="MessageDelete",
        summary="Permanently delete a message.",
        request=types.MessageRequest,
        result=types.NoResult,
        run=messages.delete,
        changes=True,
        example={"MsgID": 1},
    ),
    Method(
        name="MessageFlagsAdd",
        summary="Add flags to a message.",
        request=types.FlagsRequest,
        result=types.NoResult,
        run=messages.add_flags,
        changes=True,
        example={"MsgID": 1, "Flags": ["\\seen", "customlabel"]},
    ),
    Method(
        name="MessageFlagsRemove",
        summary="Remove flags from a message.",
        request=types.FlagsRequest,
        result=types.NoResult,
        run=messages.remove_flags,
        changes=True,
        example={"MsgID": 1, "Flags": ["\\seen"]},
    ),
    Method(
        name="MessageMove",
        summary="Move a message to another mailbox.",
        request=types.MessageMoveRequest,
        result=types.NoResult,
        run=messages.move,
        changes=True,
        example={"MsgID": 1, "DestMailboxName": "Archive"},
    ),
)

METHODS: Final[Mapping[str, Method]] = {method.name: method for method in _TABLE}
