"""A view of one mailbox in its order: the messages that it shows, how far they have been sent, and reading more
(WEBMAIL-36..42). An index has the order; views without an index are in `listing`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.errors import NoSuchMailbox
from moxlite.store.mail.links import inbox_names
from moxlite.store.names import INBOX
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.views import (
    FIRST_NEWEST,
    FIRST_OLDEST,
    Place,
    page,
    place_at,
    place_of,
    position_of,
    view_total,
)
from moxlite.store.types import MailboxID, SpecialUse
from moxlite.web.webmail.holders import Scope
from moxlite.web.webmail.items import ITEM_SLICE
from moxlite.web.webmail.live.changes import EncodedChange
from moxlite.web.webmail.querytypes import INBOXES

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.querytypes import Page, Query
    from moxlite.web.webmail.types import MessageItem

FIRST_SLICE: Final = 50  # entries that a screen shows; they are sent first
OWN_INBOX: Final = frozenset({INBOX})
MAX_COUNTED: Final = 20_000  # entries of an index that are counted on the event loop: 0.4 ms


class Reset(msgspec.Struct, frozen=True):
    """The anchor does not exist; the entries that follow begin at the top."""


class Slice(msgspec.Struct, frozen=True):
    """Consecutive entries, messages or threads: ``position`` is the index of the first one, ``total`` the number of
    entries in the view.
    """

    items: list[list[MessageItem]]
    position: int
    total: int


class _Begin(msgspec.Struct, frozen=True):
    """The beginning of a page: behind a place, which is the place of the message at ``position`` - 1."""

    behind: Place
    position: int
    total: int
    reset: bool = False


class View:
    """A view of one mailbox. ``sent`` is the place of the furthest message that was sent, ``end`` whether no messages
    come after it. A browser that jumped to the end lacks messages in between; it counts their changes only.
    """

    def __init__(self, view_id: int, query: Query, mailbox_id: int, holder: Holder) -> None:
        """`query` and `mailbox_id` have ids in the form of the account of `holder`."""
        self.holder: Final = holder
        self._account = holder.account
        self.view_id: Final = view_id
        self.query: Final = query
        self.mailbox_id: Final = mailbox_id
        self.first: Final = FIRST_OLDEST if query.order_asc else FIRST_NEWEST
        self.sent: Place = self.first
        self.end = False

    @property
    def scopes(self) -> list[Scope]:
        """The one mailbox of the view."""
        return [Scope(self.holder, frozenset({MailboxID(self.mailbox_id)}))]

    def holder_of(self, _shown: int) -> Holder:
        """The holder of the account that a shown message belongs to."""
        return self.holder

    def wants(self, change: EncodedChange, holder: Holder) -> bool:
        """Whether a change of an account concerns this view. Changed flags of messages that were not sent are included:
        they do no harm, and a check would cost a read.
        """
        if change.mailbox_id == 0:
            return True
        if holder is not self.holder or change.mailbox_id != self.mailbox_id:
            return False
        if change.place is None:
            return True
        if self.query.filter.unread and not change.unread:
            return False
        return self.end or not self._behind(change.place)

    def _behind(self, place: Place) -> bool:
        return place > self.sent if self.query.order_asc else place < self.sent

    async def resume(self, wanted: Page | None) -> None:
        """Set the state to what a browser shows already: all of the view if there is no page, else up to the page's
        anchor.
        """
        if wanted is None:
            self.end = True
            return
        if wanted.anchor_message_id:
            anchor = self.holder.local_id(wanted.anchor_message_id)
            place = await self._account.read(lambda r: place_of(r, self.mailbox_id, anchor), op="webmail_anchor")
            # the last shown message was moved or removed while no stream was open; older additions are not missed,
            # because pages are requested by anchor
            self.sent = place or self.sent

    async def more(self, wanted: Page) -> AsyncGenerator[Slice | Reset, None]:
        """The messages of a page in slices. `sent` and `end` are updated with them."""
        begin = await self._counting(lambda r: self._begin(r, wanted), op="webmail_position")
        if begin.reset:
            yield Reset()
        elif wanted.before:
            yield await self._slice_before(begin, min(wanted.count, ITEM_SLICE))
            return
        behind, position = begin.behind, begin.position
        left = wanted.count
        size = FIRST_SLICE
        while left > 0:
            limit = min(size, left)
            found, last = await self._slice(behind, position, limit)
            left -= limit
            position += len(found.items)
            if last is not None:
                behind = last
                if self._behind(last):
                    self.sent = last
            # Either tells the end. A full slice needs the total; the position lags behind it if messages came since the
            # page began, and then the next slice is short.
            if len(found.items) < limit or position >= found.total:
                self.end = True
                left = 0
            yield found
            size = ITEM_SLICE

    def _begin(self, r: Reader, wanted: Page) -> _Begin:
        """The beginning of the page, which `wanted` names in one of four ways."""
        self.holder.check_box(r, self.mailbox_id)
        unread, oldest_first = self.query.filter.unread, self.query.order_asc
        total = view_total(r, self.mailbox_id, unread=unread)
        if wanted.position is not None:
            return self._begin_at(r, min(wanted.position, total), total)
        if wanted.anchor_message_id:
            place = place_of(r, self.mailbox_id, self.holder.local_id(wanted.anchor_message_id))
            if place is None:
                return _Begin(self.first, 0, total, reset=True)
            before = position_of(r, self.mailbox_id, place, oldest_first=oldest_first, unread=unread)
            return _Begin(place, before if wanted.before else before + 1, total)
        if wanted.dest_message_id:
            place = place_of(r, self.mailbox_id, self.holder.local_id(wanted.dest_message_id))
            if place is not None:
                before = position_of(r, self.mailbox_id, place, oldest_first=oldest_first, unread=unread)
                # the top of the view, if the message is on its first page
                return self._begin_at(r, 0 if before < wanted.count else before - wanted.count // 2, total)
        return _Begin(self.first, 0, total)

    def _begin_at(self, r: Reader, position: int, total: int) -> _Begin:
        if position == 0:
            return _Begin(self.first, 0, total)
        unread, oldest_first = self.query.filter.unread, self.query.order_asc
        place = place_at(r, self.mailbox_id, position - 1, oldest_first=oldest_first, unread=unread)
        return _Begin(self.first, 0, total) if place is None else _Begin(place, position, total)

    async def _slice(self, behind: Place, position: int, limit: int) -> tuple[Slice, Place | None]:
        unread = self.query.filter.unread

        def read(r: Reader) -> tuple[Slice, Place | None]:
            self.holder.check_box(r, self.mailbox_id)
            rows = page(r, self.mailbox_id, behind, limit, oldest_first=self.query.order_asc, unread=unread)
            found = Slice(
                [[item] for item in self.holder.items(r, rows)], position, view_total(r, self.mailbox_id, unread=unread)
            )
            return found, Place(rows[-1].received, rows[-1].id) if rows else None

        # unread messages are sorted while they are read: ten thousand of them take 20 ms
        return await (self._account.scan if unread else self._account.read)(read, op="webmail_view")

    async def _slice_before(self, begin: _Begin, limit: int) -> Slice:
        """The messages before a place, in the order of the view."""
        unread = self.query.filter.unread

        def read(r: Reader) -> Slice:
            self.holder.check_box(r, self.mailbox_id)
            rows = page(r, self.mailbox_id, begin.behind, limit, oldest_first=not self.query.order_asc, unread=unread)
            rows.reverse()
            total = view_total(r, self.mailbox_id, unread=unread)
            return Slice([[item] for item in self.holder.items(r, rows)], max(0, begin.position - len(rows)), total)

        return await (self._account.scan if unread else self._account.read)(read, op="webmail_view")

    async def _counting(self, read: Callable[[Reader], _Begin], *, op: str) -> _Begin:
        """Run a read that may count all of the view: in a thread if the view is large."""
        large = await self._account.read(lambda r: view_total(r, self.mailbox_id) > MAX_COUNTED, op=op)
        return await (self._account.scan if large else self._account.read)(read, op=op)


def resolve(r: Reader, query: Query, holder: Holder) -> Mailbox:
    """The mailbox that a query names; Inbox for an unknown name. Raises NoSuchMailbox for an id that is unknown, or
    that the user may not read.
    """
    if query.filter.mailbox_id > 0:
        holder.check_box(r, query.filter.mailbox_id)
        return mailbox_rows.mailbox(r, query.filter.mailbox_id)
    mailbox = mailbox_rows.mailbox_by_name(r, query.filter.mailbox_name) or mailbox_rows.mailbox_by_name(r, INBOX)
    if mailbox is None:
        raise NoSuchMailbox(INBOX)
    return mailbox


def replace_mailbox(query: Query, mailbox_id: int) -> Query:
    """The query for another mailbox, by its id."""
    return msgspec.structs.replace(
        query, filter=msgspec.structs.replace(query.filter, mailbox_id=mailbox_id, mailbox_name="")
    )


def resolve_all(r: Reader, query: Query, rejects: str, holder: Holder) -> list[Mailbox]:
    """The mailboxes that a query searches (WEBMAIL-38), among the ones that the user may read. `rejects` is the name of
    the mailbox of refused messages. Raises NoSuchMailbox.
    """
    boxes = [box for box, _ in holder.seen(r)] if holder.guest else mailbox_rows.mailboxes(r)
    if query.filter.mailbox_id < 0:
        inboxes = inbox_names(r) if query.filter.mailbox_id == INBOXES and not holder.guest else OWN_INBOX
        return of_all(boxes, query.filter.mailbox_id, rejects, inboxes)
    named = resolve(r, query, holder)
    if not query.filter.mailbox_children_included:
        return [named]
    return [box for box in boxes if box.id == named.id or box.name.startswith(f"{named.name}/")]


def of_all(boxes: Iterable[Mailbox], wanted: int, rejects: str, inboxes: Collection[str] = OWN_INBOX) -> list[Mailbox]:
    """The mailboxes that a query over all mailboxes searches: with -2 all, with -1 all but Trash, Junk and Rejects,
    with -3 those named in `inboxes` (WEBMAIL-38).
    """
    if wanted == INBOXES:
        return [box for box in boxes if box.name in inboxes]
    aside = SpecialUse.TRASH | SpecialUse.JUNK
    return [box for box in boxes if wanted == -2 or (not box.special_use & aside and box.name != rejects)]
