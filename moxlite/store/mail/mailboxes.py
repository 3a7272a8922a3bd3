"""Operations on mailboxes: create, delete, rename, special use, subscriptions (STORE-11..18, IMAP-63..66, RFC 9051
§6.3).

Plain functions on an `AccountTx`. A function that changes something takes the unit's one modseq, raises the modseq of
the mailboxes concerned (STORE-28), and emits the events of STORE-31. Removing messages is in `expunging`, moving them
in `copying`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx, Write
from moxlite.store.errors import LimitExceeded, MailboxExists, MailboxHasChildren, MailboxNotAllowed, NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import drop_acl, inherit_acl
from moxlite.store.mail.annotations import copy_annotations, drop_annotations
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.expunging import expunge, expunge_all
from moxlite.store.mail.foldermoves import followed_name, owe_move
from moxlite.store.mail.systemmailbox import check_fillable, check_free, check_own
from moxlite.store.names import INBOX, OTHERS, ancestors, check_name, is_below, parent
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name, mailbox_by_use
from moxlite.store.types import (
    UID,
    Mailbox,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MailboxRenamed,
    MailboxSpecialUse,
    SpecialUse,
    SubscriptionAdded,
    SubscriptionRemoved,
)
from moxlite.wording import worded

MAX_MAILBOXES: Final = 10_000
"""Mailboxes of one account (STORE-154)."""

MAX_SUBSCRIPTIONS: Final = 2 * MAX_MAILBOXES
"""Names that are or were subscribed (STORE-154): they need no mailbox, and each catch-up and LSUB reads all of them."""

BY_NAME: Final = 1
"""`present` of a subscription that a program has made of a name, whatever mailbox has it (SUBSCRIBE): the program alone
ends it (RFC 9051 §6.3.7).
"""

WITH_MAILBOX: Final = 2
"""`present` of a subscription that the server has made with the mailbox, or that is a property of it, as in JMAP: it
has the mailbox's name, and ends with the mailbox.
"""

ROLE_NAMES: Final = {SpecialUse.DRAFTS: "Drafts", SpecialUse.SENT: "Sent", SpecialUse.TRASH: "Trash"}
"""Names of the mailboxes that `mailbox_for` creates."""

MAX_UIDVALIDITY: Final = (1 << 32) - 1
"""Largest UIDVALIDITY: a 32-bit number (RFC 9051 §2.3.1.1)."""

COUNT: Final = "SELECT count(*) FROM mailbox"
NEXT_UIDVALIDITY: Final = "SELECT next_uidvalidity FROM state"
SET_NEXT_UIDVALIDITY: Final = "UPDATE state SET next_uidvalidity = ?"
INSERT: Final = (
    "INSERT INTO mailbox (name, parent_id, uidvalidity, special_use, createseq, modseq) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
)
HAS_CHILDREN: Final = "SELECT 1 FROM mailbox WHERE parent_id = ? LIMIT 1"
BURY: Final = """
INSERT INTO mailbox_gone (mailbox_id, name, uidvalidity, createseq, modseq) SELECT id, name, uidvalidity, createseq, ?
FROM mailbox WHERE id = ?"""
DELETE: Final = "DELETE FROM mailbox WHERE id = ?"
DROP_ANSWERS: Final = "DELETE FROM ruleset_no_mailbox WHERE mailbox_id = ?"
# "0" is the character behind "/": the range holds all names that start with NAME/.
BELOW: Final = "SELECT id, name FROM mailbox WHERE name > ?1 || '/' AND name < ?1 || '0' ORDER BY name"
RENAME: Final = "UPDATE mailbox SET name = ?1, modseq = ?2, ownseq = ?2 WHERE id = ?3"
SET_PARENT: Final = "UPDATE mailbox SET parent_id = ? WHERE id = ?"
USED_BY: Final = "SELECT id FROM mailbox WHERE special_use & ? <> 0 AND id <> ? ORDER BY id"
SET_USE: Final = "UPDATE mailbox SET special_use = ?1, modseq = ?2, ownseq = ?2 WHERE id = ?3"
SUBSCRIBE: Final = """
INSERT INTO subscription (name, present, modseq) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET present = excluded.present, modseq = excluded.modseq"""
CLAIM: Final = f"UPDATE subscription SET present = {BY_NAME} WHERE name = ? AND present"  # noqa: S608 - a constant
UNSUBSCRIBE: Final = "UPDATE subscription SET present = 0, modseq = ? WHERE name = ?"
HAS_ROOM: Final = """
SELECT EXISTS (SELECT 1 FROM subscription WHERE name = ?) OR (SELECT count(*) FROM subscription) < ?"""
SUBSCRIBED: Final = "SELECT 1 FROM subscription WHERE name = ? AND present"
PRESENT: Final = "SELECT present FROM subscription WHERE name = ?"
RECENT: Final = "UPDATE mailbox SET recent_uid = ? WHERE id = ?"
SET_SYSTEM: Final = "UPDATE mailbox SET system = 1 WHERE id = ?"


class RenameResult(msgspec.Struct, frozen=True):
    """Result of a rename: `created` are the new name's missing parents, `renamed` pairs of an old name and the mailbox
    as it is now.
    """

    created: tuple[Mailbox, ...]
    renamed: tuple[tuple[str, Mailbox], ...]


def is_subscribed(r: Reader, name: str) -> bool:
    """Whether a name is subscribed."""
    return r.row(SUBSCRIBED, name) is not None


def create_mailbox(
    tx: AccountTx, name: str, special_use: SpecialUse = SpecialUse(0), *, subscribed: bool = True
) -> list[Mailbox]:
    """Create a mailbox and its missing parents; returns them from the top down, the new one last.

    `special_use` is taken from the mailboxes that have it; parents get no special use (IMAP-63). `subscribed`: whether
    to subscribe all that are created; subscriptions of names without a mailbox stay.

    Raises:
      BadMailboxName: the name breaks STORE-12.
      MailboxExists: a mailbox has this name; Inbox always exists.
      MailboxNotAllowed: the name is reserved for the system's mailbox (IMAP-162), or for mailboxes of other users
        (IMAP-157).
      LimitExceeded: the account has too many mailboxes, or UIDVALIDITYs are used up.
    """
    name = check_name(name)
    if mailbox_by_name(tx, name) is not None:
        raise MailboxExists(name)
    _check_prefix(tx, name)
    created = _create_with_parents(tx, name, subscribed=subscribed)
    if special_use:
        set_special_use(tx, created[-1].id, special_use)
        created[-1] = mailbox(tx, created[-1].id)
    return created


def _check_prefix(tx: AccountTx, name: str) -> None:
    """Raise MailboxNotAllowed for a name that would hide the mailboxes of other users. Imports and deliveries may use
    the name, and an account that has such a mailbox keeps it.
    """
    if (name == OTHERS or is_below(name, OTHERS)) and mailbox_by_name(tx, OTHERS) is None:
        raise MailboxNotAllowed(worded("the name {name} is reserved for other users' mailboxes", name=OTHERS))


def ensure_mailbox(tx: AccountTx, name: str) -> Mailbox:
    """Return the mailbox of that name, to put messages there; create (and subscribe) it if it is missing. Raises as
    `create_mailbox`, without MailboxExists; MailboxNotAllowed also for the system's mailbox.
    """
    name = check_name(name)
    box = mailbox_by_name(tx, name) or _create_with_parents(tx, name)[-1]
    check_fillable(box)
    return box


def mailbox_of_setting(tx: AccountTx, name: str, *, again: bool = False) -> Mailbox:
    """As `ensure_mailbox`, for a name from the configuration, which may not have followed a rename yet. For a deleted
    mailbox it's Inbox, or the mailbox is made `again`.
    """
    if mailbox_by_name(tx, name) is None:
        name = followed_name(tx, name) or (name if again else INBOX)
    return ensure_mailbox(tx, name)


def mailbox_for(tx: AccountTx, use: SpecialUse) -> MailboxID:
    """Return the mailbox of a role, Drafts, Sent or Trash; create it if it is missing. Raises as `create_mailbox`."""
    box = mailbox_by_use(tx, use)
    if box is not None:
        return box.id
    name = ROLE_NAMES[use]
    if mailbox_by_name(tx, name) is None:
        return create_mailbox(tx, name, use)[-1].id
    box = ensure_mailbox(tx, name)
    set_special_use(tx, box.id, box.special_use | use)
    return box.id


def _create_with_parents(tx: AccountTx, name: str, *, subscribed: bool = True) -> list[Mailbox]:
    """Create the mailbox `name`, which is checked and does not exist, and its missing parents."""
    check_free(tx, name)
    missing = [name]
    above = parent(name)
    parent_id: MailboxID | None = None
    for candidate in reversed(ancestors(name)):
        found = mailbox_by_name(tx, candidate)
        if found is not None:
            parent_id = found.id
            break
        missing.append(candidate)
    assert above is None or parent_id is not None or missing[-1] == ancestors(name)[0]
    if tx.value(COUNT) + len(missing) > MAX_MAILBOXES:
        raise LimitExceeded(worded("you can have up to {most} folders", most=MAX_MAILBOXES))
    created: list[Mailbox] = []
    for new in reversed(missing):
        created.append(_insert(tx, new, parent_id, subscribed=subscribed))
        parent_id = created[-1].id
    return created


def _insert(
    tx: AccountTx, name: str, parent_id: MailboxID | None, *, system: bool = False, subscribed: bool = True
) -> Mailbox:
    # STORE-11: never below the clock, so that a restored account uses no UIDVALIDITY twice.
    # Half the seconds since 1970: 32 bits last until 2242.
    uidvalidity = max(tx.value(NEXT_UIDVALIDITY), tx.now // 2_000_000)
    if uidvalidity >= MAX_UIDVALIDITY:
        raise LimitExceeded("no UIDVALIDITY values left in this account")
    tx.execute(SET_NEXT_UIDVALIDITY, uidvalidity + 1)
    modseq = tx.modseq()
    mailbox_id = MailboxID(tx.insert(INSERT, name, parent_id, uidvalidity, 0, modseq))
    if system:
        tx.execute(SET_SYSTEM, mailbox_id)
    if parent_id is not None:
        inherit_acl(tx, mailbox_id, parent_id)
    was_subscribed = is_subscribed(tx, name)
    # If there's no room for the subscription, still create the mailbox, because a delivery may need it.
    subscribed = subscribed and (was_subscribed or _has_room(tx, name))
    if subscribed and not was_subscribed:
        tx.execute(SUBSCRIBE, name, WITH_MAILBOX, modseq)
    tx.emit(
        MailboxAdded(
            mailbox_id=mailbox_id,
            name=name,
            special_use=SpecialUse(0),
            subscribed=subscribed or was_subscribed,
            system=system,
        )
    )
    return mailbox(tx, mailbox_id)


def add_system_mailbox(tx: AccountTx, name: str) -> Mailbox:
    """Create the system's own mailbox (IMAP-162). The account has none yet, and no mailbox with this name. Raises
    LimitExceeded.
    """
    return _insert(tx, name, None, system=True)


def rename_system_mailbox(tx: AccountTx, mailbox_id: MailboxID, name: str) -> None:
    """Rename the system's own mailbox to its present name, which no mailbox has. Ids, UIDs and UIDVALIDITY stay; its
    subscription follows.
    """
    box = mailbox(tx, mailbox_id)
    _rename_rows(tx, [(mailbox_id, box.name, name)], names_follow=True)


def drop_system_mailbox(tx: AccountTx, mailbox_id: MailboxID) -> None:
    """Remove the system's own mailbox, which must be empty, with its subscription."""
    _drop(tx, mailbox(tx, mailbox_id), unsubscribes=True)


