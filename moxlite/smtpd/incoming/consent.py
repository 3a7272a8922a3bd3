"""Answers by mail to the question whether mail may be sent on (SMTP-159b, QUEUE-179): read when they arrive, and kept
by no account.

The address of an answer has the question's secret. As copies of a mail get around, the author must also be the one who
was asked, proven by an aligned signature or SPF; and answers of programs do not count.
"""

from typing import Final

from moxlite.acceptance.evidence import Evidence
from moxlite.acceptance.gathering import Message
from moxlite.acceptance.sieve.filtering import automatic
from moxlite.admin.delivery.consent import read_answer
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.address import Address, AddressError
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies
from moxlite.smtpd.replies import Refused, refuse
from moxlite.smtpd.session import Session

MAX_ANSWER: Final = 4 << 20
"""Octets of an answer: a word, and a picture in a signature."""


async def take_answer(session: Session, code: str, message: Message, evidence: Evidence) -> Response:
    """Take the answer to the question behind a code; durable before the reply. Raises Refused, StoreError."""
    forwarding = await session.context.forwarding.get() if session.context.forwarding is not None else None
    question = await forwarding.question(code) if forwarding is not None else None
    if forwarding is None or question is None:
        await session.wire.pause(session.context.pace.unknown)
        raise Refused(replies.UNKNOWN_USER)
    if automatic(message.section):
        raise refuse(550, "5.7.1", "automatic answers do not count: answer by hand")
    if evidence.msg_from is None or not _is_same(evidence.msg_from, question.target):
        raise refuse(550, "5.7.1", "answer from the address that was asked, as the only author")
    _require_proof(evidence)
    agrees = read_answer(message.prepared.preview)
    if agrees is None:
        raise refuse(550, "5.6.0", 'begin the answer with the word "yes" or "no"')
    if not await forwarding.answer(code, agree=agrees):
        raise Refused(replies.UNKNOWN_USER)
    return Response(
        250, "2.0.0", ("thank you, mail is sent to you" if agrees else "thank you, nothing is sent to you",)
    )


def _is_same(author: Address, asked: str) -> bool:
    try:
        other = Address.parse(asked)
    except AddressError:
        return False
    return author.domain == other.domain and author.localpart.lower() == other.localpart.lower()


def _require_proof(evidence: Evidence) -> None:
    """Refuse an author who is not proven. Mail of our own users is not checked: they log in to send it."""
    checks = evidence.checks
    if checks is None:
        return
    if checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise refuse(451, "4.7.5", "the author cannot be verified now, try again later")
    if checks.dmarc.status is DMARCStatus.FAIL or checks.from_validation == "none":
        raise refuse(550, "5.7.26", "the author is proven neither by DKIM nor by SPF: use the link of the question")
