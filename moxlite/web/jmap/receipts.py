"""Receipts of reading: MDN/send and MDN/parse (RFC 9007)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.compose.reply import Original, receipt_from
from moxlite.processor import off_loop
from moxlite.proto.address import AddressKey
from moxlite.proto.mdn import read_mdn
from moxlite.proto.mime.decode import decode
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import scan_message
from moxlite.proto.mime.text import part_text
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows.emails import Email, emails
from moxlite.store.rows.messages import headers, packed_structure
from moxlite.store.types import Flag
from moxlite.submission.authors import ways_of
from moxlite.web.composing.answering import delivered_to, given_away, own_of
from moxlite.web.composing.receipts import receipt_of, send_receipt
from moxlite.web.composing.sending import SendOptions
from moxlite.web.errors import APIError, Conflict
from moxlite.web.jmap.blobs import blob_octets, holding
from moxlite.web.jmap.bodies import numbered, sorted_parts
from moxlite.web.jmap.emails import MAX_PARSED, MAX_PARSED_SIZE
from moxlite.web.jmap.emailset import implied_set
from moxlite.web.jmap.identities import identities
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import each

if TYPE_CHECKING:
    from moxlite.proto.mime.types import Envelope, MailAddress
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


MAX_SENT: Final = 20
"""Receipts of one call: each is a message that is signed and queued before the next one is begun."""

MAX_TEXT: Final = 4_000
"""Characters of the text in a receipt, which is a sentence or two."""

GIVEN: Final = (
    *("forEmailId", "subject", "textBody", "includeOriginalMessage", "reportingUA", "disposition"),
    *("finalRecipient", "extensionFields"),
)
SUBJECT: Final = "Read receipt"
TEXT: Final = "The message was displayed. This doesn't guarantee that the recipient read or understood it."
SENDING: Final = {
    ("manual-action", "mdn-sent-manually"): "manual-action/MDN-sent-manually",
    ("automatic-action", "mdn-sent-manually"): "automatic-action/MDN-sent-manually",
    ("automatic-action", "mdn-sent-automatically"): "automatic-action/MDN-sent-automatically",
}
"""Modes of RFC 9007 §2 as a Disposition field has them; what a user does by hand is never sent automatically."""

TYPES: Final = ("displayed", "deleted", "dispatched", "processed")
NOTIFICATIONS: Final = ("message/disposition-notification", "message/global-disposition-notification")


async def send(call: Call) -> Object:
    """MDN/send."""
    given, identity = call.argument("send", dict), call.argument("identityId", str)
    if identity is None or given is None or not all(isinstance(one, dict) for one in given.values()):
        raise invalid("identityId and send are required, and each value in send must be an object")
    if len(given) > MAX_SENT:
        raise MethodError("requestTooLarge", f"you can send up to {MAX_SENT} receipts in one call")
    updates = call.argument("onSuccessUpdateEmail", dict, {})
    _, known = await call.account.read(partial(identities, call=call), op="jmap identities")
    outcomes = await each(given, partial(_sent, call, call.id_of(identity) in known))
    done = {key: outcome for key, outcome in outcomes.items() if not isinstance(outcome, SetError)}
    failed = {key: outcome.value() for key, outcome in outcomes.items() if isinstance(outcome, SetError)}
    update = {
        call.id_of(given[key]["forEmailId"]): updates[f"#{key}"]
        for key in done
        if isinstance(updates.get(f"#{key}"), dict)
    }
    if update:
        implied = msgspec.structs.replace(call, arguments={"update": update})
        call.after.append(await implied_set(implied))
    return {"accountId": call.place.id, "sent": done or None, "notSent": failed or None}


async def _sent(call: Call, is_known: bool, _: str, given: Object) -> Object:
    """Send one receipt; the properties that the server has set. Raises SetError.

    Its author is the address that the email came to, whichever identity is given: programs take the first one, and the
    sender may not know that.
    """
    # The errors of RFC 9007 §2.1 in its order: a receipt is sent once, so all is checked before anything is written.
    unknown = [name for name in given if name not in GIVEN]
    if unknown or given.get("extensionFields"):
        raise SetError(
            "invalidProperties",
            "these properties aren't supported, or can only be set by the server",
            properties=unknown or ["extensionFields"],
        )
    if not is_known:
        raise SetError("forbidden", "identity not found")
    if call.place.guest:
        raise SetError("forbidden", "you can only send read receipts for your own mail")
    subject, text = given.get("subject") or SUBJECT, given.get("textBody") or TEXT
    for name, value, most in (("subject", subject, 1_000), ("textBody", text, MAX_TEXT)):
        if not isinstance(value, str) or len(value) > most:
            raise SetError("invalidProperties", f"must be a string of up to {most} characters", properties=[name])
    disposition = _disposition(given.get("disposition"))
    number = read_id(call.id_of(str(given.get("forEmailId"))), "M")

    def read(r: Reader) -> tuple[Email, Envelope, HeaderSection, MailAddress | None] | None:
        email = emails(r, [number]).get(number)
        if email is None:
            return None
        message_id = email.message_id
        envelope = structure_of(packed_structure(r, message_id) or b"").envelope
        section = HeaderSection(dict(headers(r, [message_id])).get(message_id, b""))
        original = Original(envelope=envelope, delivered_to=delivered_to(section))
        own = own_of(call.snapshot, call.identity.account, call.identity.address, given_away(r, original))
        return email, envelope, section, receipt_from(original, own)

    found = await call.account.scan(read, op="jmap receipt")
    if found is None:
        raise SetError("notFound", "email not found")
    email, envelope, section, author = found
    if email.flags & Flag.MDNSENT:
        raise SetError("mdnAlreadySent", "you already sent or declined this read receipt")
    if author is None:
        raise SetError("forbiddenFrom", "the email came to an address that you can't write from")
    receipt = receipt_of(envelope, section, author)
    if not receipt.to:
        raise SetError("notFound", "the email doesn't request a read receipt")
    wished = given.get("finalRecipient")
    final = AddressKey.parse(receipt.mdn.final_recipient)
    if wished is not None and AddressKey.parse(str(wished).rpartition(";")[2]) != final:
        raise SetError("forbiddenFrom", "finalRecipient must be the address that the email came to")
    mdn = msgspec.structs.replace(receipt.mdn, disposition=disposition)
    options = SendOptions(
        snapshot=call.snapshot,
        identity=call.identity,
        listener=call.request.info.listener,
        secure=call.request.scheme == "https",
        remote=call.request.client_ip,
        way_of=ways_of(call.server.accounts, call.snapshot, call.identity.account),
    )
    try:
        if call.server.queue is None:
            raise SetError("forbidden", "this server doesn't send mail")
        await call.server.queue.check_sending(call.account.name)
        new = await send_receipt(
            call.account,
            call.server.keys,
            call.server.tmp,
            msgspec.structs.replace(receipt, mdn=mdn),
            options,
            subject=subject,
            text=text,
            message_ids=email.message_ids,
        )
    except OutgoingLimitExceeded as error:
        raise SetError("rateLimit", str(error)) from None
    except Conflict as error:
        raise SetError("mdnAlreadySent", error.text) from None
    except (SendingStopped, APIError) as error:
        raise SetError("forbidden", str(error)) from None
    if not new:
        raise SetError("mdnAlreadySent", "a read receipt was already sent")
    server_set: Object = {
        "finalRecipient": f"rfc822;{mdn.final_recipient}",
        "originalMessageId": mdn.original_message_id or None,
        "originalRecipient": mdn.original_recipient or None,
        "reportingUA": mdn.reporting_ua,
        "includeOriginalMessage": False,
    }
    return {name: value for name, value in server_set.items() if given.get(name) != value}


def _disposition(value: Any) -> str:
    match value:
        case {"actionMode": str(action), "sendingMode": str(sending), "type": str(kind)}:
            mode = SENDING.get((action.lower(), sending.lower()))
            if mode is not None and kind.lower() in TYPES:
                return f"{mode}; {kind.lower()}"
    text = "actionMode, sendingMode, and type as in RFC 8098 §3.2.6"
    raise SetError("invalidProperties", text, properties=["disposition"])


async def parse(call: Call) -> Object:
    """MDN/parse."""
    blobs = call.names("blobIds")
    if blobs is None:
        raise invalid("blobIds is missing")
    if len(blobs) > MAX_PARSED:
        raise MethodError("requestTooLarge", f"you can parse up to {MAX_PARSED} blobs in one call")
    parsed: Object = {}
    missing: list[str] = []
    wrong: list[str] = []
    for blob in dict.fromkeys(map(call.id_of, blobs)):
        async with holding(call, [blob], MAX_PARSED_SIZE):
            octets = await blob_octets(call, blob, MAX_PARSED_SIZE)
            if octets is None:
                missing.append(blob)
                continue
            found = await off_loop(partial(_parsed, octets), kind="jmap")
        if found is None:
            wrong.append(blob)
        else:
            parsed[blob] = found
    return {
        "accountId": call.place.id,
        "parsed": parsed or None,
        "notParsable": wrong or None,
        "notFound": missing or None,
    }


def _parsed(octets: bytes) -> Object | None:
    """The MDN in a message, or None."""
    structure, _, _ = scan_message(octets)
    parts = [part for _, part in numbered(structure.root)]
    report = next((part for part in parts if part.media_type in NOTIFICATIONS), None)
    if report is None:
        return None
    mdn = read_mdn(HeaderSection(decode(octets[report.body : report.end], report.encoding) + b"\r\n"))
    if mdn is None:
        return None
    texts = [piece.part for piece in sorted_parts(structure.root).text if piece.part.type == "TEXT"]
    shown = part_text(texts[0], lambda start, stop: octets[start:stop], 64 << 10) if texts else None
    return {
        "forEmailId": None,
        "subject": structure.envelope.subject or None,
        "textBody": None if shown is None else shown.replace("\r\n", "\n"),
        "includeOriginalMessage": any(part.media_type in ("message/rfc822", "text/rfc822-headers") for part in parts),
        "reportingUA": mdn.reporting_ua or None,
        "disposition": mdn.disposition,
        "mdnGateway": mdn.gateway or None,
        "originalRecipient": mdn.original_recipient or None,
        "finalRecipient": mdn.final_recipient,
        "originalMessageId": mdn.original_message_id or None,
        "error": list(mdn.errors) or None,
        "extensionFields": mdn.extensions or None,
    }