def delete_mailbox(tx: AccountTx, mailbox_id: MailboxID, *, unsubscribes: bool = False) -> None:
    """Remove a mailbox with its messages, annotations and special use. What a program has subscribed by name stays
    (IMAP-64), unless it `unsubscribes`: for users to whom a mailbox is subscribed, and not a name.

    For a mailbox that may have many messages use `slices.delete_in_slices`. Raises as `check_deletable`.
    """
    box = check_deletable(tx, mailbox_id)
    expunge_all(tx, mailbox_id)
    _drop(tx, box, unsubscribes=unsubscribes)
    owe_move(tx, box.name, "")


def check_deletable(r: Reader, mailbox_id: MailboxID) -> Mailbox:
    """Return a mailbox that may be removed.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: it is Inbox or the system's; MailboxHasChildren: only mailboxes without children
        can be removed (STORE-13).
    """
    box = mailbox(r, mailbox_id)
    if box.name == INBOX:
        raise MailboxNotAllowed("Inbox can't be deleted")
    check_own(box)
    if r.row(HAS_CHILDREN, mailbox_id) is not None:
        raise MailboxHasChildren(box.name)
    return box


def _drop(tx: AccountTx, box: Mailbox, *, unsubscribes: bool) -> None:
    """Remove an empty mailbox without children."""
    drop_annotations(tx, box.id)
    drop_acl(tx, box)
    tx.execute(DROP_ANSWERS, box.id)
    # The tombstone copies the row, so it comes before the removal.
    tx.execute(BURY, tx.modseq(), box.id)
    tx.execute(DELETE, box.id)
    ends = _ends_with_mailbox(tx, box.name, names_too=unsubscribes)
    tx.emit(MailboxRemoved(mailbox_id=box.id, name=box.name, subscribed=not ends and is_subscribed(tx, box.name)))
    if ends:
        unsubscribe(tx, box.name)


