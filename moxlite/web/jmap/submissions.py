"""Sending emails (RFC 8621 §7).

One transaction of the account counts the message, writes the submission and a row of the outbox; then the outbox hands
the message to the queue, once. So an answer means that the message will go out, and until its time has come it can be
taken back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.net.refusals import refusals, with_id
from moxlite.process.keys import SigningKeys
from moxlite.proto.address import Address, AddressError, AddressKey
from moxlite.store.content.body import stream_message
from moxlite.store.content.spool import Spool
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, add_outgoing
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, SubmissionEffects
from moxlite.store.delivery.status import RecipientStatus, State
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.delivery.submissions import (
    Sent,
    add_submission,
    cancel_submission,
    forget_submissions,
    stop_held,
    submission_changes,
    submission_state,
    submissions,
)
from moxlite.store.errors import Overtaken, StoreError
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows.emails import emails
from moxlite.store.rows.messages import packed_structure
from moxlite.submission.authors import FindWay, ways_of
from moxlite.submission.counting import check_still, counted_as, counting, limits_of, note_answered
from moxlite.submission.outgoing import Complete, OutgoingMessage, SubmissionRefused
from moxlite.submission.submit import complete
from moxlite.web.composing.sending import SendOptions, addressed
from moxlite.web.jmap.emailset import implied_set
from moxlite.web.jmap.headerforms import EPOCH, utc_date
from moxlite.web.jmap.identities import identities
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    each,
    filter_moment,
    get_response,
    holds,
    patched,
    query_changes_of,
    results_response,
    run_set,
    set_error,
)

if TYPE_CHECKING:
    from moxlite.proto.mime.types import Envelope
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


LETTER: Final = "S"
TYPE: Final = ObjectType(
    "EmailSubmission",
    "RFC 8621 §7",
    settable=("undoStatus",),
    fixed=(
        *("id", "identityId", "emailId", "threadId", "envelope", "sendAt"),
        *("deliveryStatus", "dsnBlobIds", "mdnBlobIds"),
    ),
    once=("identityId", "emailId", "envelope"),
)
MAX_RECIPIENTS: Final = 1_000
"""Recipients of one message, as in the web API."""

MAX_ENVELOPE: Final = 512 << 10
"""Octets of an envelope as JSON. It's limited because it's stored and read with all others, and clients choose its
parameters.
"""

MADE: Final = 26
"""Times its octets that an envelope takes as an object: measured with empty lists, which it had as parameters once."""

MAX_DELAY: Final = 365 * 86_400
"""Seconds ahead for which a message may be held (maxDelayedSend)."""


def _undo_status(one: Sent) -> str:
    """The property undoStatus."""
    return "canceled" if one.canceled else "pending" if one.held else "final"


async def get(call: Call) -> Object:
    """EmailSubmission/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    now, rows = await _rows(call)
    by_id = {f"{LETTER}{row.id}": row for row in rows}
    chosen = [submission_id for submission_id in (by_id if ids is None else ids) if submission_id in by_id]
    if len(chosen) > 1000:
        raise MethodError(
            "requestTooLarge", "too many submissions to return at once; use EmailSubmission/query and specify ids"
        )
    objects: list[Object] = []
    for one in chosen:
        octets = len(by_id[one].envelope)
        call.budget.take(octets)
        await call.budget.reserve(MADE * octets)
        objects.append(await _object(call, by_id[one], properties))
        call.budget.keep(MADE * octets)
    return get_response(call, now, objects, ids)


async def _rows(call: Call) -> tuple[str, list[Sent]]:
    """The state, and all submissions; those that the queue holds until their time are held, too."""
    guest = call.place.guest

    def read(r: Reader) -> tuple[str, list[Sent]]:
        return call.place.state(r, submission_state(r, guest)), submissions(r, guest)

    state, rows = await call.account.scan(read, op="jmap submissions")
    now = time.time_ns() // 1000
    wait = {row.id for row in rows if row.send_at > now and not (row.held or row.canceled or row.author)}
    if wait and call.server.deliveries is not None:
        queued = {(message.message_id, message.due) for message in await call.server.deliveries.held(call.place.owner)}
        rows = [
            msgspec.structs.replace(row, held=1) if row.id in wait and (row.message_id, row.send_at) in queued else row
            for row in rows
        ]
    return state, rows


