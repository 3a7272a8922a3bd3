"""Mailboxes that were renamed or deleted, for settings outside of the account that name them: rows of the outbox, which
`moxlite.admin.foldersettings` carries into domains.toml. Until that is done, mail goes where the rows say.
"""

from __future__ import annotations

import secrets
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.names import is_below

MOVED: Final = "folder"
"""Kind of the rows."""

KEY: Final = 16
"""Octets of the random key of a row."""

PENDING: Final = "SELECT data FROM outbox WHERE kind = ? ORDER BY id"


class FolderMove(msgspec.Struct, frozen=True):
    """A mailbox with a new name, which all below it have too; "" for one that was deleted."""

    old: str
    new: str

    def pack(self) -> bytes:
        """Encode it for the row."""
        return to_msgpack(self)

    @classmethod
    def unpack(cls, data: bytes) -> FolderMove:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _DECODER.decode(data)

    def name_of(self, name: str) -> str:
        """The name that a mailbox of this name has after the move, "" for one that was deleted."""
        if name == self.old:
            return self.new
        return self.new + name[len(self.old) :] if self.new and is_below(name, self.old) else name


_DECODER: Final = msgpack_decoder(FolderMove)


def owe_move(tx: AccountTx, old: str, new: str) -> None:
    """Have the settings that name a mailbox follow it."""
    tx.owe(secrets.token_bytes(KEY), MOVED, FolderMove(old, new).pack())


def followed_name(r: Reader, name: str) -> str:
    """The mailbox that a setting means by a name that no mailbox has, while settings do not follow yet; "" for one that
    was deleted.
    """
    for (data,) in r.rows(PENDING, MOVED):
        name = FolderMove.unpack(data).name_of(name) if name else ""
    return name
