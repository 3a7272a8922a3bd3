"""A message for an address that is not here yet goes on to the server from which its domain moves, while the client
waits: its reply is that server's, so nothing has to be bounced (SMTP-185, SMTP-186).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import trio

from moxlite.acceptance.evidence import INDIRECT, Evidence
from moxlite.acceptance.gathering import Message
from moxlite.acceptance.producers.judgement import JUNK_REFUSED, LATER as DMARC_LATER, REFUSED as DMARC_REFUSED
from moxlite.admin.delivery.peers import PeerFailed
from moxlite.config.snapshot import PeerRecipient
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.smtp.conversation import Recipient, Transaction as Passing
from moxlite.proto.smtp.replies import Response
from moxlite.smtpd import replies
from moxlite.smtpd.incoming import blocklists
from moxlite.smtpd.incoming.prefix import authentication, common_of
from moxlite.smtpd.incoming.results import Noting
from moxlite.smtpd.replies import Refused
from moxlite.smtpd.session import Session
from moxlite.smtpd.transaction import Transaction
from moxlite.store.content.spool import WRITE_SIZE, Spool, look_at


async def pass_on(
    session: Session, transaction: Transaction, message: Message, evidence: Evidence, spool: Spool
) -> Response:
    """Give a message to the peer of its recipient's domain; the reply to the client. Raises Refused.

    The peer sees this server as the client, so what the client's address and domain say against the message is judged
    here; the rest is the peer's.
    """
    [recipient] = transaction.recipients
    found, peers = recipient.found, session.context.peers
    assert isinstance(found, PeerRecipient)
    assert peers is not None  # else RCPT was refused
    noting = Noting(session, transaction, spool.size, evidence, message.prepared.index.envelope.message_id)
    try:
        await _judge(session, transaction, message.section, evidence)
        common = common_of(session, transaction, message.prepared, evidence)
        prefix = authentication(common, evidence.checks) + common.received(recipient.path)
        prefix += b"\r\n" if common.headerless else b""
        passing = Passing(
            mail_from=transaction.sender,
            recipients=(Recipient(recipient.path, tuple(recipient.command.notify), recipient.command.orcpt),),
            size=len(prefix) + spool.size,
            eight_bit=spool.facts.eight_bit,
            smtputf8=transaction.mail.smtputf8,
            requiretls=transaction.mail.requiretls,
            ret=transaction.mail.ret,
            envid=transaction.mail.envid,
        )
        host = await peers.pass_on(found, passing, partial(_octets, prefix, spool))
    except (PeerFailed, Refused) as error:
        noting.passed(recipient, error.response)
        raise Refused(error.response) from None
    response = Response(250, "2.0.0", (f"message accepted, id {session.dialogue.received_id}",))
    noting.passed(recipient, response, host)
    return response


async def _judge(session: Session, transaction: Transaction, section: HeaderSection, evidence: Evidence) -> None:
    """Raises Refused."""
    if await look_at(section, partial(_passes, session, transaction)) > (1 if session.info.trusted_local else 0):
        raise Refused(replies.LOOP)
    checks = evidence.checks
    if checks is not None and checks.dmarc.policy != "none" and checks.dmarc.status is DMARCStatus.TEMPERROR:
        raise Refused(DMARC_LATER)
    if checks is not None and checks.dmarc.reject and checks.vouched is None and evidence.fact(INDIRECT) is None:
        raise Refused(DMARC_REFUSED)
    if session.network_checks and await blocklists.Once(session).listed():
        raise Refused(JUNK_REFUSED)


def _passes(session: Session, transaction: Transaction, section: HeaderSection) -> int:
    """How often the message has passed this server on its way to this very recipient. A user's mail has once, when it
    was submitted; a peer that sends mail for unknown addresses to the MX host brings it again.
    """
    [recipient] = transaction.recipients
    target = f"for <{recipient.path.pack(True)}>".lower()
    fields = (" ".join(text.decode("utf-8", "replace").lower().split()) for text in section.texts(b"received"))
    names = [f"by {name} " for name in session.snapshot.hostnames]
    return sum(target in field and any(name in field for name in names) for field in fields)


async def _octets(prefix: bytes, spool: Spool) -> AsyncIterator[bytes]:
    yield prefix
    for at in range(0, spool.size, WRITE_SIZE):
        if spool.in_memory:
            yield spool.read(at, WRITE_SIZE)
        else:
            yield await trio.to_thread.run_sync(spool.read, at, WRITE_SIZE)
