"""Limits of an account's submissions (STORE-94, SMTP-116): messages and first-time recipients in 24 hours, shared by
SMTP, webmail and webapi.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
from moxlite.wording import Worded, worded

KEEP: Final = 2 * DAY
"""Microseconds after which the rows of an address shrink to the oldest one (STORE-94)."""

TOTAL: Final = "SELECT count(*) FROM outgoing WHERE submitted > ? AND submitted <= ?"
# Addresses written to in the last day for the first time ever.
FIRST_TIME: Final = """
SELECT count(DISTINCT recipient) FROM outgoing o WHERE o.submitted > ?1 AND o.submitted <= ?2
AND NOT EXISTS (SELECT 1 FROM outgoing p WHERE p.recipient = o.recipient AND p.submitted <= ?1)"""
KNOWN: Final = "SELECT 1 FROM outgoing WHERE recipient = ? LIMIT 1"
INSERT: Final = "INSERT INTO outgoing (recipient, submitted) VALUES (?, ?)"
REMOVE: Final = "DELETE FROM outgoing WHERE id = ?"
SHRINK: Final = """
DELETE FROM outgoing WHERE submitted < ? AND EXISTS
(SELECT 1 FROM outgoing p WHERE p.recipient = outgoing.recipient AND (p.submitted, p.id) < (outgoing.submitted,
outgoing.id))"""


class OutgoingLimits(msgspec.Struct, frozen=True):
    """Recipients in 24 hours: of all messages, and those never written to before. 0: sending is forbidden."""

    messages: int = 1000
    first_time: int = 200


class OutgoingLimitExceeded(StoreError):
    """The account has sent too much in 24 hours; the text names the limit and its setting."""

    def __init__(self, what: Worded, limit: int, setting: str) -> None:
        super().__init__(
            worded(
                "limit of {limit} {what} in 24 hours reached (setting {setting})",
                limit=limit,
                what=what,
                setting=setting,
            )
        )
        self.limit = limit
        self.setting = setting


def add_outgoing(tx: Tx, recipients: Sequence[str], limits: OutgoingLimits) -> list[int]:
    """Record a submission to these addresses, one row each, if the limits allow it; returns the ids of the rows.

    First-time recipients are counted only once the total reaches their limit (SMTP-116).

    Raises:
      OutgoingLimitExceeded: no row was written.
    """
    check_outgoing(tx, recipients, limits, tx.now)
    return [tx.insert(INSERT, recipient, tx.now) for recipient in recipients]


def check_outgoing(r: Reader, recipients: Sequence[str], limits: OutgoingLimits, now: int) -> None:
    """Check whether the limits allow a submission to these addresses at `now`, µs UTC. Raises OutgoingLimitExceeded."""
    since = now - DAY
    total = r.value(TOTAL, since, now) + len(recipients)
    if total > limits.messages:
        raise OutgoingLimitExceeded(worded("messages"), limits.messages, "max_outgoing_messages_per_day")
    if total >= limits.first_time:
        new = sum(r.row(KNOWN, recipient) is None for recipient in set(recipients))
        if new and r.value(FIRST_TIME, since, now) + new > limits.first_time:
            raise OutgoingLimitExceeded(
                worded("first-time recipients"), limits.first_time, "max_first_time_recipients_per_day"
            )


def remove_outgoing(tx: Tx, ids: Sequence[int]) -> None:
    """Remove the rows of `add_outgoing`: the message was not sent."""
    tx.executemany(REMOVE, [(row_id,) for row_id in ids])


def shrink_outgoing(tx: Tx) -> int:
    """Shrink the rows that are older than two days to the oldest one of each address, which shows that it is not a
    first-time recipient. Returns the number of rows removed.
    """
    return tx.execute(SHRINK, tx.now - KEEP)