def _ends_with_mailbox(tx: AccountTx, name: str, *, names_too: bool) -> bool:
    """Whether a name is subscribed as that of its mailbox; `names_too`: or because a program wanted it."""
    present = tx.value(PRESENT, name)
    return present == WITH_MAILBOX or (names_too and present == BY_NAME)


def rename_mailbox(
    tx: AccountTx, mailbox_id: MailboxID, name: str, *, subscribed: bool = True, names_follow: bool = False
) -> RenameResult:
    """Rename a mailbox and all below it. Ids, UIDs, UIDVALIDITY and special use stay; what a program has subscribed by
    name doesn't follow (STORE-14).

    Missing parents of the new name are created first, except when a mailbox moves below itself: then the rename comes
    first, as its old name becomes the new parent. `subscribed`: whether to subscribe them. `names_follow`: what a
    program has subscribed follows, too.

    Raises:
      NoSuchMailbox; MailboxExists; BadMailboxName: also for a child whose new name is too long;
      MailboxNotAllowed: Inbox is source or target (renaming Inbox is `rename_inbox`), or the system's mailbox.
    """
    box = mailbox(tx, mailbox_id)
    name = check_name(name)
    if box.name == INBOX or name == INBOX:
        raise MailboxNotAllowed("you can't rename Inbox or give another folder its name")
    check_own(box)
    if mailbox_by_name(tx, name) is not None:
        raise MailboxExists(name)
    check_free(tx, name)
    _check_prefix(tx, name)
    moved = [(mailbox_id, box.name, name)]
    for child_id, old in tx.rows(BELOW, box.name):
        moved.append((child_id, old, check_name(name + old[len(box.name) :])))
    created: list[Mailbox] = []
    if is_below(name, box.name):
        renamed = _rename_rows(tx, moved, names_follow=names_follow)
        created = _parents_of(tx, name, subscribed=subscribed)
    else:
        created = _parents_of(tx, name, subscribed=subscribed)
        renamed = _rename_rows(tx, moved, names_follow=names_follow)
    above = parent(name)
    parent_box = None if above is None else mailbox_by_name(tx, above)
    tx.execute(SET_PARENT, None if parent_box is None else parent_box.id, mailbox_id)
    renamed = [(old, mailbox(tx, new.id)) for old, new in renamed]
    owe_move(tx, box.name, name)
    return RenameResult(tuple(created), tuple(renamed))


