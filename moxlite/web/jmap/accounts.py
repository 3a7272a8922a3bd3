"""A user's accounts: their own, and those that share mailboxes with them (RFC 8620 §1.6.2).

Rights (RFC 4314) are read from the owner's file, in the snapshot or transaction that depends on them. An
account that shares nothing, and one that does not exist, are the same to a client.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.accounts.access import Access, visited
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.rows.history import epoch_mark, seen_state
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.web.jmap.protocol import MethodError

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox


ID_CHARS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class Place(Access, frozen=True, eq=False, kw_only=True):
    """An account, and what a user may do in it. `home`: the user's own account, which keeps what the user uploads."""

    account: OpenAccount
    home: OpenAccount

    @property
    def id(self) -> str:
        """The id of the account."""
        return account_id(self.owner)

    def boxes(self, r: Reader) -> list[Mailbox]:
        """The mailboxes that the user may read. One whose parent is not among them has none."""
        if not self.guest:
            return mailboxes(r)
        seen = [box for box, _ in self.seen(r)]
        known = {box.id for box in seen}
        return [box if box.parent_id in known else msgspec.structs.replace(box, parent_id=None) for box in seen]

    def state(self, r: Reader, modseq: int) -> str:
        """The state of a type that is at this modseq."""
        return f"{modseq}{self.mark(r)}"

    def modseq(self, r: Reader, whole: Callable[[Reader], int]) -> int:
        """The modseq of a type of mail, which is that of `whole` for the owner. A guest's stays where it is when
        something changes that the guest may not read.
        """
        return seen_state(r, [box.id for box, _ in self.seen(r)]) if self.guest else whole(r)

    def mark(self, r: Reader) -> str:
        """The end of states: the account's epoch, and for a guest a part that changes with the rights. With another
        mark no changes are told.
        """
        if not self.guest:
            return epoch_mark(r)
        return guest_mark(r, [(box.id, rights) for box, rights in self.seen(r)])


def guest_mark(r: Reader, rights: Sequence[tuple[int, object]]) -> str:
    """As `Place.mark`, for a guest with these rights."""
    return f"{epoch_mark(r)}-{hashlib.sha256(repr(rights).encode()).hexdigest()[:12]}"


@asynccontextmanager
async def open_place(accounts: Accounts, auth: AuthDB, home: OpenAccount, name: str) -> AsyncIterator[Place]:
    """The account with an id, for the user whose own account is `home`, open as long as the block lasts.

    Raises MethodError ``accountNotFound``, StoreError.
    """
    if name == account_id(home.name):
        yield Place(owner=home.name, account=home, home=home)
        return
    async with AsyncExitStack() as stack:
        owner = account_name(name)
        try:
            account = await stack.enter_async_context(visited(accounts, auth, owner, home.name))
        except NoSuchMailbox:
            raise MethodError("accountNotFound", "account not found") from None
        yield Place(owner=owner, guest=home.name, account=account, home=home)


def account_id(name: str) -> str:
    """The id of an account: its name, of which all characters are valid in ids, or their code points."""
    if name and ID_CHARS.issuperset(name):
        return f"u{name}"
    return "x" + name.encode().hex()


def account_name(text: str) -> str:
    """The name of the account with an id, "" for what cannot be one."""
    if text[:1] == "u":
        return text[1:]
    try:
        return bytes.fromhex(text[1:]).decode() if text[:1] == "x" else ""
    except ValueError:
        return ""
