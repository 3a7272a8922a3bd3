"""Correspondence between messages of another IMAP server and messages here, which makes imports and exports by IMAP
resumable (IMAP-138).

Theory of operation
-------------------
A `Remote` is one mailbox of one user on one server: source of an import, target of an export, or linked. A message
that is in the `Remote` and here has a row of ``imap_copy`` under its remote UID. The row is written with the message,
in the same commit (`staging.stage`), or right after an APPEND.

Rows whose remote UID is unknown, called lost, are kept under a UID below 0: after the server has changed UIDVALIDITY,
if the message was here before it had a row, or if the target of an export reports no UIDs. `match_lost` finds them by a
key that is the same on both sides: Message-ID, size and date. A provider that has moved to another server may have
changed size and date: `match_marked` finds what was there before by fields that its author wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import BadKeyword
from moxlite.store.file.transaction import Reader, Row, Tx, int_array
from moxlite.store.junkflags import flag_synonyms
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.options import SECOND
from moxlite.store.rows.mailboxes import parse_flags
from moxlite.store.types import Flag, MailboxID, MessageID

Role: TypeAlias = Literal["source", "target", "link"]

MAX_WORD: Final = 128
MAX_WORDS: Final = 120
"""Longest flag in characters, and number of flags of a message: keywords and system flags (STORE-22, STORE-154)."""

SLICE: Final = 500
"""Rows in one unit or read."""

MARK: Final = (b"message-id", b"date", b"from", b"to", b"cc", b"subject", b"list-id")
"""Fields of a mark: one's own copy and that of a list are two messages."""

COLUMNS: Final = "id, uidvalidity, mailbox_id, messages, uidnext, modseq"
FIND: Final = f"SELECT {COLUMNS} FROM imap_remote WHERE role = ? AND host = ? AND username = ? AND mailbox = ?"  # noqa: S608
COPIED_TO: Final = """
SELECT m.name FROM imap_remote o CROSS JOIN mailbox m ON m.id = o.mailbox_id
WHERE o.role = 'source' AND o.mailbox = ? ORDER BY o.id DESC LIMIT 1"""
INSERT_REMOTE: Final = """
INSERT INTO imap_remote (role, host, username, mailbox, uidvalidity, mailbox_id) VALUES (?, ?, ?, ?, ?, ?)"""
SET_MAILBOX: Final = "UPDATE imap_remote SET mailbox_id = ? WHERE id = ?"
USERS: Final = """
SELECT host, username, count(*) FROM imap_remote WHERE role = 'source' GROUP BY host, username
ORDER BY max(id) DESC LIMIT ?"""
RESET: Final = "UPDATE imap_remote SET uidvalidity = ?, messages = -1, uidnext = 0, modseq = 0 WHERE id = ?"
# OR REPLACE: the message may have a lost row of an earlier change of UIDVALIDITY, under the same number.
LOSE: Final = "UPDATE OR REPLACE imap_copy SET uid = -message_id WHERE remote_id = ? AND uid > 0"
SETTLE: Final = "UPDATE imap_remote SET messages = ?, uidnext = ?, modseq = ? WHERE id = ?"
INSERT_COPY: Final = """
INSERT INTO imap_copy (remote_id, uid, message_id, key, flags, gm_msgid) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (remote_id, uid) DO UPDATE SET message_id = excluded.message_id, key = excluded.key,
flags = excluded.flags, gm_msgid = excluded.gm_msgid"""
KNOWN: Final = "SELECT uid FROM imap_copy WHERE remote_id = ? AND uid > ? ORDER BY uid LIMIT ?"
COPIES: Final = """
SELECT c.value, i.message_id, i.flags FROM carray(?2) c
CROSS JOIN imap_copy i ON i.remote_id = ?1 AND i.uid = c.value"""
HAS_COPIES: Final = "SELECT 1 FROM imap_copy WHERE remote_id = ? LIMIT 1"
COUNT: Final = "SELECT count(*) FROM imap_copy WHERE remote_id = ? AND uid > 0"
HAS_LOST: Final = "SELECT 1 FROM imap_copy WHERE remote_id = ? AND uid < 0 LIMIT 1"
LOST_ONE: Final = (
    "SELECT uid, flags FROM imap_copy WHERE remote_id = ? AND key = ? AND uid < 0 ORDER BY uid DESC LIMIT 1"
)
FOUND_ONE: Final = "UPDATE imap_copy SET uid = ?, key = ?, flags = ?, gm_msgid = ? WHERE remote_id = ? AND uid = ?"
# Only what was there, with flags: not what may be on its way, nor what came here in another way.
HAS_MARKED: Final = "SELECT 1 FROM imap_copy WHERE remote_id = ? AND uid < 0 AND flags IS NOT NULL LIMIT 1"
MARKED: Final = """
SELECT i.uid, i.flags, h.header FROM message m INDEXED BY message_messageid
CROSS JOIN imap_copy i ON i.message_id = m.id AND i.remote_id = ?1 AND i.uid < 0 AND i.flags IS NOT NULL
CROSS JOIN message_header h ON h.email_id = m.email_id WHERE m.messageid = ?2 ORDER BY m.id LIMIT 8"""
FORGET_LOST: Final = "DELETE FROM imap_copy WHERE remote_id = ? AND uid < 0 RETURNING message_id"
SEED: Final = """
SELECT m.uid, m.id, m.messageid, m.size, m.received FROM message m WHERE m.mailbox_id = ? AND m.uid > ?
ORDER BY m.uid LIMIT ?"""
BY_GOOGLE: Final = """
SELECT i.gm_msgid, m.id FROM carray(?1) c CROSS JOIN imap_copy i ON i.gm_msgid = c.value
CROSS JOIN imap_remote o ON o.id = i.remote_id AND o.host = ?2 AND o.username = ?3 AND o.role = ?4
CROSS JOIN message m ON m.id = i.message_id"""
SET_FLAGS: Final = "UPDATE imap_copy SET flags = ? WHERE remote_id = ? AND uid = ?"
IN_MAILBOX: Final = """
SELECT i.message_id FROM carray(?2) c CROSS JOIN imap_copy i ON i.remote_id = ?1 AND i.uid = c.value
JOIN imap_remote o ON o.id = i.remote_id JOIN message m ON m.id = i.message_id AND m.mailbox_id = o.mailbox_id"""
DROP_COPY: Final = "DELETE FROM imap_copy WHERE remote_id = ? AND uid = ?"
WAITING: Final = """
SELECT m.uid, m.id, m.messageid, m.size, m.received, m.received_offset, m.flags, m.keywords FROM message m
WHERE m.mailbox_id = ?1 AND m.uid > ?2 AND m.received >= ?4
AND NOT EXISTS (SELECT 1 FROM imap_copy i WHERE i.message_id = m.id AND i.remote_id = ?3)
ORDER BY m.uid LIMIT ?5"""

