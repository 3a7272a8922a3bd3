"""Addresses that get no reports from us until a time (QUEUE-126). On a reader or a transaction."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.reports.received import Kind

MAX_LISTED: Final = 10_000

INSERT: Final = """
INSERT INTO report_suppression (kind, address, created, until, comment) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, address) DO UPDATE SET until = excluded.until, comment = excluded.comment"""
REMOVE: Final = "DELETE FROM report_suppression WHERE kind = ? AND address = ?"
IS: Final = "SELECT 1 FROM report_suppression WHERE kind = ? AND address = ? AND until > ?"
LIST: Final = """
SELECT address, until, comment FROM report_suppression WHERE kind = ? AND until > ? ORDER BY address LIMIT ?"""


class SuppressedAddress(msgspec.Struct, frozen=True):
    """An entry; `until` in µs UTC."""

    address: str
    until: int
    comment: str


def add_suppressed(tx: Tx, kind: Kind, address: str, until: int, comment: str) -> None:
    """Send no reports to an address before `until`, in µs UTC; replaces an existing entry."""
    tx.execute(INSERT, kind, address.lower(), tx.now, until, comment)


def remove_suppressed(tx: Tx, kind: Kind, address: str) -> bool:
    """Send reports to an address again. False: there is no such entry."""
    return tx.execute(REMOVE, kind, address.lower()) > 0


def is_suppressed(r: Reader, kind: Kind, address: str, now: int) -> bool:
    """Whether an address gets no reports now."""
    return r.row(IS, kind, address.lower(), now) is not None


def list_suppressed(r: Reader, kind: Kind, now: int) -> list[SuppressedAddress]:
    """Entries that have not expired, by address, `MAX_LISTED` at most."""
    return [SuppressedAddress(*row) for row in r.rows(LIST, kind, now, MAX_LISTED)]