async def _object(call: Call, one: Sent, properties: Sequence[str]) -> Object:
    values: Object = {
        "id": f"{LETTER}{one.id}",
        "identityId": one.identity,
        "emailId": f"M{one.email_id}",
        "threadId": f"T{one.threadid}",
        "envelope": from_json(one.envelope, dict[str, Any]),
        "sendAt": utc_date(one.send_at),
        "undoStatus": _undo_status(one),
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    }
    if "deliveryStatus" in properties:
        values["deliveryStatus"] = await _delivery(call, one, values["envelope"])
    return {name: values[name] for name in properties}


async def _delivery(call: Call, one: Sent, envelope: Object) -> Object | None:
    """The property deliveryStatus, by address."""
    known: list[RecipientStatus] = []
    if call.server.deliveries is not None and not one.canceled:
        known = await call.server.deliveries.status(one.author or call.place.owner, one.message_id)
    found: Object = {}
    by_address = {
        AddressKey.parse(state.recipient): state for state in reversed(known)
    }  # the first of an address counts
    for recipient in envelope["rcptTo"]:
        status = by_address.get(AddressKey.parse(recipient["email"]))
        found[recipient["email"]] = {
            "smtpReply": "250 2.0.0 Ok" if status is None else status.reply or status.error or "250 2.0.0 Ok",
            "delivered": "queued" if status is None else DELIVERED[status.state],
            "displayed": "unknown",
        }
    return found


DELIVERED: Final[Mapping[State, str]] = {
    State.QUEUED: "queued",
    State.TRYING: "queued",
    State.HELD: "queued",
    State.DELIVERED: "yes",
    State.RELAYED: "unknown",
    State.FAILED: "no",
    State.CANCELED: "no",
}


async def changes(call: Call) -> Object:
    """EmailSubmission/changes."""
    now = time.time_ns() // 1000
    state = partial(submission_state, author=call.place.guest)
    found = await changes_of(call, lambda r, since: submission_changes(r, since, now, call.place.guest), state, LETTER)
    return changes_response(call, found)


async def query(call: Call) -> Object:
    """EmailSubmission/query."""
    now, ids = await _results(call)
    steady = not _looks_at(call.filter(), "undoStatus")
    return results_response(call, now, ids, most=5_000, calculable=steady)


async def query_changes(call: Call) -> Object:
    """EmailSubmission/queryChanges. A message becomes final by its time, which is no change of its submission."""
    if _looks_at(call.filter(), "undoStatus"):
        raise MethodError("cannotCalculateChanges", "changes to undoStatus aren't tracked; run the query again")
    return await query_changes_of(call, partial(_results, call), changes)


async def _results(call: Call) -> tuple[str, list[str]]:
    now, rows = await _rows(call)
    return now, _queried(rows, call)


def _looks_at(wish: object, name: str) -> bool:
    """Whether a filter has a condition of this name."""
    rest = [wish]
    while rest:
        match rest.pop():
            case dict(found):
                if name in found:
                    return True
                rest += found.values()
            case list(found):
                rest += found
    return False


SORTS: Final = {"emailId": "email_id", "threadId": "threadid", "sentAt": "send_at"}
FILTERS: Final = ("identityIds", "emailIds", "threadIds", "undoStatus", "before", "after")


def _queried(rows: Sequence[Sent], call: Call) -> list[str]:
    wish = call.filter()
    rows = [submission for submission in rows if wish is None or holds(wish, partial(_meets, submission))]
    for comparator in reversed(call.order()):
        if comparator.get("property") not in SORTS:
            raise MethodError("unsupportedSort", "submissions can only be sorted by emailId, threadId, or sentAt")
        rows.sort(key=attrgetter(SORTS[comparator["property"]]), reverse=comparator.get("isAscending") is False)
    return [f"{LETTER}{row.id}" for row in rows]


def _meets(one: Sent, name: str, value: Any) -> bool:
    match name, value:
        case "identityIds", list():
            return one.identity in value
        case "emailIds", list():
            return f"M{one.email_id}" in value
        case "threadIds", list():
            return f"T{one.threadid}" in value
        case "undoStatus", str():
            return _undo_status(one) == value
        case "before", str():
            return one.send_at < filter_moment(value)
        case "after", str():
            return one.send_at >= filter_moment(value)
    if name in FILTERS:
        raise invalid(f"filter: {name} has the wrong type")
    raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")