def rename_subscribed(tx: AccountTx, mailbox_id: MailboxID, name: str) -> None:
    """As `rename_mailbox`, for users to whom a mailbox is subscribed, and not a name: what was subscribed still is,
    by its new name, as far as there is room.
    """
    rename_mailbox(tx, mailbox_id, name, names_follow=True)


def _move_subscription(tx: AccountTx, old: str, new: str) -> None:
    """Subscribe a mailbox by its new name instead of its old one, if there is room."""
    unsubscribe(tx, old)
    if _has_room(tx, new):
        subscribe(tx, new, WITH_MAILBOX)


def _parents_of(tx: AccountTx, name: str, *, subscribed: bool) -> list[Mailbox]:
    above = parent(name)
    if above is None or mailbox_by_name(tx, above) is not None:
        return []
    return _create_with_parents(tx, above, subscribed=subscribed)


def _rename_rows(
    tx: AccountTx, moved: list[tuple[MailboxID, str, str]], *, names_follow: bool
) -> list[tuple[str, Mailbox]]:
    modseq = tx.modseq()
    renamed: list[tuple[str, Mailbox]] = []
    # The target did not exist, and parents always exist, so no mailbox is below it: no new name equals an old one.
    for mailbox_id, old, new in moved:
        tx.execute(RENAME, new, modseq, mailbox_id)
        box = mailbox(tx, mailbox_id)
        tx.emit(
            MailboxRenamed(
                mailbox_id=mailbox_id,
                old_name=old,
                name=new,
                special_use=box.special_use,
                subscribed=is_subscribed(tx, new),
            )
        )
        renamed.append((old, box))
        if _ends_with_mailbox(tx, old, names_too=names_follow):
            _move_subscription(tx, old, new)
    return renamed


