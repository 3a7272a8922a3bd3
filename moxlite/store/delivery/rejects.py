"""The rejects mailbox: copies of messages that SMTP refused, for their owner to review (STORE-70..74, SMTP-102,
IMAP-113).

The functions run in the unit of a delivery (`perform`).
"""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared
from moxlite.store.delivery.actions import KeepReject
from moxlite.store.mail.adding import Added, add_message
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import Facts
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag, Mailbox

logger = logging.getLogger("moxlite.store.rejects")

REJECT_AGE: Final = 14 * DAY
"""Microseconds after which a reject is removed (STORE-72)."""

MAX_REJECTS: Final = 1000
"""Rejects kept at once; above that nothing is added (STORE-72): under attack they are not read."""

OLD: Final = "SELECT id FROM message WHERE mailbox_id = ? AND received < ? AND is_reject ORDER BY received LIMIT 1000"
COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM message WHERE mailbox_id = ? AND is_reject LIMIT ?)"
SAME_REJECTS: Final = "SELECT id FROM message WHERE messageid = ? AND mailbox_id = ? AND is_reject LIMIT 100"
"""A sender retries a few times; copies beyond a hundred are left to the nightly tidying."""
SAME: Final = """
SELECT 1 FROM message m WHERE m.mailbox_id = ?1 AND m.messageid = ?2
UNION ALL SELECT 1 FROM message m JOIN body b ON b.id = m.body_id WHERE m.mailbox_id = ?1 AND b.hash = ?3 LIMIT 1"""


def keep_reject(tx: AccountTx, ready: Prepared, facts: Facts, box: Mailbox, action: KeepReject) -> Added | None:
    """Keep a copy of a refused message in the rejects mailbox `box`: seen and marked, with the mailbox it was meant
    for.

    Returns None if no copy is kept: the mailbox has its Message-ID or its body, or is full. Raises as `add_message`.
    """
    if not action.unlimited:
        tidy_rejects(tx, box.name)
        if tx.value(COUNT, box.id, MAX_REJECTS) >= MAX_REJECTS:
            logger.info("rejects mailbox is full", extra={"kv": {"account": tx.account, "mailbox": box.name}})
            return None
    if tx.row(SAME, box.id, ready.thread.messageid, ready.digest) is not None:
        return None
    marked = msgspec.structs.replace(facts, is_reject=True, destined=ensure_mailbox(tx, action.destined).id)
    return add_message(tx, ready, box.id, flags=Flag.SEEN, facts=marked, delivery=True)


def clear_rejects(tx: AccountTx, rejects: str, messageid: str) -> None:
    """Remove the copies of a message that is accepted now from the rejects mailbox (STORE-74)."""
    box = mailbox_by_name(tx, rejects)
    if box is not None:
        expunge_ids(tx, [row[0] for row in tx.rows(SAME_REJECTS, messageid, box.id)])


def tidy_rejects(tx: AccountTx, rejects: str) -> int:
    """Remove rejects older than 14 days from a mailbox, a thousand at most; returns the number. Messages without the
    mark stay.
    """
    box = mailbox_by_name(tx, rejects)
    if box is None:
        return 0
    ids = [row[0] for row in tx.rows(OLD, box.id, tx.now - REJECT_AGE)]
    expunge_ids(tx, ids)
    return len(ids)
