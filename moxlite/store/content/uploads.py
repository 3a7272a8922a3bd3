"""Files attached to messages that are being written, until these are sent or saved (WEBMAIL-28).

They are stored in the account's file, in pieces, and do not count to its quota. An upload is removed a day after its
last use: a saved draft has its files in its own octets. Blobs of JMAP are uploads without a file name, with limits of
their own (JMAP-7).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY
from moxlite.store.types import MessageID

PIECE_SIZE: Final = 1 << 20
"""Octets of a piece: one commit when a file arrives, and held in memory when it is read."""

KEY_SIZE: Final = 16
"""Octets of a random key: a call that names it attaches the file, so it must not be guessed."""

AGE: Final = DAY
"""Microseconds after its last use for which an upload is kept."""

IMPORTED_AGE: Final = DAY // 24
"""Microseconds for which a blob is kept after its message was imported: no less is allowed (RFC 8620 §6)."""

MAX_PENDING: Final = 500 << 20
"""Octets of all files of an account that are attached (WEBMAIL-28), and of all its blobs (JMAP-7)."""

MAX_UPLOADS: Final = 1_000
"""Files of an account, and blobs: empty ones do not count by their octets."""
SHIFT: Final = 20  # bits of a piece's number: 2^20 pieces of 1 MiB are beyond MAX_PENDING

INSERT: Final = """
INSERT INTO upload (key, filename, media_type, size, eight_bit, complete, used) VALUES (?, ?, ?, 0, 0, 0, ?)"""
PENDING: Final = "SELECT count(*), coalesce(sum(size), 0) FROM upload WHERE (filename = '') = ?"
FIND: Final = "SELECT id, key, filename, media_type, size, eight_bit FROM upload WHERE key = ? AND complete = ?"
GROW: Final = "UPDATE upload SET size = size + ?, eight_bit = eight_bit | ?, used = ? WHERE id = ?"
ADD: Final = "INSERT INTO upload_piece (id, data) VALUES (?, ?)"
FIND_BEGUN: Final = "SELECT id, key, filename, media_type, size, eight_bit FROM upload WHERE key = ?"
COMPLETE: Final = "UPDATE upload SET complete = 1, used = ? WHERE key = ? AND complete = 0"
USE: Final = "UPDATE upload SET used = ? WHERE key = ?"
END_EARLIER: Final = "UPDATE upload SET used = min(used, ?) WHERE key = ?"
PIECE: Final = "SELECT data FROM upload_piece WHERE id = ?"
OLDEST: Final = "SELECT id FROM upload WHERE used < ? ORDER BY used LIMIT 1"
OLDEST_BLOB: Final = "SELECT id FROM upload WHERE filename = '' AND complete = 1 ORDER BY used LIMIT 1"
DROP_PIECES: Final = "DELETE FROM upload_piece WHERE id >= ? AND id < ?"
DROP: Final = "DELETE FROM upload WHERE id = ?"
SAVED: Final = "SELECT message_id FROM draft_saved WHERE key = ?"
NOTE_SAVED: Final = "INSERT INTO draft_saved (key, message_id, created) VALUES (?, ?, ?)"
FORGET_SAVED: Final = "DELETE FROM draft_saved WHERE created < ?"


class NoSuchUpload(StoreError):
    """No file has this key, or it was removed."""

    def __init__(self) -> None:
        super().__init__("an attachment is no longer on the server; attach it again")


class UploadOvertaken(StoreError):
    """Another request has stored this piece."""

    def __init__(self) -> None:
        super().__init__("this file is being uploaded by another request")


class Upload(msgspec.Struct, frozen=True):
    """An upload. `size` in octets; `eight_bit`: it holds octets above 127."""

    id: int
    key: bytes
    filename: str
    media_type: str
    size: int
    eight_bit: bool


def begin_upload(tx: Tx, filename: str, media_type: str, key: bytes = b"") -> bytes:
    """Begin an upload; returns its key, by default a new one. Raises LimitExceeded.

    Args:
      filename: "" for a blob of JMAP, which may take the place of older ones.
    """
    _make_room(tx, blob=not filename, uploads=1, octets=1)
    key = key or secrets.token_bytes(KEY_SIZE)
    tx.execute(INSERT, key, filename, media_type, tx.now)
    return key


def continue_upload(tx: Tx, key: bytes, filename: str, media_type: str) -> Upload:
    """The upload that a client began with this key of its own, complete or not, or a new one. Raises LimitExceeded."""
    if tx.row(FIND_BEGUN, key) is None:
        begin_upload(tx, filename, media_type, key)
    return _upload(tx.row(FIND_BEGUN, key))


def add_piece(tx: Tx, key: bytes, number: int, data: bytes) -> None:
    """Append octets, at most `PIECE_SIZE`, as the piece with this number, counted from 0; all but the last have
    `PIECE_SIZE`. Raises NoSuchUpload, UploadOvertaken, LimitExceeded.
    """
    upload = _find(tx, key, complete=False)
    if upload.size != number * PIECE_SIZE:
        raise UploadOvertaken
    _make_room(tx, blob=not upload.filename, uploads=0, octets=len(data))
    tx.execute(ADD, upload.id << SHIFT | number, data)
    tx.execute(GROW, len(data), not data.isascii(), tx.now, upload.id)


def _make_room(tx: Tx, *, blob: bool, uploads: int, octets: int) -> None:
    """Check that so many files and octets more are allowed. For a blob, remove the oldest ones until they are
    (RFC 8620 §6). Raises LimitExceeded.
    """
    while True:
        count, stored = tx.row(PENDING, blob) or (0, 0)
        if count + uploads <= MAX_UPLOADS and stored + octets <= MAX_PENDING:
            return
        oldest = tx.row(OLDEST_BLOB) if blob else None
        if oldest is None:
            raise LimitExceeded("too many files attached to drafts")
        _drop(tx, oldest[0])


def finish_upload(tx: Tx, key: bytes) -> Upload:
    """Mark an upload as complete. Raises NoSuchUpload."""
    tx.execute(COMPLETE, tx.now, key)
    return upload_of(tx, key)


def upload_of(r: Reader, key: bytes) -> Upload:
    """Find a complete upload. Raises NoSuchUpload."""
    return _find(r, key, complete=True)


def _find(r: Reader, key: bytes, *, complete: bool) -> Upload:
    return _upload(r.row(FIND, key, complete))


def _upload(row: tuple[Any, ...] | None) -> Upload:
    if row is None:
        raise NoSuchUpload
    upload_id, own_key, filename, media_type, size, eight_bit = row
    return Upload(upload_id, own_key, filename, media_type, size, bool(eight_bit))


def upload_pieces(r: Reader, upload: Upload) -> Iterator[bytes]:
    """Read the octets of an upload, a piece at a time; for `account.scan`. Raises NoSuchUpload if it is removed
    meanwhile.
    """
    for number in range(-(-upload.size // PIECE_SIZE)):
        yield upload_piece(r, upload, number)


def upload_piece(r: Reader, upload: Upload, number: int) -> bytes:
    """Read one piece of an upload, counted from 0. Raises NoSuchUpload if it is removed meanwhile."""
    row = r.row(PIECE, upload.id << SHIFT | number)
    if row is None:
        raise NoSuchUpload
    data: bytes = row[0]
    return data


def use_uploads(tx: Tx, keys: Iterable[bytes]) -> None:
    """Keep these files for another day."""
    tx.executemany(USE, [(tx.now, key) for key in keys])


def note_imported(tx: Tx, keys: Iterable[bytes]) -> None:
    """Let these blobs go before all that were not imported, so that they do not count, and in an hour at the latest."""
    tx.executemany(END_EARLIER, [(tx.now - AGE + IMPORTED_AGE, key) for key in keys])


def saved_draft(r: Reader, key: bytes) -> MessageID | None:
    """The draft that the call with this key saved within the last day; None for a new key."""
    found = r.value(SAVED, key)
    return None if found is None else MessageID(found)


def note_saved_draft(tx: Tx, key: bytes, message_id: MessageID) -> None:
    """Note that the call with this key saved this message."""
    tx.execute(NOTE_SAVED, key, message_id, tx.now)


def drop_upload(tx: Tx, key: bytes) -> None:
    """Remove an upload, complete or not. An unknown key does nothing."""
    # Also delete running uploads. Their next piece finds no row and ends the upload.
    for complete in (True, False):
        row = tx.row(FIND, key, complete)
        if row is not None:
            _drop(tx, row[0])


def forget_uploads(tx: Tx) -> int:
    """Remove the upload that was unused for longest, if that is over a day, and old notes of saved drafts; returns the
    number of uploads removed, 0 or 1: one may have 100 MiB.
    """
    tx.execute(FORGET_SAVED, tx.now - AGE)
    row = tx.row(OLDEST, tx.now - AGE)
    if row is None:
        return 0
    _drop(tx, row[0])
    return 1


def _drop(tx: Tx, upload_id: int) -> None:
    with tx.zeroed():
        tx.execute(DROP_PIECES, upload_id << SHIFT, (upload_id + 1) << SHIFT)
    tx.execute(DROP, upload_id)
