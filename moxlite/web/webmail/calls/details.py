"""The calls for the stored facts of a message: its arrival and the reason for its mailbox (WEBMAIL-76, 77)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from moxlite.acceptance.why import lines
from moxlite.store.delivery.reasons import read_why, unpack
from moxlite.store.mail.facts import signing_domains, smtp_arrival
from moxlite.store.rows import messages as message_rows
from moxlite.store.types import MessageID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """The arrival of a message by SMTP. ``mail_from`` "" is the null path; ``mail_from_ok`` is whether SPF passes.
    ``signed_by`` are the domains with a valid DKIM signature. ``tls`` is the version, with the cipher and the group of
    the key exchange; "" without TLS.
    """

    remote_ip: str
    ehlo: str
    mail_from: str
    mail_from_ok: bool
    rcpt_to: str
    signed_by: list[str]
    tls: str


class MessageDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Stored facts of a message. ``reason`` is the word of X-Moxlite-Reason (docs/reasons.md), ``why`` the evidence,
    line by line. ``reason`` is "" and ``why`` empty for a message that was not delivered by SMTP.
    """

    arrival: Arrival | None
    reason: str
    why: list[str]


class DetailCalls(AccountCalls):
    """The calls for the details of a message."""

    @call()
    async def message_details(self, caller: Caller, message_id: ID) -> MessageDetails:
        """The arrival of a message, and the reason for its mailbox.

        The answer includes the owner's rules and reputations, so guests of a shared mailbox are refused.
        """
        async with self._holders.at(caller.require(), message_id) as holder:

            def read(r: Reader) -> MessageDetails:
                holder.known(r, [message_id])
                holder.refuse_guest("you can only see delivery details for your own mail")
                message_rows.message(r, message_id)
                reason, why = _why(r, message_id)
                return MessageDetails(arrival=_arrival(r, message_id), reason=reason, why=why)

            return await holder.account.read(read, op="webmail_details")


def _arrival(r: Reader, message_id: int) -> Arrival | None:
    came = smtp_arrival(r, message_id)
    if came is None:
        return None
    info = dict(message_rows.infos(r, [message_id])).get(MessageID(message_id))
    return Arrival(
        remote_ip=came.remote_ip,
        ehlo=came.ehlo_domain,
        mail_from=f"{came.mailfrom}@{came.mailfrom_domain}" if came.mailfrom_domain else came.mailfrom,
        mail_from_ok=came.mailfrom_ok,
        rcpt_to=f"{came.rcptto}@{came.rcptto_domain}" if came.rcptto_domain else came.rcptto,
        signed_by=signing_domains(r, message_id),
        tls="" if info is None else " ".join(filter(None, (info.tls_version, info.tls_cipher))),
    )


def _why(r: Reader, message_id: int) -> tuple[str, list[str]]:
    octets = read_why(r, message_id)
    if octets is None:
        return "", []
    try:
        why = unpack(octets)
    except msgspec.MsgspecError:
        return "", ["What was noted at the delivery is damaged."]
    return why.reason, list(lines(why))
