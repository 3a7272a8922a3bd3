"""The mailbox that is the system's own: `Outgoing`, which shows what an account has in the queue (IMAP-162).

Its messages come and go with the queue (queued.py). Here is what its owner can do with it: read, copy from it, and move
a message to the mailbox for trash, which cancels it. Everything else is refused, by the operations themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import MailboxNotAllowed
from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader
from moxlite.store.names import is_below
from moxlite.store.options import AccountConfig
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name
from moxlite.store.types import Mailbox, MailboxID, SpecialUse

__all__ = [
    "KEPT",
    "QUEUE",
    "UNCHANGEABLE",
    "UNQUEUE",
    "canceled",
    "changeable",
    "check_cancels",
    "check_changeable",
    "check_fillable",
    "check_free",
    "check_own",
    "count_size",
    "is_kept",
    "is_system",
    "queue_mailbox",
]

QUEUE: Final = "Outgoing"
"""Its name: what other mail programs call theirs. It was `Queue` once, which Claws Mail makes for itself."""

UNQUEUE: Final = "unqueue"
"""Kind of the rows of `outbox` by which the queue hears that a message was canceled; `data` is the queue's key."""

UNCHANGEABLE: Final = (
    f"{QUEUE} shows what waits to be sent, and cannot be changed; to cancel a message, move it to the mailbox for trash"
)
KEPT: Final = f"the name {QUEUE} is kept for the mailbox that shows what waits to be sent"

THE_SYSTEM: Final = "SELECT id FROM mailbox WHERE system = 1"
IS_SYSTEM: Final = "SELECT 1 FROM mailbox WHERE id = ? AND system"
COUNT_SIZE: Final = "UPDATE state SET total_size = total_size + ? WHERE id = 1"
CANCEL: Final = """
UPDATE queued SET message_id = NULL WHERE message_id IN (SELECT value FROM carray(?)) RETURNING key"""


def is_system(r: Reader, mailbox_id: MailboxID) -> bool:
    """Whether a mailbox is the system's."""
    return r.row(IS_SYSTEM, mailbox_id) is not None


def queue_mailbox(r: Reader) -> Mailbox | None:
    """The system's mailbox, whatever its name, None while the account has none."""
    mailbox_id = r.value(THE_SYSTEM)
    return None if mailbox_id is None else mailbox(r, mailbox_id)


def check_changeable(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: its messages are changed and removed by the queue alone."""
    if box.system:
        raise MailboxNotAllowed(UNCHANGEABLE)


def changeable(r: Reader, mailbox_id: MailboxID) -> Mailbox:
    """The mailbox, if its messages can be changed. Raises NoSuchMailbox, MailboxNotAllowed."""
    box = mailbox(r, mailbox_id)
    check_changeable(box)
    return box


def check_fillable(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: nothing else can be put there."""
    if box.system:
        raise MailboxNotAllowed(f"{box.name} shows what waits to be sent, nothing can be put there")


def check_own(box: Mailbox) -> None:
    """Raise MailboxNotAllowed for the system's mailbox: it cannot be renamed, deleted, or get a special use."""
    if box.system:
        raise MailboxNotAllowed(f"{box.name} is the server's own mailbox: the setting queue_mailbox takes it away")


def is_kept(r: Reader, name: str, config: AccountConfig) -> bool:
    """Whether a name is that of the system's mailbox, or below it. An account that has a mailbox `Outgoing` of its
    own keeps it, with what is in it.
    """
    if name != QUEUE and not is_below(name, QUEUE):
        return False
    box = mailbox_by_name(r, QUEUE)
    return config.queue_mailbox if box is None else box.system


def check_free(tx: AccountTx, name: str) -> None:
    """Raise MailboxNotAllowed for the name of a mailbox to be, if it is kept."""
    if is_kept(tx, name, tx.config):
        raise MailboxNotAllowed(KEPT)


def check_cancels(target: Mailbox) -> None:
    """Raise MailboxNotAllowed for a move out of the system's mailbox that does not go to the trash."""
    if not target.special_use & SpecialUse.TRASH:
        raise MailboxNotAllowed(
            f"messages of {QUEUE} can only be moved to the mailbox for trash, which cancels them; copy them elsewhere"
        )


def canceled(tx: AccountTx, ids: Sequence[int], size: int) -> None:
    """Messages of `size` octets in all have left the system's mailbox for the trash: they count for the quota from now
    on, and the queue has to hear of it.
    """
    count_size(tx, size)
    for (key,) in tx.rows(CANCEL, int_array(ids)):
        tx.owe(b"unqueue " + key, UNQUEUE, key)


def count_size(tx: AccountTx, octets: int) -> None:
    """Count octets that come, or negative go, whatever the quota is: a user may cancel a message in any case."""
    tx.execute(COUNT_SIZE, octets)