PUSHED: Final = """
SELECT i.uid, i.flags, m.flags, m.keywords FROM imap_copy i CROSS JOIN message m ON m.id = i.message_id
WHERE i.remote_id = ? AND i.uid > ? ORDER BY i.uid LIMIT ?"""


class Remote(msgspec.Struct, frozen=True):
    """A mailbox of another server. `messages`, `uidnext` and `modseq` are its state after the last complete run, -1, 0
    and 0 before the first; `modseq` is also 0 without CONDSTORE.
    """

    id: int
    uidvalidity: int
    mailbox_id: MailboxID
    messages: int
    uidnext: int
    modseq: int


class RemoteUser(msgspec.Struct, frozen=True):
    """A user of another server, whose mailboxes were imported, and the number of these mailboxes."""

    host: str
    user: str
    mailboxes: int


class Origin(msgspec.Struct, frozen=True):
    """Origin of an imported message. `size` (octets) and `received` (µs UTC) are the values of its server: they go into
    the key.
    """

    remote_id: int
    uid: int
    size: int
    received: int
    flags: str
    gm_msgid: int | None = None


class Copy(msgspec.Struct, frozen=True):
    """A message that is on both sides: its id here, and its remote flags when they were last seen."""

    message_id: MessageID
    flags: str | None


class RemoteMessage(msgspec.Struct, frozen=True):
    """A remote message, for `match_lost`."""

    uid: int
    key: bytes
    flags: str
    gm_msgid: int | None = None


class UnsentMessage(msgspec.Struct, frozen=True):
    """A message that is not on the target of the export yet. `received` is in µs UTC, `offset` in minutes east of
    UTC.
    """

    uid: int
    id: MessageID
    key: bytes
    size: int
    received: int
    offset: int
    flags: int
    keywords: str


def copy_key(message_id: str | None, size: int, received: int) -> bytes:
    """Key of a message, the same on both sides (IMAP-138): canonical Message-ID, octets, µs UTC cut to seconds."""
    return blake2b(f"{message_id or ''}\0{size}\0{received // SECOND}".encode(), digest_size=16).digest()


def join_words(words: Iterable[str]) -> str:
    r"""Normalize flags for a row: sorted, without ``\Recent``, which belongs to sessions, without too long ones, and at
    most as many as a message may have here.
    """
    kept = {word for word in words if len(word) <= MAX_WORD and word.lower() != r"\recent"}
    return " ".join(sorted(kept)[:MAX_WORDS])


def remote_users(r: Reader, limit: int) -> list[RemoteUser]:
    """The users of other servers whose mail was imported, the latest first, `limit` at most."""
    return [RemoteUser(*row) for row in r.rows(USERS, limit)]