async def set_(call: Call) -> Object:
    """EmailSubmission/set, and the Email/set that it implies (RFC 8621 §7.5)."""
    updates = call.argument("onSuccessUpdateEmail", dict, {})
    destroys = call.names("onSuccessDestroyEmail") or []
    response = await run_set(call, _Submissions())
    emails_by_id: dict[str, str] = {}
    for name, made in (response["created"] or {}).items():
        emails_by_id[f"#{name}"] = emails_by_id[made["id"]] = made["emailId"]
    touched = [*(response["updated"] or {}), *(response["destroyed"] or [])]
    if touched:
        rows = await call.account.scan(
            lambda r: {f"{LETTER}{submission.id}": submission for submission in submissions(r, call.place.guest)},
            op="jmap submissions",
        )
        emails_by_id |= {one: f"M{rows[one].email_id}" for one in touched if one in rows}
    update = {emails_by_id[key]: patch for key, patch in updates.items() if key in emails_by_id}
    destroy = [emails_by_id[key] for key in destroys if key in emails_by_id]
    for made in (response["created"] or {}).values():
        del made["emailId"]
    if update or destroy:
        implied = msgspec.structs.replace(
            call, arguments={"accountId": call.arguments["accountId"], "update": update, "destroy": destroy}
        )
        call.after.append(await implied_set(implied))
    return response


class _Submissions(ObjectSet):
    def state(self, r: Reader, call: Call) -> str:
        return call.place.state(r, submission_state(r, call.place.guest))

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return await each(objects, partial(_create, call))

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        await _undo(call, read_id(key, LETTER), patch)
        return None

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        numbers = {one: read_id(one, LETTER) for one in ids}

        def unit(tx: AccountTx) -> dict[str, Outcome]:
            own = {submission.id for submission in submissions(tx, call.place.guest)}
            gone = forget_submissions(tx, [number for number in numbers.values() if number in own])
            return {one: None if number in gone else SetError("notFound") for one, number in numbers.items()}

        return await call.write(unit)


async def _undo(call: Call, number: int, patch: Object) -> None:
    """Take a message back that is still held. Raises SetError ``cannotUnsend``."""
    _, rows = await _rows(call)
    one = next((row for row in rows if row.id == number), None)
    if one is None:
        raise SetError("notFound")
    wanted = patched({"undoStatus": _undo_status(one)}, patch, fixed={})["undoStatus"]
    if wanted == _undo_status(one):
        return
    if wanted != "canceled":
        raise SetError("invalidProperties", "undoStatus can only be set to canceled", properties=["undoStatus"])
    if await call.write(partial(cancel_submission, number=number)):
        return
    deliveries = call.server.deliveries
    # A Message-ID isn't enough, because a copy of a waiting message may be sent again, even by another user.
    own = (one.message_id, one.send_at)
    if (
        one.author
        or not one.held
        or deliveries is None
        or not await stop_held(call.account, deliveries, lambda message: (message.message_id, message.due) == own)
    ):
        raise SetError("cannotUnsend", "the message has already been sent")


class _Envelope(msgspec.Struct, frozen=True):
    sender: Address
    recipients: tuple[Address, ...]
    hold_until: int
    wire: Object
    in_reply_to: str


async def _create(call: Call, _: str, given: Object) -> Outcome:
    envelopes: list[_Envelope] = []
    try:
        return await _send(call, given, envelopes)
    except Overtaken:  # `each` tries again
        raise
    except (SetError, StoreError) as error:
        sender = next((envelope.sender for envelope in envelopes), "")
        recipients = [recipient for envelope in envelopes for recipient in envelope.recipients]
        reply = f"{error.kind}: {error}" if isinstance(error, SetError) else str(error)
        identifier = refusals().note("jmap", call.identity.account, reply, sender=sender, recipients=recipients)
        refused = error if isinstance(error, SetError) else set_error(error)
        raise SetError(refused.kind, with_id(str(refused), identifier), **refused.members) from error


