"""Values that leave the store: ids, flags, rows, and the events of the change bus (docs/spec/store.md §2, §3).

All structs are frozen. Times are integer microseconds UTC, sizes are octets. Nothing here touches a database.
"""

from enum import IntFlag
from typing import Final, Literal, NewType, TypeAlias

import msgspec

ModSeq = NewType("ModSeq", int)
UID = NewType("UID", int)
MailboxID = NewType("MailboxID", int)
MessageID = NewType("MessageID", int)
ThreadID = NewType("ThreadID", int)
EmailID = NewType("EmailID", int)
BodyID = NewType("BodyID", int)

# A body has at most 65 536 chunks of 256 KiB: 16 GiB, far above every limit of a message.
CHUNK_BITS: Final = 16


class Flag(IntFlag):
    """The flags that are bits of `message.flags` (STORE-22); all others are keywords."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    FORWARDED = 8
    JUNK = 16
    NOTJUNK = 32
    DELETED = 64
    DRAFT = 128
    PHISHING = 256
    MDNSENT = 512


class SpecialUse(IntFlag):
    """The special uses of mailboxes (RFC 6154 §2) as bits of `mailbox.special_use`."""

    ARCHIVE = 1
    DRAFTS = 2
    JUNK = 4
    SENT = 8
    TRASH = 16


Meaning: TypeAlias = Literal[
    "inbox",
    "sent",
    "drafts",
    "trash",
    "junk",
    "archive",
    "starred",
    "important",
    "unread",
    "opened",
    "mailbox",
    "ignored",
]
"""What a label of Gmail says of a message (STORE-194a). ``mailbox``: it is the user's own. ``archive`` and ``ignored``
say nothing: mail without another label is in Archive. Without ``opened``, mail that was received is unread, unless some
label of the import means ``unread``."""


class Mailbox(msgspec.Struct, frozen=True):
    """A row of `mailbox`. IMAP's EXISTS is `total + deleted` (STORE-19). `system`: the server's own mailbox, which
    shows the messages that wait in the queue (IMAP-162).
    """

    id: MailboxID
    name: str
    parent_id: MailboxID | None
    uidvalidity: int
    uidnext: UID
    recent_uid: UID
    special_use: SpecialUse
    keywords: tuple[str, ...]
    createseq: ModSeq
    modseq: ModSeq
    total: int
    deleted: int
    unread: int
    unseen: int
    size: int
    deleted_size: int
    system: bool = False

    @property
    def exists(self) -> int:
        """Messages in the mailbox, `\\Deleted` or not."""
        return self.total + self.deleted


class MessageRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `message` (STORE-20).

    `received_offset` is minutes east of UTC. `trained` is None, False for ham, True for spam. `keywords` are lower-case
    and sorted.
    """

    id: MessageID
    mailbox_id: MailboxID
    uid: UID
    createseq: ModSeq
    modseq: ModSeq
    threadseq: ModSeq
    body_id: BodyID
    email_id: EmailID
    size: int
    received: int
    received_offset: int
    savedate: int
    flags: Flag
    keywords: tuple[str, ...]
    is_reject: bool
    is_forward: bool
    is_mailinglist: bool
    dsn: bool
    mailbox_orig_id: MailboxID
    mailbox_destined_id: MailboxID | None
    messageid: str | None
    subject_base: str
    threadid: ThreadID
    thread_missing_link: bool
    thread_muted: bool
    thread_collapsed: bool
    trained: bool | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A change, as published by the bus (STORE-31).

    `account`, `modseq` and `origin` are filled in by `AccountTx.emit`, so an operation leaves them out. `origin` is the
    `Cursor.id` of the subscriber whose unit made the change, 0 without such a subscriber or when the event was read
    from the database.
    """

    account: str = ""
    modseq: ModSeq = ModSeq(0)
    origin: int = 0


class MessageAdded(Event, frozen=True, kw_only=True):
    """A message came into a mailbox; `exists` and `unseen` are the mailbox's counts after the unit."""

    mailbox_id: MailboxID
    uid: UID
    message_id: MessageID
    flags: Flag
    keywords: tuple[str, ...]
    exists: int
    unseen: int


class MessagesRemoved(Event, frozen=True, kw_only=True):
    """Messages left a mailbox. `uids` ascend; `message_ids` are in the order of `uids`.

    A subscriber ignores UIDs of which it got no MessageAdded: a message may have come and gone while it caught up from
    the database.
    """

    mailbox_id: MailboxID
    uids: tuple[UID, ...]
    message_ids: tuple[MessageID, ...]
    uidnext: UID
    exists: int
    unseen: int