def find_remote(r: Reader, role: Role, host: str, username: str, mailbox: str) -> Remote | None:
    """Find the row of a remote mailbox; None if it is unknown."""
    row = r.row(FIND, role, host, username, mailbox)
    return None if row is None else Remote(*row)


def copied_to(r: Reader, mailbox: str) -> str:
    """The mailbox here to which a mailbox of that name was last copied from another server, "" if none was."""
    return str(r.value(COPIED_TO, mailbox) or "")


def open_remote(
    tx: Tx, role: Role, host: str, username: str, mailbox: str, *, uidvalidity: int, mailbox_id: MailboxID
) -> Remote:
    """Find or create the row of a remote mailbox at the beginning of a run; if UIDVALIDITY has changed, its copies
    become lost.
    """
    found = find_remote(tx, role, host, username, mailbox)
    if found is None:
        tx.execute(INSERT_REMOTE, role, host, username, mailbox, uidvalidity, mailbox_id)
    else:
        if found.mailbox_id != mailbox_id:
            tx.execute(SET_MAILBOX, mailbox_id, found.id)
        if found.uidvalidity != uidvalidity:
            tx.execute(LOSE, found.id)
            tx.execute(RESET, uidvalidity, found.id)
    remote = find_remote(tx, role, host, username, mailbox)
    assert remote is not None
    return remote


def settle(tx: Tx, remote_id: int, *, messages: int, uidnext: int, modseq: int) -> None:
    """Record a complete run, with the state of the remote mailbox at its beginning."""
    tx.execute(SETTLE, messages, uidnext, modseq, remote_id)


def known_uids(r: Reader, remote_id: int, after: int, limit: int = SLICE) -> list[int]:
    """Remote UIDs above `after` that have a row, ascending."""
    return [row[0] for row in r.rows(KNOWN, remote_id, max(after, 0), limit)]


def copies(r: Reader, remote_id: int, uids: Sequence[int]) -> dict[int, Copy]:
    """Find the rows of remote messages, by UID."""
    return {uid: Copy(message_id, flags) for uid, message_id, flags in r.rows(COPIES, remote_id, int_array(uids))}


def has_copies(r: Reader, remote_id: int) -> bool:
    """Whether a remote has any row, lost ones included."""
    return r.row(HAS_COPIES, remote_id) is not None


def count_copies(r: Reader, remote_id: int) -> int:
    """Number of remote messages that have a row."""
    count: int = r.value(COUNT, remote_id)
    return count


def has_lost(r: Reader, remote_id: int) -> bool:
    """Whether a remote has lost rows."""
    return r.row(HAS_LOST, remote_id) is not None


def has_marked(r: Reader, remote_id: int) -> bool:
    """Whether a remote has rows that `match_marked` may find."""
    return r.row(HAS_MARKED, remote_id) is not None


def seed_lost(tx: Tx, remote_id: int, mailbox_id: MailboxID, after: int) -> int | None:
    """Add lost rows for the next messages of a mailbox; returns the last UID taken, None at the end.

    For a new remote: its messages may have come here another way.
    """
    rows = tx.rows(SEED, mailbox_id, after, SLICE)
    tx.executemany(
        INSERT_COPY,
        [
            (remote_id, -message_id, message_id, copy_key(messageid, size, received), None, None)
            for _, message_id, messageid, size, received in rows
        ],
    )
    return rows[-1][0] if rows else None


def match_lost(tx: Tx, remote_id: int, found: Iterable[RemoteMessage]) -> set[int]:
    """Assign remote messages to lost rows with the same key, one to each; returns the UIDs that were assigned."""
    placed = set()
    # One row each: equal messages have equal keys, and each of them needs its own.
    for remote_message in found:
        row = tx.row(LOST_ONE, remote_id, remote_message.key)
        if row is not None:
            _place(tx, remote_id, remote_message, row[0], remote_message.flags if row[1] is None else row[1])
            placed.add(remote_message.uid)
    return placed


def match_marked(tx: Tx, remote_id: int, marked: Iterable[tuple[RemoteMessage, str, bytes]]) -> set[int]:
    """Assign remote messages, with Message-ID and mark, to lost rows of messages that were there before and have the
    same; as `match_lost` else. Their rows get the new key.
    """
    placed = set()
    for remote_message, messageid, digest in marked:
        for uid, flags, header in tx.rows(MARKED, remote_id, messageid):
            if mark(header) == digest:
                _place(tx, remote_id, remote_message, uid, flags)
                placed.add(remote_message.uid)
                break
    return placed


def _place(tx: Tx, remote_id: int, remote_message: RemoteMessage, uid: int, flags: str) -> None:
    tx.execute(FOUND_ONE, remote_message.uid, remote_message.key, flags, remote_message.gm_msgid, remote_id, uid)


