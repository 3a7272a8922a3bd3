"""Subscriptions of a stream to the accounts that share mailboxes with its user (WEBMAIL-62).

A visit holds the owner's account open. It has a cursor on the account's change bus, and the mailboxes that the browser
knows. Rights are read again after changes are encoded and before they are sent, so a lost or late event can never
disclose too much to a guest. When a mailbox was added, removed or changed, the browser gets the list of all shared
mailboxes; changed counts are sent alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store import types as store
from moxlite.store.accounts.access import visited
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.names import OTHERS, is_foreign
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.web.webmail.holders import MAX_OWNERS, Holder, Scope, number_of
from moxlite.web.webmail.live.changes import EncodedChange, SharedChanges, encoded
from moxlite.web.webmail.live.view import of_all, replace_mailbox
from moxlite.web.webmail.types import MailboxCounts, MailboxesShared

if TYPE_CHECKING:
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.bus import Cursor
    from moxlite.wakeup import Alarm
    from moxlite.web.webmail.holders import Holders
    from moxlite.web.webmail.querytypes import Query
    from moxlite.web.webmail.types import Mailbox

logger = logging.getLogger("moxlite.web.webmail")

OPENING: Final = 5.0
"""Seconds for opening one account; 4 ms are usual. An account that is being migrated or repaired is tried again later,
so that the user's own mail need not wait for it.
"""

OF_MESSAGES: Final = (store.MessageAdded, store.MessagesRemoved, store.FlagsChanged)
"""Events that are sent to guests one by one. After any other event the list of mailboxes is read again."""


class AccountNews(msgspec.Struct, frozen=True):
    """News of an account: its events, changes of messages that the user may read, changes of mailboxes."""

    events: tuple[store.Event, ...]
    of_messages: list[EncodedChange]
    of_boxes: list[EncodedChange]


class AccountSubscription:
    """A subscription to one account. `boxes` are the mailboxes that the user may read, in the browser's form, by their
    ids in the account. `rows` are the same mailboxes as they are stored.
    """

    def __init__(self, holder: Holder, cursor: Cursor, shared: SharedChanges) -> None:
        self.holder: Final = holder
        self.cursor: Final = cursor
        self.boxes: dict[store.MailboxID, Mailbox] = {}
        self.rows: list[store.Mailbox] = []
        self.stack = AsyncExitStack()  # closed with the visit
        self._shared = shared

    async def take(self) -> tuple[tuple[store.Event, ...], list[EncodedChange]]:
        """Take events of the account, and changes of its messages. Call `look` before any of them is sent. Raises
        NoSuchMailbox if the account is being closed.
        """
        batch = await self.cursor.take()
        if any(isinstance(event, store.AccountClosing) for event in batch.events):
            raise NoSuchMailbox(self.holder.owner)
        events = [event for event in batch.events if isinstance(event, OF_MESSAGES)]
        changes = await self._shared.encode(self.holder.account, events)
        self.cursor.acknowledge(self.cursor.modseq)
        return batch.events, changes

    async def look(self) -> list[MailboxCounts] | None:
        """Read the mailboxes that the user may read. Returns changed counts; None if more than counts has changed."""
        before = self.boxes
        found = await self.holder.account.read(self.holder.seen, op="webmail_shared")
        self.rows = [box for box, _ in found]
        self.boxes = {box.id: self.holder.mailbox(box, rights) for box, rights in found}
        if {mailbox_id: _uncounted(box) for mailbox_id, box in before.items()} != {
            mailbox_id: _uncounted(box) for mailbox_id, box in self.boxes.items()
        }:
            return None
        return [
            MailboxCounts(box.id, box.total, box.unread, box.unseen, box.deleted, box.size)
            for mailbox_id, box in self.boxes.items()
            if box != before[mailbox_id]
        ]


def _uncounted(box: Mailbox) -> Mailbox:
    return msgspec.structs.replace(box, total=0, unread=0, unseen=0, deleted=0, size=0)


class AccountSubscriptions:
    """The visits to all accounts that share mailboxes with the user of one stream. As a context manager it closes them.

    `unread`: owners whose accounts were closed or could not be read. They may be back later, so call `look` now and
    then.
    """

    def __init__(self, home: Holder, holders: Holders, shared: Callable[[Holder], SharedChanges], alarm: Alarm) -> None:
        """`shared` returns the changes of an account as all guests share them. `alarm` is set when there is news."""
        self._home = home
        self._auth: AuthDB = holders.auth
        self._holders = holders
        self._shared = shared
        self._alarm = alarm
        self._visits: dict[str, AccountSubscription] = {}
        self._sharing = -1  # the state of `auth.db` at the last `look`
        self._known: list[Mailbox] = []  # by the browser
        self._blind = False  # the owners that share could not be read
        self.unread: set[str] = set()

    async def __aenter__(self) -> AccountSubscriptions:
        self._auth.sharing.alarms.add(self._alarm)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._auth.sharing.alarms.discard(self._alarm)
        for visit in self._visits.values():
            await visit.stack.aclose()

    @property
    def changed(self) -> bool:
        """Whether the sharing of mailboxes may have changed since `look`."""
        return self._sharing != self._auth.sharing.changes

    @property
    def lost(self) -> bool:
        """Whether some shared mailboxes may be missing because of errors."""
        return self._blind or bool(self.unread)

    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes of others, ordered by owner."""
        return [box for _, visit in sorted(self._visits.items()) for box in visit.boxes.values()]

    def tell(self) -> list[Mailbox]:
        """All mailboxes of others, to be sent to the browser; they count as known to it from now on."""
        self._known = self.mailboxes()
        return self._known

    def news(self) -> list[EncodedChange]:
        """A change with all mailboxes of others; empty if the browser knows exactly these."""
        known = self._known
        return [encoded(MailboxesShared(self._known))] if self.tell() != known else []

    def pending(self) -> AccountSubscription | None:
        """A visit with news, or None."""
        return next((visit for visit in self._visits.values() if visit.cursor.pending()), None)

    def of(self, number: int) -> AccountSubscription | None:
        """The visit to the account with this number, or None."""
        return next((visit for visit in self._visits.values() if visit.holder.number == number), None)

    def allows(self, scope: Scope) -> bool:
        """Whether the user may still read these mailboxes; always true for the user's own."""
        if not scope.holder.guest:
            return True
        visit = self.of(scope.holder.number)
        return visit is not None and visit.holder is scope.holder and scope.mailboxes <= visit.boxes.keys()

    def scopes(self, wanted: int, rejects: str) -> list[Scope]:
        """The mailboxes of others that a query over all mailboxes (-1 or -2) searches; empty for another query.
        `rejects` as for `of_all`.
        """
        found = []
        for _, visit in sorted(self._visits.items()) if wanted < 0 else ():
            boxes = frozenset([box.id for box in of_all(visit.rows, wanted, rejects)])
            if boxes:
                found.append(Scope(visit.holder, boxes))
        return found

    def whose(self, query: Query) -> tuple[Holder, Query]:
        """The account that a query searches, and the query with the account's form of its ids. Raises NoSuchMailbox."""
        shown = query.filter.mailbox_id
        if shown == 0 and is_foreign(query.filter.mailbox_name):
            shown = next((box.id for box in self.mailboxes() if box.name == query.filter.mailbox_name), 0)
        number = number_of(shown)
        if not number:
            return self._home, query
        visit = self.of(number)
        if visit is None:
            raise NoSuchMailbox(shown)
        return visit.holder, replace_mailbox(query, visit.holder.local_id(shown))

    async def look(self) -> None:
        """Find the accounts that share mailboxes with the user now. Errors of the store never hide the user's own
        mailboxes.
        """
        self._sharing = self._auth.sharing.changes
        self._blind = False
        self.unread = set()
        try:
            # The number of changes is noted above, before the read: a change during it has the stream look again.
            owners = dict(await self._auth.sharing.numbered_owners(self._home.owner, MAX_OWNERS))
            # an own mailbox named as the root of shared mailboxes hides them, as in IMAP (decisions/004)
            own = await self._home.account.read(lambda r: mailbox_by_name(r, OTHERS), op="webmail_shared")
            if own is not None:
                owners = {}
        except StoreError as e:
            kv = {"account": self._home.owner, "err": str(e)}
            logger.warning("failed to read mailbox shares", extra={"kv": kv})
            owners = {}
            self._blind = True
        for name in [name for name, visit in self._visits.items() if owners.get(name) != visit.holder.number]:
            await self.leave(self._visits[name])
        for name, number in owners.items():
            if name not in self._visits:
                with trio.move_on_after(OPENING) as scope:
                    await self._begin(name, number)
                if scope.cancelled_caught:
                    kv = {"account": self._home.owner, "owner": name}
                    logger.warning("shared account is slow to open", extra={"kv": kv})
                    self.unread.add(name)

    async def hear(self, visit: AccountSubscription) -> AccountNews:
        """Return the changes of an account that shares mailboxes with the user. An account that cannot be read is
        unsubscribed, and the stream goes on with the others.
        """
        try:
            # Taken first and rights read after: what is sent was readable when it was sent. In the other order a right
            # that is taken back in between would still show a message.
            events, changes = await visit.take()
            counts = await visit.look()
        except StoreError as e:
            logger.info("shared account closed", extra={"kv": {"account": self._home.owner, "err": e}})
            await self.leave(visit)
            self.unread.add(visit.holder.owner)
            return AccountNews((), [], self.news())
        readable = [change for change in changes if change.mailbox_id in visit.boxes]
        if counts is None:
            return AccountNews(events, readable, self.news())
        self.tell()
        return AccountNews(events, readable, [*map(encoded, counts)])

    async def leave(self, visit: AccountSubscription) -> None:
        """Close the visit to an account."""
        del self._visits[visit.holder.owner]
        await visit.stack.aclose()

    async def _begin(self, owner: str, number: int) -> None:
        guest = self._home.owner
        try:
            async with AsyncExitStack() as stack:
                opened = visited(self._holders.accounts, self._auth, owner, guest)
                account = await stack.enter_async_context(opened)
                holder = Holder(owner=owner, guest=guest, account=account, number=number)
                _, cursor = await account.subscribe(op="webmail_shared")
                stack.enter_context(cursor)
                cursor.alarm = self._alarm
                visit = AccountSubscription(holder, cursor, self._shared(holder))
                await visit.look()
                visit.stack = stack.pop_all()
                self._visits[owner] = visit
        except NoSuchMailbox:  # the owner has taken the rights back in this moment
            return
        except StoreError as e:  # a broken file of another user must not hide the user's own mail
            kv = {"account": guest, "owner": owner, "err": str(e)}
            logger.warning("skipped shared mailboxes", extra={"kv": kv})
            self.unread.add(owner)