class FlagsChanged(Event, frozen=True, kw_only=True):
    """Flags or keywords of a message; `mask` holds the flag bits that changed, all bits when read from the database."""

    mailbox_id: MailboxID
    uid: UID
    message_id: MessageID
    mask: Flag
    flags: Flag
    keywords: tuple[str, ...]
    uidvalidity: int
    unseen: int


class ThreadChanged(Event, frozen=True, kw_only=True):
    """The thread flags of messages; all of them have the values given."""

    message_ids: tuple[MessageID, ...]
    muted: bool
    collapsed: bool


class MailboxAdded(Event, frozen=True, kw_only=True):
    """A new mailbox; `subscribed` is the LIST attribute `\\Subscribed`; `system` as in `Mailbox`."""

    mailbox_id: MailboxID
    name: str
    special_use: SpecialUse
    subscribed: bool
    system: bool = False


class MailboxRemoved(Event, frozen=True, kw_only=True):
    """A mailbox was deleted; `subscribed`: its name is still subscribed.

    A subscriber ignores a mailbox of which it got no MailboxAdded.
    """

    mailbox_id: MailboxID
    name: str
    subscribed: bool = False


class MailboxRenamed(Event, frozen=True, kw_only=True):
    """A mailbox has a new name. `old_name` is "" when the event was read from the database, which keeps no old names:
    then the name may be the old one.
    """

    mailbox_id: MailboxID
    old_name: str
    name: str
    special_use: SpecialUse
    subscribed: bool
    system: bool = False


class MailboxCounts(Event, frozen=True, kw_only=True):
    """The counts of a mailbox after the unit (STORE-19)."""

    mailbox_id: MailboxID
    total: int
    deleted: int
    unread: int
    unseen: int
    size: int
    deleted_size: int


class MailboxSpecialUse(Event, frozen=True, kw_only=True):
    """The special uses of a mailbox."""

    mailbox_id: MailboxID
    name: str
    special_use: SpecialUse


class MailboxKeywords(Event, frozen=True, kw_only=True):
    """The keywords ever used in a mailbox, sorted."""

    mailbox_id: MailboxID
    name: str
    keywords: tuple[str, ...]


class SubscriptionAdded(Event, frozen=True, kw_only=True):
    """A name was subscribed; `nonexistent` is the LIST attribute `\\NonExistent`."""

    name: str
    nonexistent: bool


class SubscriptionRemoved(Event, frozen=True, kw_only=True):
    """A name was unsubscribed; `nonexistent` is the LIST attribute `\\NonExistent`."""

    name: str
    nonexistent: bool


class AnnotationChanged(Event, frozen=True, kw_only=True):
    """An annotation was set or removed (RFC 5464); `mailbox_id` is 0 for the account's. It carries no value."""

    mailbox_id: MailboxID
    mailbox_name: str
    key: str


class SettingsChanged(Event, frozen=True, kw_only=True):
    """The account's settings (STORE-107), signatures, vacation reply or scripts have changed. The change log only
    records the first two.
    """


class LinksChanged(Event, frozen=True, kw_only=True):
    """A mailbox at another provider was linked, or a link removed (LINK-1). The change log does not record it: a
    subscriber that catches up from the database reads the current links.
    """


class AclChanged(Event, frozen=True, kw_only=True):
    """The rights of a user on a mailbox have changed (RFC 4314): `identifier` as in acl.py. The change log does not
    record it: a subscriber that catches up from the database reads the current rights.
    """

    mailbox_id: MailboxID
    name: str
    identifier: str


class GroupwareChanged(Event, frozen=True, kw_only=True):
    """A calendar or address book was made, changed or removed, or its resources were (DAV-3)."""

    kind: Literal["calendar", "contact"]
    collection_id: int


class AccountClosing(Event, frozen=True, kw_only=True):
    """The subscriber must end: the account is being removed, repaired or closed, or the subscriber fell silent
    (STORE-38).
    """

    reason: str


def chunk_id(body_id: int, seq: int) -> int:
    """The key of chunk `seq` (from 0) of a body in `body_chunk`."""
    return body_id << CHUNK_BITS | seq


class ThreadKeys(msgspec.Struct, frozen=True):
    """Fields of a message that determine its thread, all in canonical form (STORE-76..78)."""

    messageid: str | None
    references: tuple[str, ...]
    subject_base: str
    is_response: bool
    dsn: bool