def mark(header: bytes) -> bytes | None:
    """Digest of fields that servers don't change, except for spaces.

    None without Date, because that's what distinguishes versions of a draft.
    """
    section = HeaderSection(header)
    if not section.count(b"date"):
        return None
    fields = [b" ".join(b"".join(section.texts(name)).split()) for name in MARK]
    return blake2b(b"\0".join(fields), digest_size=16).digest()


def forget_lost(tx: Tx, remote_id: int) -> list[MessageID]:
    """Delete the lost rows: no remote message belongs to them. Returns the ids of their messages here."""
    return [MessageID(row[0]) for row in tx.rows(FORGET_LOST, remote_id)]


def link(tx: Tx, origin: Origin, message_id: int, key: bytes) -> None:
    """Write the row of an imported message."""
    tx.execute(INSERT_COPY, origin.remote_id, origin.uid, message_id, key, origin.flags, origin.gm_msgid)


def copies_by_google(
    r: Reader, host: str, username: str, ids: Collection[int], role: Role = "source"
) -> dict[int, MessageID]:
    """Find messages that are here under any label, by X-GM-MSGID."""
    return dict(r.rows(BY_GOOGLE, int_array(ids), host, username, role))


def merge_flags(tx: AccountTx, remote_id: int, seen: Sequence[tuple[int, str]]) -> int:
    """Apply changes of remote flags: flags set there since the last run are set here, flags removed there are removed
    here, and changes made only here stay. Returns the number of remote messages with other flags.

    Args:
      seen: pairs of remote UID and flags as `join_words`; UIDs without a row are skipped.

    Raises: as `store_flags_ids`.
    """
    known = copies(tx, remote_id, [uid for uid, _ in seen])
    changes: dict[tuple[Flag, frozenset[str], Flag, frozenset[str]], list[int]] = {}
    changed = 0
    for uid, words in seen:
        copy = known.get(uid)
        if copy is None or copy.flags == words:
            continue
        tx.execute(SET_FLAGS, words, remote_id, uid)
        if copy.flags is None:
            continue
        changed += 1
        old, new = set(copy.flags.split()), set(words.split())
        changes.setdefault((*parsed_flags(new - old), *parsed_flags(old - new)), []).append(copy.message_id)
    for (add, add_words, remove, remove_words), ids in changes.items():
        if add or add_words:
            store_flags_ids(tx, ids, mode="add", flags=add, keywords=add_words)
        # A word may go while its synonym comes, such as `Junk` and `$Junk`: both are the same bit here.
        if remove & ~add or remove_words:
            store_flags_ids(tx, ids, mode="remove", flags=remove & ~add, keywords=remove_words)
    return changed


def parsed_flags(words: Iterable[str]) -> tuple[Flag, frozenset[str]]:
    """Parse flags into bits and keywords, without invalid ones."""
    flags, keywords = Flag(0), set[str]()
    for word in words:
        try:
            bits, names = parse_flags([word])
        except BadKeyword:
            continue
        flags |= bits | flag_synonyms(names)
        keywords |= names
    return flags, frozenset(keywords)


def remove_gone(tx: AccountTx, remote_id: int, uids: Sequence[int]) -> int:
    """Expunge messages that were removed from the remote, if they are still in its mailbox here, and delete their rows;
    returns the number expunged.
    """
    ids = [row[0] for row in tx.rows(IN_MAILBOX, remote_id, int_array(uids))]
    expunge_ids(tx, ids)
    tx.executemany(DROP_COPY, [(remote_id, uid) for uid in uids])
    return len(ids)


def waiting(
    r: Reader, remote_id: int, mailbox_id: MailboxID, after: int, since: int, limit: int
) -> list[UnsentMessage]:
    """Read the next messages of a mailbox, by UID, that are not on the target and were received at or after `since` (µs
    UTC).
    """
    return [_waiting(row) for row in r.rows(WAITING, mailbox_id, after, remote_id, since, limit)]


def _waiting(row: Row) -> UnsentMessage:
    uid, message_id, messageid, size, received, offset, flags, keywords = row
    return UnsentMessage(
        uid, MessageID(message_id), copy_key(messageid, size, received), size, received, offset, flags, keywords
    )


class SentMessage(msgspec.Struct, frozen=True):
    """A message on the target under `uid`: its remote flags when they were last set, and its flags here."""

    uid: int
    there: str | None
    flags: int
    keywords: str


def pushed(r: Reader, remote_id: int, after: int) -> list[SentMessage]:
    """Read the next messages that are on both sides, by remote UID."""
    return [SentMessage(*row) for row in r.rows(PUSHED, remote_id, max(after, 0), SLICE)]


def note_flags(tx: Tx, remote_id: int, seen: Iterable[tuple[int, str]]) -> None:
    """Record the remote flags of messages."""
    tx.executemany(SET_FLAGS, [(words, remote_id, uid) for uid, words in seen])
