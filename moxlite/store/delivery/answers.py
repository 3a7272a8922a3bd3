"""Authors of answers to a message of an account from which several people write (WEBMAIL-90a), as keywords of the
message, which tell all programs: a prefix, and the name of the writer's account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.proto.mime.messageid import canonical_message_id
from moxlite.store.delivery.actions import messages_by_messageid
from moxlite.store.errors import LimitExceeded
from moxlite.store.mail.counts import learn_keywords
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.mailboxes import MAX_PER_MESSAGE, mailbox
from moxlite.store.rows.messages import message
from moxlite.store.types import Flag, MessageID

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader

BY: Final = "$by-"
"""Keyword of a message that was answered."""

WRITING: Final = "$writing-"
"""Keyword of a message whose answer is a draft that was saved `FADES` ago at most."""

FADES: Final = 300 * 1_000_000
"""µs: while a user types, a draft is saved every 15 seconds; a pause to think takes minutes."""

FADE: Final = "writing"
"""Kind of the rows of the outbox that end `WRITING`."""

DROP: Final = "DELETE FROM outbox WHERE key = ?"
NEWER: Final = "SELECT 1 FROM outbox WHERE key = ? AND id <> ?"
DELEGATES: Final = "SELECT 1 FROM delegate LIMIT 1"

JUDGED: Final = Flag.JUNK | Flag.NOTJUNK


class _FadeData(msgspec.Struct, frozen=True):
    message_id: int
    keyword: str


def writer_of(r: Reader, account: str, guest: str = "") -> str:
    """The name of a writer in keywords: of a guest, or of the owner, if others write from the account, too; else ""."""
    return guest or (account if r.row(DELEGATES) else "")


def answered_message(r: Reader, in_reply_to: str) -> MessageID | None:
    """The message to which an answer refers.

    If it has copies, it's the newest one that isn't a draft.
    """
    messageid = canonical_message_id(in_reply_to)
    for message_id in messages_by_messageid(r, messageid) if messageid else ():
        row = message(r, message_id)
        if not row.flags & Flag.DRAFT and not mailbox(r, row.mailbox_id).system:
            return row.id
    return None


def note_answer(tx: AccountTx, original: MessageID, flags: Flag, writer: str) -> Flag:
    """Mark a message that is answered or forwarded by a user (WEBMAIL-82); returns the flags that it did not have."""
    before = message(tx, original).flags
    if not before & JUDGED:
        flags |= Flag.NOTJUNK
    store_flags_ids(tx, [original], mode="add", flags=flags)
    if writer and flags & Flag.ANSWERED:
        _add(tx, original, BY + writer)
    return flags & ~before


def note_writing(tx: AccountTx, in_reply_to: str, writer: str) -> None:
    """Mark the message that a draft answers, for some minutes."""
    original = answered_message(tx, in_reply_to) if writer else None
    if original is not None and _add(tx, original, WRITING + writer):
        key = _key(original, writer)
        tx.execute(DROP, key)
        tx.owe(key, FADE, to_json(_FadeData(original, WRITING + writer)), due=tx.now + FADES)


def end_writing(tx: AccountTx, in_reply_to: str, writer: str) -> None:
    """Take the mark of `note_writing` away: the draft was sent or discarded."""
    original = answered_message(tx, in_reply_to) if writer else None
    if original is not None:
        tx.execute(DROP, _key(original, writer))
        store_flags_ids(tx, [original], mode="remove", keywords=[WRITING + writer])


def fade(tx: AccountTx, key: bytes, row_id: int, data: bytes) -> None:
    """Take a mark away whose row of the outbox is due, unless there is a newer row."""
    fading = from_json(data, _FadeData)
    if tx.row(NEWER, key, row_id) is None:
        store_flags_ids(tx, [fading.message_id], mode="remove", keywords=[fading.keyword])


def _key(original: MessageID, writer: str) -> bytes:
    return f"{FADE} {original} {writer}".encode()


def _add(tx: AccountTx, original: MessageID, keyword: str) -> bool:
    """Add a keyword; False if the message or its mailbox has too many: that is no reason to refuse an answer."""
    row = message(tx, original)
    words = frozenset([*row.keywords, keyword.lower()])
    if len(words) > MAX_PER_MESSAGE:
        return False
    try:
        # Before the message is changed: the unit goes on, and must not keep half a change.
        learn_keywords(tx, mailbox(tx, row.mailbox_id), words)
    except LimitExceeded:
        return False
    store_flags_ids(tx, [original], mode="add", keywords=[keyword])
    return True