def rename_inbox(tx: AccountTx, name: str, *, subscribed: bool = True) -> tuple[Mailbox, list[Mailbox]]:
    """Begin a RENAME of Inbox (RFC 9051 §6.3.6, IMAP-65): create a mailbox with a copy of its annotations. The caller
    moves its messages with `slices.move_in_slices`; its children stay.

    Returns Inbox, and the created mailboxes, parents first. Raises as `create_mailbox`.
    """
    inbox = mailbox_by_name(tx, INBOX)
    if inbox is None:
        raise NoSuchMailbox(INBOX)
    created = create_mailbox(tx, name, subscribed=subscribed)
    copy_annotations(tx, inbox.id, created[-1].id)
    created[-1] = mailbox(tx, created[-1].id)
    return inbox, created


def set_special_use(tx: AccountTx, mailbox_id: MailboxID, special_use: SpecialUse) -> list[Mailbox]:
    """Set the special uses of a mailbox to exactly these, and remove them from other mailboxes (STORE-17); returns the
    changed mailboxes, this one last.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: it is Inbox, whose own rules would contradict a special use, or the system's
        mailbox.
    """
    box = mailbox(tx, mailbox_id)
    check_own(box)
    if box.name == INBOX and special_use:
        raise MailboxNotAllowed("Inbox can't have a special use")
    if box.special_use == special_use:
        return []
    changed: list[Mailbox] = []
    losers = tx.rows(USED_BY, int(special_use), mailbox_id)
    for loser_id, uses in [(row[0], mailbox(tx, row[0]).special_use & ~special_use) for row in losers] + [
        (mailbox_id, special_use)
    ]:
        tx.execute(SET_USE, int(uses), tx.modseq(), loser_id)
        changed.append(mailbox(tx, loser_id))
        tx.emit(MailboxSpecialUse(mailbox_id=loser_id, name=changed[-1].name, special_use=uses))
    return changed


def subscribe(tx: AccountTx, name: str, present: int = BY_NAME) -> bool:
    """Subscribe a name; the mailbox need not exist (IMAP-66). Returns False if it is subscribed already. `present`:
    `WITH_MAILBOX` to subscribe an existing mailbox. Raises BadMailboxName, LimitExceeded.
    """
    name = check_name(name)
    if is_subscribed(tx, name):
        if present == BY_NAME:
            tx.execute(CLAIM, name)  # nothing that others see
        return False
    if not _has_room(tx, name):
        raise LimitExceeded("too many subscribed folders")
    tx.execute(SUBSCRIBE, name, present, tx.modseq())
    tx.emit(SubscriptionAdded(name=name, nonexistent=mailbox_by_name(tx, name) is None))
    return True


