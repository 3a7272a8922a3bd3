"""Whose mailbox a name means, and what the user may do with it (RFC 4314, IMAP-157): the one place that knows of
``Other Users/<account>/<path>``.

Theory of operation
-------------------
Every command with a mailbox name goes through `at`, which gives a `Place`: the account that has the mailbox, open as
long as the block lasts, and the mailbox's name there. What a guest may do is read from the owner's file in the same
read or unit in which it is done. Without the right ``l`` a mailbox, an account without any, and an account that
doesn't exist are all the same: NO [NONEXISTENT]. An account is only opened for who has been given rights there, as
`auth.db` says: so nobody can have accounts opened, or learn from the time it takes which there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.imapd.session.errors import no
from moxlite.store.changelog.bus import Cursor
from moxlite.store.errors import AccountRemoved, AccountUnknown, BadMailboxName, NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import RIGHTS, rights_of
from moxlite.store.mail.systemmailbox import check_fillable, check_own, is_system
from moxlite.store.names import OTHERS, ancestors, check_name, is_below
from moxlite.store.rows.reading import mailbox_by_name
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import Flag, Mailbox, MailboxID

if TYPE_CHECKING:
    from types import TracebackType

    from moxlite.imapd.session.session import Session

__all__ = [
    "WRITING",
    "Access",
    "Place",
    "allowed_flags",
    "at",
    "check_rights",
    "is_foreign",
    "open_account",
    "owner_of",
    "refuse_foreign",
]

SYSTEM_RIGHTS: Final = "lrte"
"""What its owner may do with the system's mailbox (IMAP-162): read, and move messages away, for which RFC 6851 §4.4
asks for ``t`` and ``e``. That they move to the trash alone, and nothing else is changed, is for session and store.
"""

WRITING: Final = "istwe"
"""With none of these rights a mailbox opens as by EXAMINE (RFC 4314 §5.2)."""

_OF_FLAGS: Final = {Flag.SEEN: "s", Flag.DELETED: "t"}
"""Flags with a right of their own; all others, and keywords, need ``w`` (RFC 4314 §4)."""


def is_foreign(name: str) -> bool:
    """Whether a name has the prefix of other users' mailboxes."""
    return name == OTHERS or is_below(name, OTHERS)


@lru_cache(maxsize=256)  # the combinations in use are few
def allowed_flags(rights: str) -> tuple[Flag, bool]:
    """The flags that may be changed with these rights, and whether keywords may."""
    flags = Flag(0)
    for flag in Flag:
        if _OF_FLAGS.get(flag, "w") in rights:
            flags |= flag
    return flags, "w" in rights