async def _send(call: Call, given: Object, envelopes: list[_Envelope]) -> Outcome:
    """Send an email; its envelope is added to `envelopes` once it is known. Raises SetError."""
    unknown = [name for name in given if name not in ("identityId", "emailId", "envelope")]
    if unknown:
        raise SetError("invalidProperties", "unknown or read-only property", properties=unknown)
    identity_id, email_id = given.get("identityId"), given.get("emailId")
    if not isinstance(identity_id, str) or not isinstance(email_id, str):
        missing = [name for name in ("identityId", "emailId") if not isinstance(given.get(name), str)]
        raise SetError("invalidProperties", "missing", properties=missing)
    _, known = await call.account.read(partial(identities, call=call), op="jmap identities")
    identity = known.get(identity_id)
    if identity is None:
        raise SetError("invalidProperties", "identity not found", properties=["identityId"])
    number = read_id(call.id_of(email_id), "M")

    def read(r: Reader) -> tuple[int, int, bytes] | None:
        email = emails(r, [number], call.place.readable(r)).get(number)
        if email is None:
            return None
        return email.message_id, email.threadid, packed_structure(r, email.message_id) or b""

    found = await call.account.read(read, op="jmap email")
    if found is None:
        raise SetError("invalidProperties", "email not found", properties=["emailId"])
    message_id, threadid, packed = found
    envelope = _envelope(given.get("envelope"), identity["email"], structure_of(packed).envelope)
    envelopes.append(envelope)
    # Of the envelope alone: the author in the header is checked when the message is completed.
    way_of = ways_of(call.server.accounts, call.snapshot, call.identity.account)
    if await way_of(envelope.sender) is None:
        raise SetError("forbiddenMailFrom", f"{envelope.sender} isn't one of your addresses")
    return await _submit(call, envelope, identity_id, number, message_id, threadid, way_of)


