"""Stored facts of the SMTP transaction that brought a message (STORE-90), read by its id."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.decoders import from_builtins
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import Validation

READ: Final = """SELECT remote_ip, ehlo_domain, mailfrom, mailfrom_domain, mailfrom_ok, rcptto, rcptto_domain, msgfrom,
msgfrom_domain, msgfrom_ok, msgfrom_validation, ehlo_ok FROM message_smtp WHERE message_id = ?"""
EARLIER: Final = """SELECT count(*) FROM (
SELECT 1 FROM message_smtp INDEXED BY message_smtp_author WHERE msgfrom_domain = ? AND msgfrom = ?
AND received < (SELECT received FROM message_smtp WHERE message_id = ?) LIMIT ?)"""
LATEST: Final = """
SELECT s.message_id, s.rcptto, s.rcptto_domain, s.received FROM message_smtp s JOIN message m ON m.id = s.message_id
WHERE (s.received < ?1 OR (s.received = ?1 AND s.message_id < ?2)) AND (?4 = 0 OR m.mailbox_id = ?4)
ORDER BY s.received DESC, s.message_id DESC LIMIT ?3"""
SIGNED: Final = "SELECT domain FROM message_dkim WHERE message_id = ? ORDER BY domain"


MAX_EARLIER: Final = 1000
"""Messages of one address that are counted; more are many."""


class SMTPArrival(msgspec.Struct, frozen=True):
    """Fields of `SMTPFacts` with the same names."""

    remote_ip: str
    ehlo_domain: str
    mailfrom: str
    mailfrom_domain: str
    mailfrom_ok: bool
    rcptto: str
    rcptto_domain: str
    msgfrom: str
    msgfrom_domain: str
    msgfrom_ok: bool
    msgfrom_validation: Validation
    ehlo_ok: bool


def smtp_arrival(r: Reader, message_id: int) -> SMTPArrival | None:
    """SMTP transaction of a message; None for a message that did not come by SMTP, or does not exist."""
    row = r.row(READ, message_id)
    if row is None:
        return None
    fields = dict(zip(SMTPArrival.__struct_fields__, row, strict=True))
    return from_builtins(fields, SMTPArrival, strict=False)


def earlier_mails(r: Reader, message_id: int, came: SMTPArrival) -> int:
    """Number of stored messages with the same From address that were received before, at most `MAX_EARLIER`. `came` is
    the arrival of the message.
    """
    found: int = r.value(EARLIER, came.msgfrom_domain, came.msgfrom, message_id, MAX_EARLIER)
    return found


class Arrived(msgspec.Struct, frozen=True):
    """A message that came by SMTP and is still there: the envelope recipient, and when it was received, µs UTC."""

    message_id: int
    localpart: str
    domain: str
    received: int


def latest_arrivals(r: Reader, after: tuple[int, int], limit: int, mailbox_id: int = 0) -> list[Arrived]:
    """Messages that came by SMTP, the latest first, after the one with this time and id in that order; of one mailbox,
    or of all for 0.
    """
    return [Arrived(*row) for row in r.rows(LATEST, *after, limit, mailbox_id)]


def signing_domains(r: Reader, message_id: int) -> list[str]:
    """Domains with a DKIM signature in a message that passed, in alphabetical order."""
    return [domain for (domain,) in r.rows(SIGNED, message_id)]
