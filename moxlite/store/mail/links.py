"""Links of an account: mailboxes of its user at other providers, which are mirrored here (LINK-1).

A link is a row. Which mailbox there is which here, and which message, is in the rows of `remotes` with role ``link``.
The password is stored as the octets of `migration.sealing`; nothing here can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.smtp.conversation import TLSMode
from moxlite.store.changelog.origin import note_way
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx, int_array
from moxlite.store.mail.mailboxes import rename_subscribed
from moxlite.store.mail.masked import masked_key, masked_named
from moxlite.store.mail.remotes import INSERT_COPY, SLICE, Remote, UnsentMessage, copy_key
from moxlite.store.names import INBOX, SEPARATOR, check_name
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use, mailboxes
from moxlite.store.types import LinksChanged, Mailbox, MailboxID, MessageID, SpecialUse
from moxlite.wording import worded

Transport: TypeAlias = Literal["implicit", "starttls", "none"]
SubmissionTLS: TypeAlias = Literal["implicit", "starttls"]
Protocol: TypeAlias = Literal["imap", "pop3"]

LINKED: Final = "link:"
"""Begins the names of the transports that links are for the queue; no transport of moxlite.toml has such a name."""

MAX_LINKS: Final = 10
"""Links of an account: each holds a connection."""

FORGOTTEN: Final = 2_000
"""Rows of messages that are deleted in one unit."""

COLUMNS: Final = (
    "id, name, address, host, port, tls, username, secret, created, paused, refused, refusals, sent,"
    " protocol, keep_days, smtp_host, smtp_port, smtp_tls, smtp_user, keeps_copy, sorts"
)
ALL: Final = f"SELECT {COLUMNS} FROM link ORDER BY id"  # noqa: S608 - constants
NAMES: Final = "SELECT name FROM link ORDER BY id"
RENAME_LINK: Final = "UPDATE link SET name = ? WHERE id = ?"
BY_ID: Final = f"SELECT {COLUMNS} FROM link WHERE id = ?"  # noqa: S608 - constants
SAME: Final = "SELECT EXISTS (SELECT 1 FROM link WHERE host = ? AND username = ?)"
ADD: Final = """
INSERT INTO link (name, address, host, port, tls, username, secret, created, sent, protocol, keep_days, sorts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
SENDING: Final = """
UPDATE link SET smtp_host = ?, smtp_port = ?, smtp_tls = ?, smtp_user = ?, keeps_copy = ? WHERE id = ?"""
MODSEQ: Final = "SELECT modseq FROM state"
SORT: Final = "UPDATE link SET sorts = ? WHERE id = ?"
PAUSE: Final = "UPDATE link SET paused = ? WHERE id = ?"
RESEAL: Final = "UPDATE link SET secret = ?, refused = NULL, refusals = 0 WHERE id = ?"
REFUSE: Final = "UPDATE link SET refused = ?, refusals = refusals + 1 WHERE id = ?"
ACCEPT: Final = "UPDATE link SET refused = NULL, refusals = 0 WHERE id = ?"
SENT: Final = "UPDATE link SET sent = ? WHERE id = ?"
REMOVE: Final = "DELETE FROM link WHERE id = ?"
FORGET_COPIES: Final = """
DELETE FROM imap_copy WHERE (remote_id, uid) IN (SELECT i.remote_id, i.uid FROM imap_remote o
CROSS JOIN imap_copy i ON i.remote_id = o.id WHERE o.role = 'link' AND o.host = ? AND o.username = ? LIMIT ?)"""
FORGET_REMOTES: Final = "DELETE FROM imap_remote WHERE role = 'link' AND host = ? AND username = ?"


class LinkRefused(StoreError):
    """The link isn't allowed or possible. The text says why. `field`: the invalid argument, or ""."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class NoSuchLink(StoreError):
    """The account has no such link."""

    def __init__(self, name: str) -> None:
        super().__init__(worded("linked account not found: {name}", name=name))


class SendsNothing(StoreError):
    """No mail is sent through a link any more; the text says why (LINK-16)."""


class SubmissionServer(msgspec.Struct, frozen=True, kw_only=True):
    """A link's submission server.

    `host` "": the link isn't used for sending; `port` 0: the default port; `user` "": the link's user; `keeps_copy`:
    the provider saves sent mail in its Sent mailbox.
    """

    host: str = ""
    port: int = 0
    tls: SubmissionTLS = "implicit"
    user: str = ""
    keeps_copy: bool = False


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """The submission server of a link, for the queue. `inside`: the server may have an address of the inner network.
    `refused` is to be called when it has not taken the password.
    """

    host: Domain
    port: int
    mode: TLSMode
    user: str
    password: str
    inside: bool
    refused: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        """Without the password."""
        return f"Relay({self.host.ascii!r}, {self.user!r})"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox at another provider; times in µs UTC.

    Attributes:
      name: the mailbox here below which its mailboxes are.
      secret: the sealed password.
      refused: when the other server last refused the password, None while it is good; `refusals`: how often in a row.
      sent: modseq up to which changes made here are there.
      keep_days: for POP3, days until mail that is here is removed there; None: never.
      outlet: sends mail from its address.
      sorts: the account's junk filter, rules and script sort its new mail.
    """

    id: int
    name: str
    address: str
    host: str
    port: int
    tls: Transport
    username: str
    secret: bytes
    created: int
    paused: bool
    refused: int | None
    refusals: int
    sent: int
    protocol: Protocol = "imap"
    keep_days: int | None = None
    outlet: SubmissionServer = SubmissionServer()
    sorts: bool = False

    @property
    def sends(self) -> bool:
        """Whether mail from its address goes out through it (LINK-14)."""
        return bool(self.outlet.host) and not self.paused

    @property
    def transport(self) -> str:
        """The name by which the queue knows its submission server."""
        return f"{LINKED}{self.id}"

    def __repr__(self) -> str:
        """Without the secret, sealed as it is."""
        return f"Link({self.id}, {self.name!r}, {self.host!r})"


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link to make; fields as of `Link`."""

    name: str
    address: str
    host: str
    port: int
    tls: Transport
    username: str
    secret: bytes
    protocol: Protocol = "imap"
    keep_days: int | None = None
    outlet: SubmissionServer = SubmissionServer()
    sorts: bool = False


def _link(row: Row) -> Link:
    link_id, name, address, host, port, tls, username, secret, created, paused, refused, refusals, sent = row[:13]
    protocol, keep_days, smtp_host, smtp_port, smtp_tls, smtp_user, keeps_copy, sorts = row[13:]
    return Link(
        id=link_id,
        name=name,
        address=address,
        host=host,
        port=port,
        tls=tls,
        username=username,
        secret=secret,
        created=created,
        paused=bool(paused),
        refused=refused,
        refusals=refusals,
        sent=sent,
        protocol=protocol,
        keep_days=keep_days,
        outlet=SubmissionServer(
            host=smtp_host, port=smtp_port, tls=smtp_tls, user=smtp_user, keeps_copy=bool(keeps_copy)
        ),
        sorts=bool(sorts),
    )


def links(r: Reader) -> list[Link]:
    """All links of the account, the oldest first."""
    return [_link(row) for row in r.rows(ALL)]


def sending_links(r: Reader) -> dict[str, Link]:
    """The links through which mail is sent, by the keys of their addresses (`masked_key`)."""
    found: dict[str, Link] = {}
    for link in links(r):
        with suppress(AddressError):
            if link.sends:
                found.setdefault(masked_key(Address.parse(link.address)), link)
    return found


class Given(msgspec.Struct, frozen=True):
    """Keys (`masked_key`) of addresses that the account gives away (`masked`), or that its sending links have."""

    masked: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()


def given_among(r: Reader, keys: set[str]) -> Given:
    """Find the keys of masked addresses, and of sending links, among some addresses' keys."""
    if not keys:
        return Given()
    masked = frozenset(key for key in keys if masked_named(r, key))
    return Given(masked, frozenset(keys & sending_links(r).keys()) - masked)


def link_by_id(r: Reader, link_id: int) -> Link | None:
    """The link of this id."""
    row = r.row(BY_ID, link_id)
    return None if row is None else _link(row)


def link_named(r: Reader, text: str) -> Link:
    """The link with this name, or this address if only one has it. Raises NoSuchLink."""
    all_links = links(r)
    found = [link for link in all_links if link.name == text] or [link for link in all_links if link.address == text]
    if len(found) != 1:
        raise NoSuchLink(text)
    return found[0]


def add_link(tx: AccountTx, new: NewLink) -> Link:
    """Make a link. Raises LinkRefused; LimitExceeded; BadMailboxName: the name cannot be that of a mailbox."""
    here = links(tx)
    if len(here) >= MAX_LINKS:
        raise LimitExceeded("too many linked accounts")
    name = _free_name(new.name, here)
    if tx.value(SAME, new.host, new.username):
        raise LinkRefused("this account is already linked", "user")
    box = mailbox_by_name(tx, name)
    if box is not None and (box.special_use or box.system or name == "Inbox"):
        raise LinkRefused("you already have a folder with this name; choose another one", "name")
    server = name, new.address, new.host, new.port, new.tls, new.username, new.secret
    tx.execute(ADD, *server, tx.now, tx.value(MODSEQ), new.protocol, new.keep_days, int(new.sorts))
    number = link_named(tx, name).id
    note_way(tx, "linked", number)
    set_outlet(tx, number, new.outlet)
    tx.emit(LinksChanged())
    return link_named(tx, name)


def _free_name(text: str, here: Iterable[Link]) -> str:
    """A name for a link beside these. Raises LinkRefused, BadMailboxName."""
    name = check_name(text.strip())
    if SEPARATOR in name:
        raise LinkRefused(worded("enter a name without {separator}", separator=SEPARATOR), "name")
    if any(link.name == name for link in here):
        raise LinkRefused("another linked account has this name", "name")
    return name


def rename_link(tx: AccountTx, link_id: int, text: str) -> str:
    """Rename a link with the mailboxes below its name, which stay subscribed; returns the new name.

    Raises LinkRefused; BadMailboxName: the name cannot be that of a mailbox, or is too long for one below it.
    """
    here = links(tx)
    [link] = [link for link in here if link.id == link_id]
    name = _free_name(text, [link for link in here if link.id != link_id])
    if name == link.name:
        return name
    if mailbox_by_name(tx, name) is not None or name == INBOX:
        raise LinkRefused("you already have a folder with this name; choose another one", "name")
    box = mailbox_by_name(tx, link.name)
    if box is not None:
        rename_subscribed(tx, box.id, name)
    tx.execute(RENAME_LINK, name, link_id)
    tx.emit(LinksChanged())
    return name


def set_outlet(tx: AccountTx, link_id: int, outlet: SubmissionServer) -> None:
    """Have mail from the address of a link go out through this server; through none with an empty host."""
    if outlet.host:
        note_way(tx, "linked", link_id)
    tx.execute(SENDING, outlet.host, outlet.port, outlet.tls, outlet.user, int(outlet.keeps_copy), link_id)


def pause_link(tx: Tx, link_id: int, *, paused: bool) -> None:
    """Stop or resume a link."""
    tx.execute(PAUSE, int(paused), link_id)


def set_sorting(tx: Tx, link_id: int, *, sorts: bool) -> None:
    """Have new mail of a link sorted by the account's junk filter, rules and script (LINK-31), or not."""
    tx.execute(SORT, int(sorts), link_id)


def reseal_link(tx: Tx, link_id: int, secret: bytes) -> None:
    """Give a link another password."""
    tx.execute(RESEAL, secret, link_id)


def note_refused(tx: AccountTx, link_id: int) -> None:
    """Record that the other server refused the password."""
    tx.execute(REFUSE, tx.now, link_id)


def note_accepted(tx: Tx, link_id: int) -> None:
    """Record that the other server took the password."""
    tx.execute(ACCEPT, link_id)


def note_sent(tx: Tx, link_id: int, modseq: int) -> None:
    """Record that changes made here are there, up to this modseq."""
    tx.execute(SENT, modseq, link_id)


def remove_link(tx: AccountTx, link_id: int) -> None:
    """Delete the row of a link; `forget_link` deletes the rest."""
    tx.execute(REMOVE, link_id)
    tx.emit(LinksChanged())


def link_names(r: Reader) -> list[str]:
    """Names of all links, oldest first."""
    return [name for (name,) in r.rows(NAMES)]


def inbox_names(r: Reader) -> frozenset[str]:
    """Names of all mailboxes into which new mail comes: the account's Inbox, and the Inbox of each link (LINK-5)."""
    return frozenset([INBOX, *(f"{name}{SEPARATOR}{INBOX}" for name in link_names(r))])


def forget_link(tx: Tx, host: str, username: str) -> bool:
    """Delete rows about the messages and mailboxes of a removed link; returns whether there are more. Does nothing if
    the mailbox is linked again: the rows belong to the new link then.
    """
    if tx.value(SAME, host, username):
        return False
    # The mailboxes come last: their rows are the way to the messages' rows, if a kill comes between.
    if tx.execute(FORGET_COPIES, host, username, FORGOTTEN):
        return True
    tx.execute(FORGET_REMOTES, host, username)
    return False


def mailboxes_below(r: Reader, name: str) -> Sequence[Mailbox]:
    """The mailbox of this name and those below it, the deepest first."""
    found = [box for box in mailboxes(r) if box.name == name or box.name.startswith(name + SEPARATOR)]
    return sorted(found, key=lambda box: box.name, reverse=True)


# What differs between both sides. A message here that belongs to one there has a row of ``imap_copy``, its flags there
# when last seen. So each difference can be read off the rows, whatever happened in between, and however often it is
# tried to be settled.

REMOTES: Final = """
SELECT mailbox, id, uidvalidity, mailbox_id, messages, uidnext, modseq FROM imap_remote
WHERE role = 'link' AND host = ? AND username = ?"""
# max: a UID that is known (above 0) goes before one of a message on its way (below 0).
GONE: Final = """
SELECT i.uid, i.message_id, i.key, i.flags, m.mailbox_id, (SELECT max(o.uid) FROM imap_copy o
WHERE o.message_id = i.message_id AND o.remote_id <> ?1 AND o.remote_id IN (SELECT value FROM carray(?3)))
FROM carray(?2) c
CROSS JOIN imap_copy i ON i.remote_id = ?1 AND i.uid = c.value LEFT JOIN message m ON m.id = i.message_id"""
ON_THEIR_WAY: Final = """
SELECT o.id FROM imap_remote o WHERE o.role = 'link' AND o.host = ? AND o.username = ?
AND EXISTS (SELECT 1 FROM imap_copy i WHERE i.remote_id = o.id AND i.uid < 0)"""
RENAME: Final = "UPDATE imap_remote SET mailbox = ? WHERE id = ?"
DROP_REMOTE: Final = "DELETE FROM imap_remote WHERE id = ?"
DROP: Final = "DELETE FROM imap_copy WHERE remote_id = ? AND uid = ?"
# The number is that of the last look. Only a message that it has counted, below its UIDNEXT, is taken off, so that the
# next look finds no difference that it would have to explain.
FEWER: Final = "UPDATE imap_remote SET messages = max(messages - 1, 0) WHERE id = ? AND messages > 0 AND uidnext > ?"
CHANGED: Final = """
SELECT id, modseq, flags, keywords FROM message WHERE mailbox_id = ? AND (modseq, id) > (?, ?)
ORDER BY modseq, id LIMIT ?"""
COPIES_OF: Final = """
SELECT i.message_id, i.remote_id, i.uid, i.flags, i.key FROM carray(?1) c
CROSS JOIN imap_copy i ON i.message_id = c.value CROSS JOIN imap_remote o ON o.id = i.remote_id
AND o.role = 'link' AND o.host = ?2 AND o.username = ?3"""
HAS_CHANGED: Final = "SELECT 1 FROM message WHERE mailbox_id = ? AND modseq > ? LIMIT 1"

# Where no modseq tells what was removed since, at the first look and after a recovery, all rows are compared.
WITHOUT_MESSAGE: Final = """
SELECT i.remote_id, i.uid FROM imap_remote o CROSS JOIN imap_copy i ON i.remote_id = o.id AND i.uid > 0
WHERE o.role = 'link' AND o.host = ? AND o.username = ?
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = i.message_id)"""
REMOVED: Final = """
SELECT DISTINCT i.remote_id, i.uid FROM expunged e CROSS JOIN imap_copy i ON i.message_id = e.message_id AND i.uid > 0
CROSS JOIN imap_remote o ON o.id = i.remote_id AND o.role = 'link' AND o.host = ?1 AND o.username = ?2
WHERE e.modseq > ?3 AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = i.message_id)"""
HAS_MESSAGEID: Final = """
SELECT 1 FROM message m INDEXED BY message_messageid CROSS JOIN imap_copy i ON i.message_id = m.id
CROSS JOIN imap_remote o ON o.id = i.remote_id AND o.role = 'link' AND o.host = ?2 AND o.username = ?3
WHERE m.messageid = ?1 AND (?4 IS NULL OR i.key = ?4) LIMIT 1"""
WAITING_ROWS: Final = """
SELECT id, messageid, size, received, received_offset, flags, keywords, uid FROM carray(?) c
CROSS JOIN message m ON m.id = c.value"""


class RemovedMessage(msgspec.Struct, frozen=True):
    """A message that is no longer in a remote mailbox; `mailbox_id`: where it is here, None if it is not; `other`: its
    UID in another remote mailbox, below 0 if it is on its way there, None if there is no other.
    """

    uid: int
    message_id: MessageID
    key: bytes
    flags: str | None
    mailbox_id: MailboxID | None
    other: int | None


class ChangedMessage(msgspec.Struct, frozen=True):
    """A message that changed here."""

    id: MessageID
    modseq: int
    flags: int
    keywords: str


class LinkedMessage(msgspec.Struct, frozen=True):
    """A row of ``imap_copy`` of a link; `uid` below 0: the message is on its way there."""

    message_id: MessageID
    remote_id: int
    uid: int
    flags: str | None
    key: bytes


def linked_remotes(r: Reader, host: str, username: str) -> dict[str, Remote]:
    """The remote mailboxes of a link by their names."""
    return {row[0]: Remote(*row[1:]) for row in r.rows(REMOTES, host, username)}


def gone_rows(r: Reader, remote_id: int, uids: Sequence[int], others: Sequence[int]) -> list[RemovedMessage]:
    """The rows of messages that were removed from a remote mailbox; `others`: where they may be besides."""
    return [RemovedMessage(*row) for row in r.rows(GONE, remote_id, int_array(uids), int_array([0, *others]))]


def awaited_remotes(r: Reader, host: str, username: str) -> set[int]:
    """The remote mailboxes into which messages are on their way: whether they came must be looked at."""
    return {remote_id for (remote_id,) in r.rows(ON_THEIR_WAY, host, username)}


def drop_copies(tx: Tx, remote_id: int, uids: Sequence[int], *, removed: bool = False) -> None:
    """Delete rows of messages; `removed`: we have removed these from the remote mailbox since the last look."""
    for uid in uids:
        if tx.execute(DROP, remote_id, uid) and removed:
            tx.execute(FEWER, remote_id, uid)


def rename_remote(tx: Tx, remote_id: int, name: str) -> None:
    """Record that a remote mailbox has another name."""
    tx.execute(RENAME, name, remote_id)


def drop_remote(tx: Tx, remote_id: int) -> None:
    """Forget a remote mailbox, of which no row is left."""
    tx.execute(DROP_REMOTE, remote_id)


def changed_mailboxes(r: Reader, since: Mapping[MailboxID, int]) -> list[MailboxID]:
    """The mailboxes in which messages changed here, each after its modseq."""
    return [mailbox_id for mailbox_id, modseq in since.items() if r.row(HAS_CHANGED, mailbox_id, modseq) is not None]


def changed_in(r: Reader, mailbox_id: int, after: tuple[int, int]) -> list[ChangedMessage]:
    """The next messages of a mailbox that changed here after this pair of modseq and id, in this order."""
    return [ChangedMessage(*row) for row in r.rows(CHANGED, mailbox_id, *after, SLICE)]


def copies_of(r: Reader, ids: Sequence[int], host: str, username: str) -> list[LinkedMessage]:
    """The rows of messages here."""
    return [LinkedMessage(*row) for row in r.rows(COPIES_OF, int_array(ids), host, username)]


def is_linked_already(r: Reader, host: str, username: str, messageid: str, key: bytes | None = None) -> bool:
    """Whether a link's mailboxes already have a message with this Message-ID and key.

    Then the message was only moved there.
    """
    return r.row(HAS_MESSAGEID, messageid, host, username, key) is not None


def removed_here(r: Reader, host: str, username: str, since: int | None) -> list[tuple[int, int]]:
    """Pairs of remote mailbox and UID of messages that were removed here: after modseq `since`, or None for all."""
    if since is None:
        return [(remote_id, uid) for remote_id, uid in r.rows(WITHOUT_MESSAGE, host, username)]
    return [(remote_id, uid) for remote_id, uid in r.rows(REMOVED, host, username, since)]


def to_send(r: Reader, ids: Sequence[int]) -> list[UnsentMessage]:
    """Messages that go to the other server."""
    return [
        UnsentMessage(
            uid, MessageID(message_id), copy_key(messageid, size, received), size, received, offset, flags, keywords
        )
        for message_id, messageid, size, received, offset, flags, keywords, uid in r.rows(WAITING_ROWS, int_array(ids))
    ]


def expect(tx: Tx, remote_id: int, coming: Iterable[tuple[MessageID, bytes, str | None]]) -> None:
    """Record messages, with key and flags, that will be in a remote mailbox under UIDs that are not known yet. If the
    connection ends now, they are recognised by their keys (`remotes.match_lost`).
    """
    for message_id, key, flags in coming:
        tx.execute(INSERT_COPY, remote_id, -message_id, message_id, key, flags, None)


def note_arrival(tx: Tx, remote_id: int, uid: int, message_id: MessageID, key: bytes, flags: str | None) -> None:
    """Record the UID of a message, in place of the row that expected it."""
    tx.execute(DROP, remote_id, -message_id)
    tx.execute(INSERT_COPY, remote_id, uid, message_id, key, flags, None)


# Copies of mail that was sent from the address of a link (LINK-17). They are in the account's Sent at first.

SENT_COPIES: Final = """
SELECT m.id FROM message m WHERE m.mailbox_id = ? AND m.received >= ?
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = m.id) ORDER BY m.received DESC LIMIT 50"""
OWN_COPY: Final = """
SELECT id FROM message INDEXED BY message_messageid WHERE messageid = ? AND mailbox_id = ? AND received >= ?
ORDER BY id LIMIT 1"""


def sent_copies(r: Reader, since: int) -> list[MessageID]:
    """The latest messages in the account's Sent, since this time, µs UTC, which the queue has."""
    box = mailbox_by_use(r, SpecialUse.SENT)
    return [] if box is None else [row[0] for row in r.rows(SENT_COPIES, box.id, since)]


def own_copy(r: Reader, messageid: str, since: int) -> MessageID | None:
    """The message in the account's Sent with this Message-ID, since this time, µs UTC; None without one."""
    box = mailbox_by_use(r, SpecialUse.SENT)
    return None if box is None else r.value(OWN_COPY, messageid, box.id, since)


# Messages of a mailbox read by POP3 (LINK-18). `since` is LEFT_OUT for one that is not here, and so stays there.

MAX_SEEN: Final = 1_000_000
"""Rows of a link at most: 60 MB."""

FIRST_LOOK: Final = ""
"""In place of an id, which has a character at least: all that was there at first has been looked at."""

LEFT_OUT: Final = 1 << 62
"""A time that never comes, in µs: no age of kept messages reaches it."""

ADD_SEEN: Final = "INSERT OR IGNORE INTO pop3_seen (link_id, uidl, since) VALUES (?, ?, ?)"
SEEN: Final = "SELECT uidl FROM pop3_seen WHERE link_id = ?"
SEEN_BEFORE: Final = "SELECT uidl FROM pop3_seen WHERE link_id = ? AND since <= ?"


def add_seen(tx: AccountTx, link_id: int, uidl: str, *, kept: bool) -> bool:
    """Record a message, which is here (`kept`) or was left out, or `FIRST_LOOK`; returns whether it was new."""
    return bool(tx.execute(ADD_SEEN, link_id, uidl, tx.now if kept else LEFT_OUT))


def seen_ids(r: Reader, link_id: int) -> set[str]:
    """The ids of all messages that were fetched or left out, and `FIRST_LOOK` after it."""
    return {uidl for (uidl,) in r.rows(SEEN, link_id)}


def seen_before(r: Reader, link_id: int, until: int) -> set[str]:
    """The ids of messages that are here since `until`, µs UTC, or longer."""
    return {uidl for (uidl,) in r.rows(SEEN_BEFORE, link_id, until)}
