"""Annotations of mailboxes and of the account (RFC 5464, IMAP-133, STORE-154).

A removed annotation leaves a row with ``present = 0``, so that the change log has the change; the row does not count
for the limits.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import BadForm
from moxlite.store.rows.mailboxes import mailbox
from moxlite.store.types import AnnotationChanged, MailboxID, ModSeq

SORT_ORDER: Final = "/private/vendor/moxlite/sort-order"
"""The annotation that keeps the order of a mailbox."""

MAX_ORDER: Final = (1 << 31) - 1
"""The highest order of a mailbox (RFC 8621 §2)."""

ACCOUNT: Final = MailboxID(0)
"""Stands for a mailbox in annotations of the account itself."""

MAX_ANNOTATIONS: Final = 1000
"""Annotations of an account (STORE-154)."""

MAX_KEYS: Final = 10_000
"""Keys of mailboxes that have or had an annotation (STORE-154). A removed one leaves its row: a client that sets and
removes others without end would fill the file.
"""

MAX_ANNOTATION_OCTETS: Final = 1_000_000
"""Octets of their keys and values together (STORE-154)."""


class Annotation(msgspec.Struct, frozen=True):
    """One annotation: `key` is lower case, ``/private/…`` or ``/shared/…``; `is_string` distinguishes a text value from
    a binary one.
    """

    key: str
    value: bytes
    is_string: bool
    modseq: ModSeq


LIST: Final = "SELECT key, value, is_string, modseq FROM annotation WHERE mailbox_id = ? AND present ORDER BY key"
NAMED: Final = """
SELECT mailbox_id, key, value FROM annotation WHERE present AND key IN (SELECT value FROM json_each(?))"""
USED: Final = """
SELECT count(*) FILTER (WHERE present),
coalesce(sum(octet_length(key) + octet_length(value)) FILTER (WHERE present), 0), count(*) FROM annotation"""
GET: Final = "SELECT value, is_string, present FROM annotation WHERE mailbox_id = ? AND key = ?"
SET: Final = """
INSERT INTO annotation (mailbox_id, key, is_string, value, createseq, modseq, present) VALUES (?1, ?2, ?3, ?4, ?5, ?5,
?6)
ON CONFLICT (mailbox_id, key) DO UPDATE SET is_string = excluded.is_string, value = excluded.value, modseq =
excluded.modseq,
createseq = iif(present, createseq, excluded.createseq), present = excluded.present"""
TOUCH: Final = "UPDATE mailbox SET modseq = ?1, ownseq = ?1 WHERE id = ?2"
DROP: Final = "DELETE FROM annotation WHERE mailbox_id = ?"


def annotations(r: Reader, mailbox_id: MailboxID) -> list[Annotation]:
    """Annotations of a mailbox, or of the account (`ACCOUNT`), by key."""
    return [
        Annotation(key, value, is_string != 0, modseq) for key, value, is_string, modseq in r.rows(LIST, mailbox_id)
    ]


def annotations_named(r: Reader, keys: Sequence[str]) -> dict[MailboxID, dict[str, bytes]]:
    """Values of these keys in all mailboxes that have one, by mailbox and key."""
    found: dict[MailboxID, dict[str, bytes]] = {}
    for mailbox_id, key, value in r.rows(NAMED, to_json(keys).decode()):
        found.setdefault(mailbox_id, {})[key] = value
    return found


def set_annotation(
    tx: AccountTx, mailbox_id: MailboxID, key: str, value: bytes | None, *, is_string: bool = True
) -> bool:
    """Set an annotation, or remove it with None; returns whether that changed anything. `key` was checked by the
    protocol.

    Raises:
      NoSuchMailbox; BadForm: the order of a mailbox is no number that programs know;
      LimitExceeded: too many annotations, or too large ones.
    """
    name = "" if mailbox_id == ACCOUNT else mailbox(tx, mailbox_id).name
    key = key.lower()
    if key == SORT_ORDER and value is not None and not _is_order(value):
        raise BadForm("order", f"must be an integer between 0 and {MAX_ORDER}")
    row = tx.row(GET, mailbox_id, key)
    old = row[:2] if row is not None and row[2] else None
    if old == (None if value is None else (value, int(is_string))):
        return False
    if value is not None:
        count, octets, keys = tx.row(USED) or (0, 0, 0)
        if old is None:
            count, octets = count + 1, octets + len(key.encode())
        else:
            octets -= len(old[0])
        if count > MAX_ANNOTATIONS or (row is None and keys >= MAX_KEYS):
            raise LimitExceeded("too many annotations")
        if octets + len(value) > MAX_ANNOTATION_OCTETS:
            raise LimitExceeded("annotations are too large")
    modseq = tx.modseq()
    tx.execute(SET, mailbox_id, key, is_string, value or b"", modseq, value is not None)
    if mailbox_id != ACCOUNT:
        tx.execute(TOUCH, modseq, mailbox_id)
    tx.emit(AnnotationChanged(mailbox_id=mailbox_id, mailbox_name=name, key=key))
    return True


def _is_order(value: bytes) -> bool:
    return value.isdigit() and len(value) < 11 and int(value) <= MAX_ORDER


def copy_annotations(tx: AccountTx, source_id: MailboxID, target_id: MailboxID) -> None:
    """Copy the annotations of a mailbox to another one. Raises as `set_annotation`."""
    for annotation in annotations(tx, source_id):
        set_annotation(tx, target_id, annotation.key, annotation.value, is_string=annotation.is_string)


def drop_annotations(tx: AccountTx, mailbox_id: MailboxID) -> None:
    """Remove the annotations of a mailbox that is being deleted."""
    tx.execute(DROP, mailbox_id)
