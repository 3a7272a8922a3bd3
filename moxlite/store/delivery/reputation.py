"""Reputation of senders: verdicts on earlier mail, and the volume received lately (STORE-91..93, STORE-97, STORE-98;
SMTP-88, SMTP-137).

`history` reads the verdicts of stored messages of the same sender, domain or network, newest first. The decision that
follows from them is not made here but in `moxlite.acceptance`.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
from moxlite.store.types import MailboxID

SCAN: Final = 500
"""Rows of one sender that are searched for the mailbox's own: ten times the largest window, and a millisecond."""

PASS_LENGTH: Final = 16
_PASS_ALPHABET: Final = string.ascii_letters + string.digits
"""A key of 95 random bits (STORE-98)."""


class Key(Enum):
    """Property that earlier messages share with the new one."""

    MSGFROM = "msgfrom"
    MSGFROM_DOMAIN = "msgfrom_domain"
    MSGFROM_ORGDOMAIN = "msgfrom_orgdomain"
    DKIM_DOMAIN = "dkim_domain"
    MAILFROM = "mailfrom"
    MAILFROM_DOMAIN = "mailfrom_domain"
    EHLO_DOMAIN = "ehlo_domain"
    IP1 = "ip1"
    IP2 = "ip2"
    IP3 = "ip3"


WINDOWS: Final[Mapping[Key, tuple[int, int]]] = {
    Key.MSGFROM: (3 * 365 * DAY, 2),
    Key.MSGFROM_DOMAIN: (2 * 365 * DAY, 20),
    Key.MSGFROM_ORGDOMAIN: (2 * 365 * DAY, 20),
    Key.DKIM_DOMAIN: (182 * DAY, 50),
    Key.MAILFROM: (182 * DAY, 50),
    Key.MAILFROM_DOMAIN: (182 * DAY, 50),
    Key.EHLO_DOMAIN: (182 * DAY, 50),
    Key.IP1: (91 * DAY, 50),
    Key.IP2: (91 * DAY, 50),
    Key.IP3: (91 * DAY, 50),
}
"""Age in µs and number of messages asked for (STORE-92)."""


class JudgedMessage(msgspec.Struct, frozen=True):
    """An earlier message that its owner judged: ``spam``, or ham. Domains are U-labels; the `_ok` fields say which
    domains were validated. `received` is in µs UTC.
    """

    received: int
    spam: bool
    msgfrom: str
    msgfrom_domain: str
    msgfrom_ok: bool
    msgfrom_validation: str
    mailfrom_ok: bool
    ehlo_ok: bool


class Received(msgspec.Struct, frozen=True):
    """Number of messages and octets received from a network."""

    count: int
    octets: int


class DomainTLS(msgspec.Struct, frozen=True):
    """TLS support that a recipient domain offered at the last attempt (STORE-97). `updated` is in µs UTC."""

    updated: int
    starttls: bool
    requiretls: bool


_PAST: Final = "verdict, msgfrom, msgfrom_domain, msgfrom_ok, msgfrom_validation, mailfrom_ok, ehlo_ok"


def _by(index: str, *columns: str) -> str:
    """SQL for the newest judged rows with one value of the index's columns, restricted to a mailbox. It is built from
    constants only.

    CROSS JOIN keeps the order of the loops: rows come as the index has them, newest first, and reading ends at the
    limit. With ORDER BY SQLite would read and sort all `SCAN` rows before the first.
    """
    where = " AND ".join(f"{column} = ?" for column in columns)
    return f"""
SELECT s.received, {_PAST} FROM (SELECT message_id, received, {_PAST} FROM message_smtp INDEXED BY {index}
WHERE {where} AND verdict IS NOT NULL AND received > ? AND received <= ?
ORDER BY received DESC, message_id DESC LIMIT {SCAN}) s
CROSS JOIN message m ON m.id = s.message_id WHERE m.mailbox_orig_id = ? LIMIT ?"""  # noqa: S608