def _envelope(given: Any, own: str, message: Envelope) -> _Envelope:
    """The envelope that is given, or that of the message. Raises SetError."""
    now = dt.datetime.now(dt.UTC)
    hold = 0
    match given:
        case None:
            sender = own
            named = (f"{one.localpart}@{one.domain}" for one in (*message.to, *message.cc, *message.bcc))
            listed = list({AddressKey.parse(address): address for address in named}.values())
            wire: Object = {
                "mailFrom": {"email": sender, "parameters": None},
                "rcptTo": [{"email": address, "parameters": None} for address in listed],
            }
        case {"mailFrom": {"email": str(sender)} as mail_from, "rcptTo": list(rcpt_to)} if all(
            isinstance(one, dict) and isinstance(one.get("email"), str) for one in rcpt_to
        ):
            listed = [one["email"] for one in rcpt_to]
            hold = _hold(mail_from.get("parameters"), now)
            wire = {
                "mailFrom": {"email": sender, "parameters": mail_from.get("parameters")},
                "rcptTo": [{"email": one["email"], "parameters": one.get("parameters")} for one in rcpt_to],
            }
        case _:
            raise SetError("invalidProperties", "an envelope must have mailFrom and rcptTo", properties=["envelope"])
    if not listed:
        raise SetError("noRecipients", "the message doesn't have any recipients")
    if len(to_json(wire)) > MAX_ENVELOPE:
        raise SetError("tooLarge", "the envelope is too large")
    if len(listed) > MAX_RECIPIENTS:
        raise SetError(
            "tooManyRecipients", f"a message can have up to {MAX_RECIPIENTS} recipients", maxRecipients=MAX_RECIPIENTS
        )
    wrong = [one for one in listed if _address(one) is None]
    if wrong:
        raise SetError("invalidRecipients", "invalid recipient address", invalidRecipients=wrong)
    author = _address(sender)
    if author is None:
        raise SetError("invalidProperties", f"{sender[:100]!r} isn't a valid address", properties=["envelope"])
    to = tuple(address for text in listed if (address := _address(text)))
    return _Envelope(author, to, hold, wire, message.in_reply_to)


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _hold(parameters: Any, now: dt.datetime) -> int:
    """The time until which the message is held, µs UTC, 0 for none (RFC 4865). Raises SetError."""
    if parameters is None:
        return 0
    if not isinstance(parameters, dict):
        raise SetError("invalidProperties", "parameters must be an object", properties=["envelope"])
    found = {name.upper(): value for name, value in parameters.items()}
    unknown = found.keys() - {"HOLDFOR", "HOLDUNTIL", "RET", "ENVID", "SIZE", "BODY", "SMTPUTF8"}
    if unknown:
        raise SetError("invalidProperties", f"unknown parameter {min(unknown)[:40]}", properties=["envelope"])
    if not all(isinstance(value, str | None) for value in found.values()):  # RFC 8621 §7
        raise SetError("invalidProperties", "parameter values must be strings or null", properties=["envelope"])
    try:
        if "HOLDFOR" in found:
            until = now + dt.timedelta(seconds=int(found["HOLDFOR"]))
        elif "HOLDUNTIL" in found:
            until = dt.datetime.fromisoformat(found["HOLDUNTIL"])
        else:
            return 0
        ahead = (until - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        raise SetError("invalidProperties", "invalid HOLDFOR or HOLDUNTIL", properties=["envelope"]) from None
    if not -60 <= ahead <= MAX_DELAY:
        raise SetError(
            "invalidProperties", f"the send time must be within {MAX_DELAY} seconds from now", properties=["envelope"]
        )
    return int((until - EPOCH) / dt.timedelta(microseconds=1))


async def _check_sending(call: Call) -> None:
    """Raises SetError: this server doesn't send mail, or the account's sending is stopped."""
    if call.server.queue is None:
        raise SetError("forbiddenToSend", "this server doesn't send mail")
    try:
        await call.server.queue.check_sending(call.identity.account)
    except SendingStopped as error:
        raise SetError("forbiddenToSend", str(error)) from None


async def _completed(keys: SigningKeys, letter: OutgoingMessage, spool: Spool) -> Complete:
    """The checked and signed message. Raises SetError."""
    try:
        return await complete(keys, letter, spool)
    except SubmissionRefused as error:
        kind = {"badfrom": "forbiddenFrom", "signerror": "serverFail"}.get(error.result, "invalidEmail")
        raise SetError(kind, str(error), **({"properties": []} if kind == "invalidEmail" else {})) from None
    except HeaderTooLarge:
        raise SetError("invalidEmail", "the message header is too long", properties=[]) from None


async def _submit(
    call: Call, envelope: _Envelope, identity: str, email_id: int, message_id: int, threadid: int, way_of: FindWay
) -> Object:
    """Check and sign the message, and put it into the outbox. Raises SetError."""
    account, server, info = call.account, call.server, call.request.info
    await _check_sending(call)
    options = SendOptions(
        snapshot=call.snapshot,
        identity=call.identity,
        way_of=way_of,
        listener=info.listener,
        secure=call.request.scheme == "https",
        remote=call.request.client_ip,
    )
    when = envelope.hold_until or int((dt.datetime.now(dt.UTC) - EPOCH) / dt.timedelta(microseconds=1))
    letter = addressed(envelope.sender, envelope.recipients, options, when)
    with Spool(server.tmp) as spool:
        async with aclosing(stream_message(account, message_id)) as pieces:
            async for piece in pieces:
                await spool.write(piece)
        await spool.finish()
        if spool.size > letter.max_size:
            raise SetError("tooLarge", f"the message is larger than {letter.max_size} bytes", maxSize=letter.max_size)
        ready = await _completed(server.keys, letter, spool)
    guest, way = call.place.guest, ready.way
    if way.owner != (account.name if guest else ""):  # else the copy would be kept in the wrong account
        raise SetError("forbiddenFrom", f"to send from {ready.author}, use the account this address belongs to")
    limits, counted = limits_of(letter), counted_as(letter)
    key = hashlib.sha256(b"jmap\0" + account.name.encode() + b"\0" + secrets.token_bytes(32)).digest()
    wire = to_json(envelope.wire).decode()

    def unit(tx: AccountTx) -> int:
        # It may have been destroyed while it was signed, and the outbox sends the account's own copy.
        if emails(tx, [email_id], call.place.readable(tx)).get(email_id) is None:
            raise SetError("invalidProperties", "the email no longer exists", properties=["emailId"])
        if guest:
            check_still(tx, guest, on_behalf=way.on_behalf)
        rows = theirs if guest else add_outgoing(tx, counted, limits)
        beside = note_answered(tx, envelope.in_reply_to, guest) if guest else SubmissionEffects()
        # Only a message that waits can be taken back, and then no longer counts.
        waits = tuple(rows) if envelope.hold_until else ()
        beside = msgspec.structs.replace(beside, counted=waits, on_behalf=way.on_behalf)
        owed = OwedMessage(ready.submission, beside=beside, dropped=ready.dropped)
        tx.owe(key, SUBMIT, owed.pack(), message_id, due=envelope.hold_until)
        sent = Sent(0, email_id, threadid, identity, ready.submission.message_id, wire, when, author=guest)
        return add_submission(tx, sent, key)

    try:
        others: AbstractAsyncContextManager[list[int]] = nullcontext([])
        async with counting(server.accounts, letter) if guest else others as theirs:
            number = await call.write(unit)
    except OutgoingLimitExceeded as error:
        raise SetError("forbiddenToSend", str(error)) from None
    except SubmissionRefused as error:
        raise SetError("forbiddenFrom", str(error)) from None
    return {
        "id": f"{LETTER}{number}",
        "threadId": f"T{threadid}",
        "sendAt": utc_date(when),
        "undoStatus": "pending" if envelope.hold_until else "final",
        "emailId": f"M{email_id}",
    }
