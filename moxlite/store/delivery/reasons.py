"""The row that tells why a message is where it is (ADMIN-77). What stands in it is `moxlite.acceptance.why`'s."""

from __future__ import annotations

from typing import Final

from moxlite.store.file.transaction import Reader, Tx

__all__ = ["MAX_WHY", "messages_by_messageid", "read_why", "store_why"]

MAX_WHY: Final = 2048
"""Octets of one row. A mailbox of 100,000 messages grows by 200 MB at most, in fact by 30."""

FOUND: Final = 20
"""Messages found by one Message-ID: copies, and what senders use twice."""

STORE: Final = "INSERT INTO message_why (email_id, why) VALUES (?, ?)"
READ: Final = "SELECT w.why FROM message m JOIN message_why w ON w.email_id = m.email_id WHERE m.id = ?"
BY_MESSAGEID: Final = "SELECT id FROM message WHERE messageid = ? ORDER BY id DESC LIMIT ?"


def store_why(tx: Tx, message_id: int, why: bytes) -> None:
    """Note the reasons of a message that this unit has added."""
    if len(why) > MAX_WHY:
        raise ValueError(f"{len(why)} octets of reasons")
    tx.execute(STORE, message_id, why)


def read_why(r: Reader, message_id: int) -> bytes | None:
    """The reasons of a message; None when there are none: it was appended, or delivered by an earlier version."""
    found: bytes | None = r.value(READ, message_id)
    return found


def messages_by_messageid(r: Reader, messageid: str) -> list[int]:
    """The ids of messages with this canonical Message-ID, newest first."""
    return [row[0] for row in r.rows(BY_MESSAGEID, messageid, FOUND)]