QUERIES: Final[Mapping[Key, str]] = {
    Key.MSGFROM: _by("message_smtp_msgfrom_address", "msgfrom_domain", "msgfrom"),
    Key.MSGFROM_DOMAIN: _by("message_smtp_msgfrom", "msgfrom_domain"),
    Key.MSGFROM_ORGDOMAIN: _by("message_smtp_msgfrom_org", "msgfrom_orgdomain"),
    Key.MAILFROM: _by("message_smtp_mailfrom_address", "mailfrom_domain", "mailfrom"),
    Key.MAILFROM_DOMAIN: _by("message_smtp_mailfrom", "mailfrom_domain"),
    Key.EHLO_DOMAIN: _by("message_smtp_ehlo", "ehlo_domain"),
    Key.IP1: _by("message_smtp_ip1", "ip1"),
    Key.IP2: _by("message_smtp_ip2", "ip2"),
    Key.IP3: _by("message_smtp_ip3", "ip3"),
    Key.DKIM_DOMAIN: f"""
SELECT s.received, {_PAST} FROM (SELECT message_id, received FROM message_dkim
WHERE domain = ? AND received > ? AND received <= ?
ORDER BY received DESC, message_id DESC LIMIT {SCAN}) d
CROSS JOIN message_smtp s ON s.message_id = d.message_id AND s.verdict IS NOT NULL
CROSS JOIN message m ON m.id = s.message_id WHERE m.mailbox_orig_id = ? LIMIT ?""",  # noqa: S608
}
# From the index message_smtp_received alone, which has all these columns: one walk for three networks.
RECEIVED: Final = """
SELECT coalesce(sum(ip1 = ?1), 0), coalesce(sum(size) FILTER (WHERE ip1 = ?1), 0), coalesce(sum(ip2 = ?2), 0),
coalesce(sum(size) FILTER (WHERE ip2 = ?2), 0), coalesce(sum(ip3 = ?3), 0), coalesce(sum(size) FILTER (WHERE ip3 = ?3),
0)
FROM message_smtp WHERE received > ?4 AND received <= ?5"""
FIND_SUBJECTPASS: Final = "SELECT key FROM subjectpass WHERE address = ?"
ADD_SUBJECTPASS: Final = "INSERT INTO subjectpass (address, key, created) VALUES (?, ?, ?)"
GET_TLS: Final = "SELECT updated, starttls, requiretls FROM recipient_domain_tls WHERE domain = ?"
SET_TLS: Final = """
INSERT INTO recipient_domain_tls (domain, updated, starttls, requiretls) VALUES (?, ?, ?, ?)
ON CONFLICT (domain) DO UPDATE SET updated = excluded.updated, starttls = excluded.starttls, requiretls =
excluded.requiretls"""


def history(
    r: Reader,
    key: Key,
    value: str,
    mailbox_orig_id: MailboxID,
    *,
    now: int,
    localpart: str = "",
    max_age: int | None = None,
    limit: int | None = None,
) -> list[JudgedMessage]:
    """Judged messages that were first delivered to a mailbox and share `key` with the new one, newest first.

    Args:
      value: the domain (U-labels) or network; with MSGFROM and MAILFROM also give the `localpart`.
      now: µs UTC; rows from the future are left out (STORE-165).
      max_age, limit: age in µs and number of messages; None for the values of `WINDOWS`.

    The cost does not grow with the mailbox (STORE-91).
    """
    age, count = WINDOWS[key]
    since = now - (age if max_age is None else max_age)
    args = [value, localpart] if key in {Key.MSGFROM, Key.MAILFROM} else [value]
    rows = r.rows(QUERIES[key], *args, since, now, mailbox_orig_id, count if limit is None else limit)
    return [
        JudgedMessage(received, spam != 0, msgfrom, domain, msgfrom_ok != 0, validation, mailfrom_ok != 0, ehlo_ok != 0)
        for received, spam, msgfrom, domain, msgfrom_ok, validation, mailfrom_ok, ehlo_ok in rows
    ]


def received_since(
    r: Reader, classes: tuple[str, str, str], *, since: int, now: int
) -> tuple[Received, Received, Received]:
    """Number and octets of messages received after `since` from the networks ip1, ip2, ip3 that still exist (STORE-93).
    Linear in all mail of that time.
    """
    row = r.row(RECEIVED, *classes, since, now)
    assert row is not None
    return Received(row[0], row[1]), Received(row[2], row[3]), Received(row[4], row[5])


def find_subjectpass_key(r: Reader, address: str) -> str:
    """Key of one of the account's canonical addresses, "" if none was made yet."""
    key: str | None = r.value(FIND_SUBJECTPASS, address)
    return key or ""


def subjectpass_key(tx: Tx, address: str) -> str:
    """Key of one of the account's canonical addresses, made at its first use (STORE-98)."""
    key: str | None = tx.value(FIND_SUBJECTPASS, address)
    if key is None:
        key = "".join(secrets.choice(_PASS_ALPHABET) for _ in range(PASS_LENGTH))
        tx.execute(ADD_SUBJECTPASS, address, key, tx.now)
    return key


def domain_tls(r: Reader, domain: str) -> DomainTLS | None:
    """TLS support of a recipient domain at the last attempt; None if there was no attempt."""
    row = r.row(GET_TLS, domain)
    return None if row is None else DomainTLS(row[0], row[1] != 0, row[2] != 0)


def set_domain_tls(tx: Tx, domain: str, *, starttls: bool, requiretls: bool) -> None:
    """Store the TLS support that a recipient domain offered at a delivery attempt (STORE-97)."""
    tx.execute(SET_TLS, domain, tx.now, starttls, requiretls)