def _has_room(tx: AccountTx, name: str) -> bool:
    return bool(tx.value(HAS_ROOM, name, MAX_SUBSCRIPTIONS))


def unsubscribe(tx: AccountTx, name: str) -> bool:
    """End the subscription of a name; returns False if it was not subscribed.

    Raises:
      BadMailboxName; NoSuchMailbox: not existing, and never subscribed. Programs end a subscription that has ended with
        the mailbox.
    """
    name = check_name(name)
    exists = mailbox_by_name(tx, name) is not None
    if not is_subscribed(tx, name):
        if not exists and tx.value(PRESENT, name) is None:
            raise NoSuchMailbox(name)
        return False
    tx.execute(UNSUBSCRIBE, tx.modseq(), name)
    tx.emit(SubscriptionRemoved(name=name, nonexistent=not exists))
    return True


def claim_recent(tx: AccountTx, mailbox_id: MailboxID, below: int) -> UID:
    r"""Claim the messages with UIDs below `below` that no session has claimed as ``\Recent`` (IMAP-72a); returns the
    first UID that was not claimed before.

    Takes no modseq and emits no event. Raises NoSuchMailbox.
    """
    box = mailbox(tx, mailbox_id)
    below = min(below, box.uidnext)
    if box.recent_uid < below:
        tx.execute(RECENT, below, mailbox_id)
    return box.recent_uid


# Deleting a mailbox (STORE-13, IMAP-64) and moving all its messages (RENAME of Inbox, IMAP-65), in slices.


SLICE: Final = 400
"""Messages removed or moved in one unit: 10 ms, after which units of other callers go first."""

FIRST: Final = "SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid LIMIT ?"
BELOW_UID: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid < ? ORDER BY uid LIMIT ?"


async def delete_in_slices(
    write: Write[MailboxID | None],
    find: Callable[[AccountTx], MailboxID],
    *,
    unsubscribes: bool = False,
    keeps: bool = False,
) -> None:
    """As `mailboxes.delete_mailbox`, for any number of messages: each slice is a unit, the last one removes the
    mailbox.

    Args:
      write: runs each unit.
      find: finds the mailbox, in the first unit; its errors are raised unchanged.
      unsubscribes: as for `delete_mailbox`.
      keeps: the messages move to Trash instead of being removed.

    Raises the errors of `find`, `delete_mailbox`, and `move_messages`. After a cancellation, or if a mailbox is created
    below it meanwhile, the mailbox still exists with fewer messages.
    """

    def begin(tx: AccountTx) -> MailboxID | None:
        return remove(tx, find(tx))

    def remove(tx: AccountTx, mailbox_id: MailboxID) -> MailboxID | None:
        # In each unit: another session may have made a mailbox below it, or renamed it, since the last one.
        check_deletable(tx, mailbox_id)
        # One more than a slice: the last messages go in the unit that removes the mailbox.
        uids = [uid for (uid,) in tx.rows(FIRST, mailbox_id, SLICE + 1)]
        if keeps and uids:
            move_messages(tx, mailbox_id, uids[:SLICE], mailbox_for(tx, SpecialUse.TRASH))
        elif len(uids) > SLICE:
            expunge(tx, mailbox_id, uids[:SLICE])
        if len(uids) > SLICE:
            return mailbox_id
        delete_mailbox(tx, mailbox_id, unsubscribes=unsubscribes)
        return None

    left = await write(begin)
    while left is not None:
        left = await write(partial(remove, mailbox_id=left))


async def move_in_slices(
    account: Account, source_id: MailboxID, uidnext: int, target_id: MailboxID, origin: Cursor | None = None
) -> None:
    """Move the messages that a mailbox had when `uidnext` was its next UID, each slice in a unit of its own.

    Raises as `copying.move_messages`. After an error or a cancellation, the remaining messages are where they were.
    """

    def move(tx: AccountTx) -> bool:
        # By UID, not until the mailbox is empty: mail arrives meanwhile, and stays.
        uids = [uid for (uid,) in tx.rows(BELOW_UID, source_id, uidnext, SLICE)]
        move_messages(tx, source_id, uids, target_id)
        return len(uids) == SLICE

    while await account.write(move, origin):
        pass
