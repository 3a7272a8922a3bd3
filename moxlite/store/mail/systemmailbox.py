"""The system's own mailbox: `Outgoing`, which shows the account's messages in the queue (IMAP-162).

The queue adds and removes its messages (`delivery.status`). The owner can read them, copy them, and move a message to
the trash, which cancels it. All other operations on the mailbox call the checks here, and are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import MailboxNotAllowed
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.names import is_below
from moxlite.store.options import AccountConfig
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name
from moxlite.store.types import Mailbox, MailboxID, SpecialUse
from moxlite.wording import worded

QUEUE: Final = "Outgoing"
"""Name of the mailbox, which other mail programs use as well. It was `Queue` once, a name that Claws Mail uses for a
mailbox of its own.
"""

UNQUEUE: Final = "unqueue"
"""Kind of the rows of `outbox` that report a canceled message to the queue; `data` is the queue's key."""

UNCHANGEABLE: Final = f"{QUEUE} only shows queued messages; to cancel a message, move it to your trash"
KEPT: Final = f"{QUEUE} is reserved for the folder that shows queued messages"

THE_SYSTEM: Final = "SELECT id FROM mailbox WHERE system = 1"
IS_SYSTEM: Final = "SELECT 1 FROM mailbox WHERE id = ? AND system"
COUNT_SIZE: Final = "UPDATE state SET total_size = total_size + ? WHERE id = 1"
CANCEL: Final = """
UPDATE queued SET message_id = NULL WHERE message_id IN (SELECT value FROM carray(?)) RETURNING key"""


def is_system(r: Reader, mailbox_id: MailboxID) -> bool:
    """Whether a mailbox is the system's mailbox."""
    return r.row(IS_SYSTEM, mailbox_id) is not None


def queue_mailbox(r: Reader) -> Mailbox | None:
    """Find the system's mailbox, whatever its name; None if the account has none."""
    mailbox_id = r.value(THE_SYSTEM)
    return None if mailbox_id is None else mailbox(r, mailbox_id)


def check_changeable(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: only the queue changes and removes its messages."""
    if box.system:
        raise MailboxNotAllowed(UNCHANGEABLE)


def changeable(r: Reader, mailbox_id: MailboxID) -> Mailbox:
    """Return a mailbox whose messages can be changed. Raises NoSuchMailbox, MailboxNotAllowed."""
    box = mailbox(r, mailbox_id)
    check_changeable(box)
    return box


def check_fillable(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: only the queue adds messages to it."""
    if box.system:
        raise MailboxNotAllowed(worded("{name} only shows queued messages, so you can't add any", name=box.name))


def check_own(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: it cannot be renamed, deleted, or get a special use."""
    if box.system:
        raise MailboxNotAllowed(
            worded("{name} is managed by the server; to remove it, turn off queue_mailbox", name=box.name)
        )


def is_kept(r: Reader, name: str, config: AccountConfig) -> bool:
    """Whether a name is reserved for the system's mailbox, or is below it. An account that has a mailbox `Outgoing` of
    its own keeps it, with its messages.
    """
    if name != QUEUE and not is_below(name, QUEUE):
        return False
    box = mailbox_by_name(r, QUEUE)
    return config.queue_mailbox if box is None else box.system


def check_free(tx: AccountTx, name: str) -> None:
    """Raise MailboxNotAllowed if the name of a mailbox to be created is reserved."""
    if is_kept(tx, name, tx.config):
        raise MailboxNotAllowed(KEPT)


def check_cancels(target: Mailbox) -> None:
    """Raise MailboxNotAllowed for a move out of the system's mailbox that does not go to the trash."""
    if not target.special_use & SpecialUse.TRASH:
        raise MailboxNotAllowed(
            worded(
                "you can only move messages in {name} to Trash, which cancels them; to keep one, copy it to "
                "another folder",
                name=QUEUE,
            )
        )


def canceled(tx: AccountTx, ids: Sequence[int], size: int) -> None:
    """Account for messages of `size` octets in all that were moved from the system's mailbox to the trash: they count
    for the quota from now on, and the queue is notified by rows of `outbox`.
    """
    count_size(tx, size)
    # Keep the row without a message, so a step that the queue repeats after a crash doesn't show it again.
    for (key,) in tx.rows(CANCEL, int_array(ids)):
        tx.owe(b"unqueue " + key, UNQUEUE, key)


def count_size(tx: AccountTx, octets: int) -> None:
    """Count added or (negative) removed octets, whatever the quota is: a user may always cancel a message."""
    tx.execute(COUNT_SIZE, octets)
