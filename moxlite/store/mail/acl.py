"""Rights of other users on mailboxes (RFC 4314, IMAP-157): table `acl` of the owner's file.

Rights are text: some of the letters of `RIGHTS`, in that order, each once. The owner always has all of them, and no
row. A user has the rights of their own row and of the row of `ANYONE` together. Rows refer to the mailbox's id, so
renaming changes nothing; a new mailbox gets the rows of its parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from moxlite.store.changelog.origin import inherit_ways, note_way
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, MailboxNotAllowed
from moxlite.store.file.migrations import Kind
from moxlite.store.file.traces import TRACES
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.delegates import WHOLE, all_boxes, has_all, remove_delegate
from moxlite.store.mail.sharenotices import owe_notice
from moxlite.store.rows.mailboxes import mailbox
from moxlite.store.types import AclChanged, Mailbox, MailboxID
from moxlite.wording import worded

RIGHTS: Final = "lrswipkxtea"
"""The rights of RFC 4314 §2.1, without the obsolete ones: look up, read, seen, write flags, insert, post, create below,
delete the mailbox, delete messages, expunge, administer.
"""

MAX_IDENTIFIERS: Final = 100
"""Identifiers with rights on one mailbox: they are read together, and sent in one response."""

ACL: Final = "SELECT identifier, rights FROM acl WHERE mailbox_id = ? ORDER BY identifier"
ALL: Final = """
SELECT b.name, a.identifier, a.rights FROM acl a JOIN mailbox b ON b.id = a.mailbox_id ORDER BY b.name, a.identifier"""
GUEST_ROWS: Final = """
SELECT b.id, b.name, a.identifier, a.rights FROM acl a JOIN mailbox b ON b.id = a.mailbox_id"""
OF: Final = "SELECT rights FROM acl WHERE mailbox_id = ? AND identifier IN (?, 'anyone')"
PLAIN: Final = "SELECT 1 FROM mailbox WHERE id = ? AND NOT system"
SEEN: Final = "SELECT mailbox_id, rights FROM acl WHERE identifier IN (?, 'anyone') ORDER BY mailbox_id"
GUESTS: Final = """
SELECT identifier FROM acl UNION SELECT identifier FROM collection_acl UNION SELECT guest FROM delegate
ORDER BY identifier"""
GET: Final = "SELECT rights FROM acl WHERE mailbox_id = ? AND identifier = ?"
COUNT: Final = "SELECT count(*) FROM acl WHERE mailbox_id = ?"
SET: Final = """
INSERT INTO acl (mailbox_id, identifier, rights) VALUES (?, ?, ?)
ON CONFLICT (mailbox_id, identifier) DO UPDATE SET rights = excluded.rights"""
REMOVE: Final = "DELETE FROM acl WHERE mailbox_id = ? AND identifier = ?"
DROP: Final = "DELETE FROM acl WHERE mailbox_id = ?"
WITH: Final = "SELECT mailbox_id FROM acl WHERE identifier = ? ORDER BY mailbox_id"
INHERIT: Final = (
    "INSERT INTO acl (mailbox_id, identifier, rights) SELECT ?, identifier, rights FROM acl WHERE mailbox_id = ?"
)


def joined(*rights: str) -> str:
    """Join the rights of several texts."""
    return "".join([letter for letter in RIGHTS if any(letter in some for some in rights)])


def acl(r: Reader, mailbox_id: MailboxID) -> dict[str, str]:
    """Rights of other users on a mailbox, by identifier."""
    return dict(r.rows(ACL, mailbox_id))


def all_acls(r: Reader) -> list[tuple[str, str, str]]:
    """Rows (mailbox name, identifier, rights) of all mailboxes, sorted by name and identifier."""
    return [(name, identifier, rights) for name, identifier, rights in r.rows(ALL)]


def guest_rows(r: Reader) -> Iterator[tuple[MailboxID, str, str, str]]:
    """Rows (mailbox id and name, identifier, rights) of all mailboxes."""
    return iter(r.rows(GUEST_ROWS))


def rights_of(r: Reader, mailbox_id: MailboxID, guest: str) -> str:
    """Rights of the account `guest`, which is not the owner, on a mailbox; "" for none, and for an unknown mailbox."""
    given = [rights for (rights,) in r.rows(OF, mailbox_id, guest)]
    if has_all(r, guest) and r.row(PLAIN, mailbox_id):
        given.append(WHOLE)
    return joined(*given) if given else ""


def rights_seen(r: Reader, guest: str, limit: int) -> list[tuple[MailboxID, str]]:
    """Mailboxes that the account `guest` may look up, the oldest first, `limit` at most, each with its rights."""
    # The limit comes last: two rows may be of one mailbox, and some of a mailbox that is not visible.
    found: dict[MailboxID, str] = {}
    for mailbox_id, rights in r.iterate(SEEN, guest):
        found[mailbox_id] = joined(found.get(mailbox_id, ""), rights)
    if has_all(r, guest):
        found = {mailbox_id: joined(found.get(mailbox_id, ""), WHOLE) for mailbox_id in all_boxes(r)}
    return [(mailbox_id, rights) for mailbox_id, rights in found.items() if "l" in rights][:limit]


def visible(r: Reader, guest: str, limit: int) -> list[tuple[Mailbox, str]]:
    """As `rights_seen`, with `Mailbox` objects instead of ids."""
    return [(mailbox(r, mailbox_id), rights) for mailbox_id, rights in rights_seen(r, guest, limit)]


def guests(r: Reader) -> list[str]:
    """All identifiers with rights on any mailbox, calendar or address book, or to send, sorted."""
    return [identifier for (identifier,) in r.rows(GUESTS)]


def set_rights(tx: AccountTx, mailbox_id: MailboxID, identifier: str, rights: Iterable[str], by: str = "") -> bool:
    """Set the rights of an identifier on a mailbox to exactly these, none to remove all; returns whether that changed
    anything. The user whose rights they are is told (JMAP-80).

    The caller has checked that the account exists, and that it is not the owner. `by`: the account that does this, ""
    for the owner.

    Raises:
      NoSuchMailbox; LimitExceeded: too many identifiers.
      MailboxNotAllowed: for the owner, who always has all rights, and for the system's mailbox.
    """
    if identifier == tx.account:
        raise MailboxNotAllowed("the owner always has full permissions")
    box = mailbox(tx, mailbox_id)
    if box.system:
        raise MailboxNotAllowed(worded("{name} is managed by the server and can't be shared", name=box.name))
    wanted = joined(*rights)
    before = tx.value(GET, mailbox_id, identifier) or ""
    if wanted == before:
        return False
    if not before and tx.value(COUNT, mailbox_id) >= MAX_IDENTIFIERS:
        raise LimitExceeded(worded("you can share a folder with up to {most} others", most=MAX_IDENTIFIERS))
    # With what `anyone` gives: taking a row away may change nothing for the guest, and then is not told.
    had = rights_of(tx, mailbox_id, identifier)
    if wanted:
        tx.execute(SET, mailbox_id, identifier, wanted)
        if set(wanted) - set(before):
            note_way(tx, "folder", f"{mailbox_id}/{identifier}")
    else:
        tx.execute(REMOVE, mailbox_id, identifier)
    tx.emit(AclChanged(mailbox_id=mailbox_id, name=box.name, identifier=identifier))
    owe_notice(tx, identifier, "mailbox", box.id, box.name, had, rights_of(tx, mailbox_id, identifier), by=by)
    return True


def forget_guest(tx: AccountTx, identifier: str) -> int:
    """Remove all rights of an account that is being removed; returns the number of mailboxes on which it had some."""
    boxes = [mailbox_id for (mailbox_id,) in tx.rows(WITH, identifier)]
    for mailbox_id in boxes:
        set_rights(tx, mailbox_id, identifier, "", by=identifier)
    remove_delegate(tx, identifier)
    for sql in TRACES[Kind.ACCOUNT].values():
        tx.execute(sql, identifier)
    return len(boxes)


def inherit_acl(tx: AccountTx, mailbox_id: MailboxID, parent_id: MailboxID) -> None:
    """Copy the rows of the parent to a new mailbox."""
    tx.execute(INHERIT, mailbox_id, parent_id)
    inherit_ways(tx, "folder", mailbox_id, parent_id)


def drop_acl(tx: AccountTx, box: Mailbox) -> None:
    """Remove the rows of a mailbox that is being deleted."""
    for identifier in acl(tx, box.id):
        owe_notice(tx, identifier, "mailbox", box.id, box.name, rights_of(tx, box.id, identifier), "")
    tx.execute(DROP, box.id)
