"""Facts of a message beside its octets when it is stored: SMTP facts and marks (STORE-20, STORE-90).

smtpd sets them for deliveries; a message appended by IMAP or webmail has none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from moxlite.encoding import from_builtins, from_json, to_json
from moxlite.store.file.transaction import Reader
from moxlite.store.types import MailboxID

if TYPE_CHECKING:
    from moxlite.proto.address import Address

Validation: TypeAlias = Literal[
    "unknown", "strict", "dmarc", "relaxed", "pass", "neutral", "temperror", "permerror", "fail", "softfail", "none"
]
"""Result of a domain's validation (STORE-90); for a From domain: strict, relaxed, dmarc or none (SMTP-77)."""

_CLASSES: Final = {4: (32, 26, 21), 6: (64, 48, 32)}
"""Prefix lengths of ip1, ip2, ip3 (STORE-90): one customer, a small and a large provider network."""


class SMTPFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of the SMTP transaction, the row of ``message_smtp``. Domains are Unicode and lower case; localparts
    decoded.

    `ehlo_domain` is "" for an IP address. The `orig_` fields hold the values that a forward hides (STORE-66);
    `orig_dkim` are domains.
    """

    remote_ip: str = ""
    ip1: str = ""
    ip2: str = ""
    ip3: str = ""
    ehlo_domain: str = ""
    mailfrom: str = ""
    mailfrom_domain: str = ""
    rcptto: str = ""
    rcptto_domain: str = ""
    msgfrom: str = ""
    msgfrom_domain: str = ""
    msgfrom_orgdomain: str = ""
    ehlo_ok: bool = False
    mailfrom_ok: bool = False
    msgfrom_ok: bool = False
    ehlo_validation: Validation = "unknown"
    mailfrom_validation: Validation = "unknown"
    msgfrom_validation: Validation = "unknown"
    orig_ehlo: str = ""
    orig_dkim: tuple[str, ...] = ()


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts stored with a message beside its octets, flags and times.

    Attributes:
      smtp: None for messages that did not come by SMTP.
      dkim_domains: domains with a passing signature, for reputation.
      is_reject: kept in a rejects mailbox after SMTP refused it (STORE-70, STORE-67).
      is_forward, is_mailinglist: set by the destination's ruleset (STORE-64).
      destined: the mailbox it was meant for, if it is stored in another one (STORE-68, STORE-70).
      tls_version, tls_cipher, requiretls: of the connection that brought it; "" without TLS.
      why: the packed reasons of its delivery (`delivery.reasons`), None for other messages.
    """

    smtp: SMTPFacts | None = None
    dkim_domains: tuple[str, ...] = ()
    is_reject: bool = False
    is_forward: bool = False
    is_mailinglist: bool = False
    destined: MailboxID | None = None
    tls_version: str = ""
    tls_cipher: str = ""
    requiretls: bool = False
    why: bytes | None = None


NO_FACTS: Final = MessageFacts()


def of_forward(facts: MessageFacts, forwarder: str) -> MessageFacts:
    """Change the facts of a message that was forwarded by `forwarder`, a verified domain (STORE-66, SMTP-84).

    The networks, the EHLO and MAIL FROM domains and the signature of the forwarder are removed, so that forwarded mail
    gives it no reputation, good or bad; the `orig_` fields keep the original values.
    """
    smtp = facts.smtp
    if smtp is not None:
        smtp = msgspec.structs.replace(
            smtp,
            ip1="",
            ip2="",
            ip3="",
            ehlo_domain="",
            mailfrom_domain="",
            orig_ehlo=smtp.ehlo_domain,
            orig_dkim=facts.dkim_domains,
        )
    left = tuple(domain for domain in facts.dkim_domains if domain != forwarder)
    return msgspec.structs.replace(facts, smtp=smtp, is_forward=True, dkim_domains=left)


def pack_domains(domains: Iterable[str]) -> str:
    """Encode the domains with a passing signature for the column ``message_smtp.dkim``: JSON, each once, in
    alphabetical order.
    """
    return to_json(sorted(set(domains))).decode()


@lru_cache(4096)  # for the steps of one delivery, and for senders that send again
def ip_classes(ip: str) -> tuple[str, str, str]:
    """Networks ip1, ip2, ip3 of an address, each as the text of its first address (STORE-90); a mapped IPv4 address
    counts as IPv4.
    """
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    number, length, make = int(address), address.max_prefixlen, type(address)
    one, two, three = (str(make(number >> length - bits << length - bits)) for bits in _CLASSES[address.version])
    return one, two, three


# Stored facts of the SMTP transaction that brought a message (STORE-90), read by its id.


