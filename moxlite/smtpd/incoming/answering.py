"""Messages that a delivery sends on: answers of a script or form, and redirected messages (SMTP-160, SMTP-161).

They are composed and signed before the unit of the delivery, which writes them as rows of its outbox (STORE-189a).
"""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

from moxlite.acceptance.gathering import Decided
from moxlite.mailauth.dkim.sign import SigningError
from moxlite.proto.address import Address
from moxlite.proto.mime.compose import TextPart, address_field, answer_fields, compose, new_message_id, text_field
from moxlite.proto.mime.dates import format_date
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import written_references
from moxlite.proto.mime.types import Envelope, MailAddress
from moxlite.smtpd.incoming.passing import Passed, pass_on
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.actions import AnyAction, Redirect, Vacation
from moxlite.store.delivery.perform import OwedMessage
from moxlite.store.delivery.submission import DSNNotify, Submission, SubmissionRecipient

_MAX_SUBJECT: Final = 900  # characters of the subject that is answered: with its field's name they fit into a line

logger = logging.getLogger("moxlite.smtpd.incoming.answering")


async def with_messages(
    session: Session, transaction: Transaction, prepared: Prepared, decided: Decided, prefix: bytes
) -> tuple[AnyAction, ...]:
    """The actions of a plan, each that sends with what it sends. `prefix`: the trace fields of the account's copy."""
    actions: list[AnyAction] = []
    passed_on: dict[str, Passed] = {}
    for action in decided.plan.actions:
        match action:
            case Vacation():
                action = msgspec.structs.replace(action, owed=await _answer(session, prepared, decided, action))
            case Redirect():
                if action.alias not in passed_on:
                    own = Address.parse(action.alias) if action.alias else decided.case.recipient.canonical
                    passed_on[action.alias] = await pass_on(session, transaction, prepared, decided, prefix, own)
                action = msgspec.structs.replace(action, owed=passed_on[action.alias].to(action.to))
            case _:
                pass
        actions.append(action)
    return tuple(actions)


async def _answer(session: Session, prepared: Prepared, decided: Decided, action: Vacation) -> bytes:
    """The answer of the owner (RFC 3834 §3, RFC 5230 §5)."""
    now = time.time_ns() // 1000
    author = decided.case.recipient.canonical
    to = Address.parse(action.to)
    envelope = prepared.index.envelope
    message_id = new_message_id(author.domain.ascii)
    subject = action.subject or f"Auto: {envelope.subject[:_MAX_SUBJECT]}"
    fields = [
        address_field("From", (_from(action.sender, author),)),
        address_field("To", (MailAddress(_name_of(to, envelope), to.localpart, to.domain.ascii),)),
        text_field("Subject", subject),
        f"Date: {format_date(now)}\r\n".encode(),
        f"Message-ID: {message_id}\r\n".encode(),
        b"Auto-Submitted: auto-replied (vacation)\r\n",
        b"X-Auto-Response-Suppress: All\r\n",
    ]
    section = HeaderSection(prepared.header)
    named = written_references(section.texts(b"references"), section.text(b"in-reply-to"))
    fields += answer_fields(envelope.message_id, named)
    octets = b"".join(fields) + (
        b"MIME-Version: 1.0\r\n" + _lines(action.text) if action.mime else b"".join(compose((), TextPart(action.text)))
    )
    try:
        signatures = await session.context.keys.sign_own(session.snapshot, octets, author)
    except SigningError as error:
        logger.error("answer cannot be signed", extra={"kv": {"err": error}})
        signatures = b""
    submission = Submission(
        account=decided.case.account,
        mail_from=None,  # RFC 3834 §3.3: nothing comes back
        recipients=(SubmissionRecipient(to, dsn_notify=DSNNotify.NEVER),),
        received=now,
        prefix=signatures,
        has8bit=not octets.isascii(),
        smtputf8=to.needs_smtputf8,
        message_id=message_id,
        subject=subject,
    )
    return OwedMessage(submission, octets).pack()


def _name_of(to: Address, envelope: Envelope) -> str:
    """The name that the sender gives itself, "" where the message is from another address."""
    wanted = (to.localpart.lower(), to.domain.ascii)
    named = (one.name for one in (*envelope.reply_to, *envelope.from_) if (one.localpart.lower(), one.domain) == wanted)
    return next(filter(None, named), "")


def _lines(text: str) -> bytes:
    """Text with CRLF at the end of each line."""
    return "".join(f"{line}\r\n" for line in text.splitlines()).encode()


def _from(text: str, author: Address) -> MailAddress:
    """The author of the answer: the recipient, by the name that the script says."""
    found = parse_addresses(text.encode("utf-8", "replace"), 1)
    name = decode_address(found[0]).name if found and isinstance(found[0], RawAddress) else ""
    return MailAddress(name, author.localpart, author.domain.ascii)
