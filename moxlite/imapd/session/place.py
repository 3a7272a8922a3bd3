"""The account behind a mailbox name, and the user's rights there (RFC 4314, IMAP-157): the only module that knows
``Other Users/<account>/<path>``.

Theory of operation
-------------------
Every command with a mailbox name goes through `at`, which gives a `Place`: the account that has the mailbox, open
during the block, and the mailbox's name there. A guest's rights are read from the owner's file in the same read or
transaction as the operation. A mailbox without the right ``l``, an account that shares nothing, and an account that
does not exist get the same answer: NO [NONEXISTENT]. `store.accounts.access` has the rules about rights.
"""

import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType

from moxlite.imapd.session.errors import no
from moxlite.imapd.session.sessions import Seat
from moxlite.imapd.session.state import Session
from moxlite.store.accounts.access import Access, visited
from moxlite.store.changelog.bus import Cursor
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.names import OTHERS, is_foreign
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import Mailbox, MailboxID

logger = logging.getLogger("moxlite.imapd")


class Place(Access, frozen=True, eq=False, kw_only=True):
    """The place that a mailbox name leads to.

    origin: the session's cursor there, or None. name: the rest of the name, as the client gave it.
    """

    account: IndexedAccount
    origin: Cursor | None
    name: str

    def box(self, r: Reader) -> Mailbox:
        """The mailbox that messages are added to. Raises Refused (TRYCREATE) if it does not exist."""
        try:
            return self.find(r, self.name, "i")
        except NoSuchMailbox:
            raise no("no such mailbox", "NONEXISTENT" if self.guest else "TRYCREATE") from None

    def target(self, r: Reader) -> MailboxID:
        """The id of `box`."""
        return self.box(r).id


async def owner_of(session: Session, name: str) -> tuple[str, str] | None:
    """(account, path) of another user's mailbox, or None for one's own mailbox. Either part may be empty.

    If the user already has a mailbox with the name of the prefix, the names below it are the user's own.
    """
    if not is_foreign(name):
        return None
    if await session.home.account.read(lambda r: mailbox_by_name(r, OTHERS), op="imap-place") is not None:
        return None
    owner, _, path = name[len(OTHERS) + 1 :].partition("/")
    return owner, path


async def known_owners(session: Session) -> list[str]:
    """Accounts that share mailboxes with the session's; empty if auth.db cannot be read, which must not hide one's own
    mailboxes.
    """
    try:
        return await session.context.auth.sharing.owners(session.home.owner)
    except StoreError as error:
        kv = {"account": session.home.owner, "err": str(error)}
        logger.warning("failed to read mailbox shares", extra={"kv": kv})
        return []


def open_account(session: Session, owner: str) -> AbstractAsyncContextManager[IndexedAccount]:
    """The account of another user, open during the block. Raises NoSuchMailbox if it shares nothing."""
    context = session.context
    return visited(context.accounts, context.auth, owner, session.home.owner)


class at:  # noqa: N801 reads as a statement: `async with at(session, name) as place:`
    """The place of a mailbox name. `Access.find` decides whether the mailbox exists and whether the user may see it.

    Raises NoSuchMailbox for a name of other users that this user cannot see.
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
        # By the cursor of the seat this session knows the changes as its own.
        origin = view.seat.cursor if view is not None and view.seat.owner == owner else None
        return Place(owner=owner, guest=home.owner, account=account, origin=origin, name=path)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return None if self._opened is None else await self._opened.__aexit__(kind, error, traceback)


async def refuse_foreign(session: Session, name: str, what: str) -> None:
    """Raise Refused for a name of other users, whether or not there is such a mailbox: `what` works for one's own
    only.
    """
    if await owner_of(session, name) is not None:
        raise no(f"{what} is only supported for your own mailboxes", "CANNOT")


async def visit(session: Session, owner: str) -> Seat:
    """Take a seat at the account of another user. Raises NoSuchMailbox if it shares nothing with this one."""
    sessions = session.context.sessions
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(open_account(session, owner))
        share = sessions.visit(owner)
        stack.callback(sessions.end_visit, share)
        _, cursor = await account.subscribe(keep_own=True)
        stack.enter_context(cursor)
        share.sharing = sessions.sharing(account)
        return Seat(
            owner=owner,
            guest=session.home.owner,
            account=account,
            cursor=cursor,
            share=share,
            stack=stack.pop_all(),
        )
    raise AssertionError("unreachable")