READ: Final = """SELECT remote_ip, ehlo_domain, mailfrom, mailfrom_domain, mailfrom_ok, rcptto, rcptto_domain, msgfrom,
msgfrom_domain, msgfrom_ok, msgfrom_validation, ehlo_ok FROM message_smtp WHERE message_id = ?"""
EARLIER: Final = """SELECT count(*) FROM (
SELECT msgfrom_validation AS proof FROM message_smtp INDEXED BY message_smtp_author
WHERE msgfrom_domain = ? AND msgfrom = ? AND received < (SELECT received FROM message_smtp WHERE message_id = ?)
ORDER BY received DESC LIMIT ?) WHERE proof <> 'none'"""
EARLIER_IMPORTED: Final = """SELECT count(*) FROM (
SELECT 1 FROM gathered g INDEXED BY gathered_correspondent
WHERE g.correspondent_id = (SELECT id FROM correspondent WHERE domain = ? AND localpart = ?) AND g.correspondent_id > 0
AND g.received < (SELECT received FROM message_smtp WHERE message_id = ?)
AND NOT EXISTS (SELECT 1 FROM message_smtp s WHERE s.message_id = g.message_id) LIMIT ?)"""
LATEST: Final = """
SELECT s.message_id, s.rcptto, s.rcptto_domain, s.received FROM message_smtp s JOIN message m ON m.id = s.message_id
WHERE (s.received < ?1 OR (s.received = ?1 AND s.message_id < ?2)) AND (?4 = 0 OR m.mailbox_id = ?4)
ORDER BY s.received DESC, s.message_id DESC LIMIT ?3"""
LATEST_IN: Final = """
SELECT mailbox_id, count(*) FROM (
  SELECT m.mailbox_id FROM message_smtp s JOIN message m ON m.id = s.message_id
  ORDER BY s.received DESC, s.message_id DESC LIMIT ?
) GROUP BY mailbox_id"""
NEWEST_HEADER: Final = """SELECT h.header FROM message_smtp s INDEXED BY message_smtp_author
CROSS JOIN message m ON m.id = s.message_id CROSS JOIN message_header h ON h.email_id = m.email_id
WHERE s.msgfrom_domain = ? AND s.msgfrom = ? ORDER BY s.received DESC LIMIT 1"""
SIGNED: Final = "SELECT dkim FROM message_smtp WHERE message_id = ?"


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


UNPROVEN: Final = "none"
"""Result for a From domain of a message that anyone could have written (SMTP-77)."""

VALIDATED: Final = frozenset({"strict", "dmarc", "relaxed"})
"""Results for a From domain that show that the message comes from it (SMTP-77)."""


def smtp_arrival(r: Reader, message_id: int) -> SMTPArrival | None:
    """SMTP transaction of a message; None for a message that did not come by SMTP, or does not exist."""
    row = r.row(READ, message_id)
    if row is None:
        return None
    fields = dict(zip(SMTPArrival.__struct_fields__, row, strict=True))
    return from_builtins(fields, SMTPArrival, strict=False)


def earlier_mails(r: Reader, message_id: int, came: SMTPArrival) -> int:
    """Number of stored messages that came earlier from the same From address: by SMTP with proof, among the newest
    `MAX_EARLIER`, and up to as many that the user imported, outside of Junk. `came` is the arrival of the message.
    """
    address = came.msgfrom_domain, came.msgfrom, message_id, MAX_EARLIER
    return int(r.value(EARLIER, *address)) + int(r.value(EARLIER_IMPORTED, *address))


def newest_header(r: Reader, author: Address) -> bytes:
    """The header section of the newest message with this From address that came by SMTP, b"" without one."""
    header: bytes | None = r.value(NEWEST_HEADER, author.domain.unicode, author.localpart)
    return header or b""


class ReceivedMessage(msgspec.Struct, frozen=True):
    """A message that came by SMTP and is still there: the envelope recipient, and when it was received, µs UTC."""

    message_id: int
    localpart: str
    domain: str
    received: int


def latest_arrivals(r: Reader, after: tuple[int, int], limit: int, mailbox_id: int = 0) -> list[ReceivedMessage]:
    """Messages that came by SMTP, the latest first, after the one with this time and id in that order; of one mailbox,
    or of all for 0.
    """
    return [ReceivedMessage(*row) for row in r.rows(LATEST, *after, limit, mailbox_id)]


def latest_in_mailboxes(r: Reader, limit: int) -> dict[int, int]:
    """Where the latest messages that came by SMTP are: their number in each mailbox, by its id."""
    return dict(r.rows(LATEST_IN, limit))


def signing_domains(r: Reader, message_id: int) -> list[str]:
    """Domains with a DKIM signature in a message that passed, in alphabetical order."""
    domains: str | None = r.value(SIGNED, message_id)
    return from_json(domains, list[str]) if domains is not None else []
