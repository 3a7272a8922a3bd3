"""Stored reasons for a message's place (ADMIN-77). Their format is defined by `moxlite.acceptance.why`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Tx

MAX_WHY: Final = 2048
"""Octets of one row. A mailbox of 100,000 messages grows by 200 MB at most, by 30 MB in practice."""

FOUND: Final = 20
"""Messages found by one Message-ID (copies, and ids that senders use twice) or of one sender."""

LOOKED_AT: Final = 50_000
"""Newest messages searched for a sender: a tenth of a second in a thread."""

STORE: Final = "INSERT INTO message_why (email_id, why) VALUES (?, ?)"
READ: Final = "SELECT w.why FROM message m JOIN message_why w ON w.email_id = m.email_id WHERE m.id = ?"
BY_MESSAGEID: Final = "SELECT id FROM message WHERE messageid = ? ORDER BY id DESC LIMIT ?"

BY_SENDER: Final = """
SELECT s.message_id FROM (SELECT message_id, received, mailfrom, mailfrom_domain, msgfrom, msgfrom_domain
  FROM message_smtp INDEXED BY message_smtp_received ORDER BY received DESC LIMIT ?4) s
JOIN message m ON m.id = s.message_id
WHERE s.msgfrom_domain = ?2 AND (?1 = '' OR s.msgfrom = ?1 COLLATE NOCASE)
   OR s.mailfrom_domain = ?2 AND (?1 = '' OR s.mailfrom = ?1 COLLATE NOCASE
     OR substr(s.mailfrom, 1, length(?1)) = ?1 COLLATE NOCASE
        AND substr(s.mailfrom, length(?1) + 1, 1) IN ('+', '-', '=')
     OR substr(s.mailfrom, -length(?1) - 1) = '=' || ?1 COLLATE NOCASE)
ORDER BY s.received DESC LIMIT ?3"""
NAMES: Final = """
SELECT m.id, b.name FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE m.id IN (SELECT value FROM json_each(?))"""


def store_why(tx: Tx, message_id: int, why: bytes) -> None:
    """Store the reasons of a message that this unit has added."""
    if len(why) > MAX_WHY:
        raise ValueError(f"{len(why)} octets of reasons")
    tx.execute(STORE, message_id, why)


def read_why(r: Reader, message_id: int) -> bytes | None:
    """Reasons of a message; None if it was appended, or delivered by an earlier version."""
    found: bytes | None = r.value(READ, message_id)
    return found


def messages_by_messageid(r: Reader, messageid: str) -> list[int]:
    """Ids of messages with this canonical Message-ID, newest first."""
    return [row[0] for row in r.rows(BY_MESSAGEID, messageid, FOUND)]


def messages_by_sender(r: Reader, localpart: str, domain: str) -> list[int]:
    """Ids of messages that came by SMTP, copies of refused ones included, with this address in From or MAIL FROM,
    newest first. An empty localpart stands for all addresses of the domain, which is given in U-labels. In MAIL FROM
    the address may have a tag: ``list-bounces+mia=example.org``, ``prvs=1234=ann``. For `scan`.
    """
    return [row[0] for row in r.rows(BY_SENDER, localpart, domain, FOUND, LOOKED_AT)]


def mailbox_names(r: Reader, ids: Sequence[int]) -> dict[int, str]:
    """Mailbox name of each existing message, by its id."""
    return dict(r.rows(NAMES, msgspec.json.encode(list(ids)).decode()))