class Access(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The user's way to an account: the own one, or that of `owner`. `guest`: the user's account, "" at home."""

    owner: str
    guest: str = ""

    @property
    def suffix(self) -> bytes:
        """What makes ids of another account differ from one's own: they are unique within an account (RFC 8474 §4)."""
        return b"-" + hashlib.sha256(self.owner.encode()).hexdigest()[:8].encode() if self.guest else b""

    def shown(self, name: str) -> str:
        """A mailbox name of the account, as the client knows it."""
        return f"{OTHERS}/{self.owner}/{name}" if self.guest else name

    def rights(self, r: Reader, mailbox_id: MailboxID) -> str:
        """What the user may do with a mailbox of the account."""
        if self.guest:
            return rights_of(r, mailbox_id, self.guest)
        return SYSTEM_RIGHTS if is_system(r, mailbox_id) else RIGHTS

    def rights_to(self, r: Reader, box: Mailbox) -> str:
        """The same, of a mailbox that was read in the same snapshot."""
        if self.guest:
            return rights_of(r, box.id, self.guest)
        return SYSTEM_RIGHTS if box.system else RIGHTS

    def require(self, r: Reader, box: Mailbox, needed: str) -> None:
        """Raises NoSuchMailbox for a mailbox that the user must not know of, Refused (NOPERM) without the rights that
        are needed, MailboxNotAllowed for changing the system's mailbox.
        """
        rights = self.rights_to(r, box)
        if "l" not in rights:
            raise NoSuchMailbox(self.shown(box.name))
        if box.system and any(letter not in rights for letter in needed):  # in words that say more than the letter
            if "i" in needed:
                check_fillable(box)
            check_own(box)
        check_rights(rights, needed)

    def find(self, r: Reader, name: str, needed: str = "") -> Mailbox:
        """The mailbox of a name in the account, as a client gave it. Raises NoSuchMailbox, and as `require`."""
        try:
            box = mailbox_by_name(r, check_name(name))
        except BadMailboxName:
            box = None
        if box is None:
            raise NoSuchMailbox(self.shown(name))
        self.require(r, box, needed)
        return box


def check_rights(rights: str, needed: str) -> None:
    """Raises Refused (NOPERM) unless all rights that are needed are there."""
    missing = [letter for letter in needed if letter not in rights]
    if missing:
        raise no(f"you lack the right {missing[0]} on this mailbox", "NOPERM")


class Place(Access, frozen=True, eq=False, kw_only=True):
    """Where a mailbox name leads.

    origin: our cursor there, if we have one. name: the rest of the name, as the client gave it.
    """

    account: IndexedAccount
    origin: Cursor | None
    name: str

    def box(self, r: Reader) -> Mailbox:
        """The mailbox that messages are added to. Raises Refused (TRYCREATE) if it isn't there."""
        try:
            return self.find(r, self.name, "i")
        except NoSuchMailbox:
            raise no("no such mailbox", "NONEXISTENT" if self.guest else "TRYCREATE") from None

    def target(self, r: Reader) -> MailboxID:
        """The id of `box`."""
        return self.box(r).id

    def may_create(self, r: Reader) -> None:
        """Whether the name may be given to a new mailbox: below one that has ``k``. Raises Refused, NoSuchMailbox."""
        if not self.guest:
            return
        try:
            name = check_name(self.name.strip("/"))
        except BadMailboxName as error:
            raise no(f"mailbox name not allowed: {error}", "CANNOT") from None
        found = [box for one in reversed(ancestors(name)) if (box := mailbox_by_name(r, one)) is not None]
        if not found:
            raise NoSuchMailbox(self.shown(name))
        self.require(r, found[0], "k")
        box = mailbox_by_name(r, name)
        if box is not None and "l" not in self.rights(r, box.id):
            raise no("you may not make this mailbox", "NOPERM")


async def owner_of(session: Session, name: str) -> tuple[str, str] | None:
    """(account, path) of the mailbox of another user, None for a name of one's own. Either part may be empty.

    Who has a mailbox of the prefix's name keeps it: then the names below it are of one's own.
    """
    if not is_foreign(name):
        return None
    if await session.home.account.read(lambda r: mailbox_by_name(r, OTHERS), op="imap-place") is not None:
        return None
    owner, _, path = name[len(OTHERS) + 1 :].partition("/")
    return owner, path


@asynccontextmanager
async def open_account(session: Session, owner: str) -> AsyncIterator[IndexedAccount]:
    """The account of another user, open as long as the block lasts. Raises NoSuchMailbox if it shares nothing."""
    context = session.context
    if not await context.auth.may_share(owner, session.home.owner):
        raise NoSuchMailbox(OTHERS)
    entered = False
    try:
        async with context.accounts.use(owner) as account:
            entered = True
            yield account
    except (AccountUnknown, AccountRemoved):
        if entered:
            raise
        raise NoSuchMailbox(OTHERS) from None


class at:  # noqa: N801 reads as a statement: `async with at(session, name) as place:`
    """The place of a mailbox name; what is there, and whether the user may know of it, is for `Access.find` to say.

    Raises NoSuchMailbox for a name of other users that can't mean anything to this one.
    """

    __slots__ = ("_name", "_opened", "_session")

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._opened: AbstractAsyncContextManager[IndexedAccount] | None = None  # of another user

    async def __aenter__(self) -> Place:
        session, name = self._session, self._name
        home = session.home
        found = await owner_of(session, name)
        if found is None:
            return Place(owner=home.owner, account=home.account, origin=home.cursor, name=name)
        owner, path = found
        if not path:
            raise NoSuchMailbox(name)
        opened = open_account(session, owner)
        account = await opened.__aenter__()
        self._opened = opened
        view = session.view
        origin = view.seat.cursor if view is not None and view.seat.owner == owner else None
        return Place(owner=owner, guest=home.owner, account=account, origin=origin, name=path)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return None if self._opened is None else await self._opened.__aexit__(kind, error, traceback)


async def refuse_foreign(session: Session, name: str, what: str) -> None:
    """Raises Refused for a name of other users, whether or not there is such a mailbox: `what` is for one's own."""
    if await owner_of(session, name) is not None:
        raise no(f"{what} only for your own mailboxes", "CANNOT")
