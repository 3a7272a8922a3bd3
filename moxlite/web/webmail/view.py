"""A view of a stream: which messages it shows, how far they have been sent, and getting more (WEBMAIL-36..42)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.errors import NoSuchMailbox
from moxlite.store.names import INBOX
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.views import FIRST_NEWEST, FIRST_OLDEST, Place, page, place_of
from moxlite.web.webmail.changes import EncodedChange
from moxlite.web.webmail.items import ITEM_SLICE, make_items

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.webmail.types import MessageItem, Page, Query

__all__ = ["Reset", "View", "resolve"]

FIRST_SLICE: Final = 50  # what a screen shows at once goes out first


class Reset(msgspec.Struct, frozen=True):
    """The anchor is not there: what follows begins at the top."""


class View:
    """What a stream shows. ``sent`` is the place of the last message that the browser has, ``end`` whether there are
    none behind it.
    """

    def __init__(self, view_id: int, query: Query, mailbox_id: int) -> None:
        self.view_id: Final = view_id
        self.query: Final = query
        self.mailbox_id: Final = mailbox_id
        self.first: Final = FIRST_OLDEST if query.order_asc else FIRST_NEWEST
        self.sent: Place = self.first
        self.end = False

    def wants(self, change: EncodedChange) -> bool:
        """Whether a change concerns what this view shows. A flag of a message that was not sent yet does no harm, and
        asking would cost a read.
        """
        if change.mailbox_id == 0:
            return True
        if change.mailbox_id != self.mailbox_id:
            return False
        if change.place is None:
            return True
        if self.query.filter.unread and not change.unread:
            return False
        return self.end or not self._behind(change.place)

    def _behind(self, place: Place) -> bool:
        return place > self.sent if self.query.order_asc else place < self.sent

    async def resume(self, account: Account, wanted: Page | None) -> None:
        """Take up what a browser shows already: all of the view without a page, else up to the page's anchor."""
        if wanted is None:
            self.end = True
            return
        if wanted.anchor_message_id:
            place = await account.read(
                lambda r: place_of(r, self.mailbox_id, wanted.anchor_message_id), op="webmail_anchor"
            )
            # the last message shown was moved or removed while nobody listened: older additions are not missed, for
            # pages come by anchor
            self.sent = place or self.sent

    async def more(self, account: Account, wanted: Page) -> AsyncGenerator[list[MessageItem] | Reset, None]:
        """The messages of a page in slices; `sent` and `end` follow what was given.

        A page goes on beyond its count until its destination was given, if that is behind the anchor.
        """
        anchor: Place | None = self.first
        destination: Place | None = None
        if wanted.anchor_message_id or wanted.dest_message_id:
            anchor, destination = await account.read(lambda r: self._places(r, wanted), op="webmail_anchor")
        if anchor is None:
            self.end = False
            yield Reset()
            anchor = self.first
        self.sent = anchor
        left = wanted.count
        size = FIRST_SLICE
        while left > 0 or (destination is not None and self._behind(destination)):
            limit = min(size, left) if left > 0 else size
            items, last = await self._slice(account, limit)
            left -= len(items)
            if last is not None:
                self.sent = last
            if len(items) < limit:
                self.end = True
            if items:
                yield items
            if self.end:
                return
            size = ITEM_SLICE

    async def _slice(self, account: Account, limit: int) -> tuple[list[MessageItem], Place | None]:
        unread = self.query.filter.unread

        def read(r: Reader) -> tuple[list[MessageItem], Place | None]:
            rows = page(r, self.mailbox_id, self.sent, limit, oldest_first=self.query.order_asc, unread=unread)
            return make_items(r, rows), Place(rows[-1].received, rows[-1].id) if rows else None

        # unread ones are sorted as they are found: ten thousand of them take 20 ms
        return await (account.scan if unread else account.read)(read, op="webmail_view")

    def _places(self, r: Reader, wanted: Page) -> tuple[Place | None, Place | None]:
        anchor: Place | None = self.first
        if wanted.anchor_message_id:
            anchor = place_of(r, self.mailbox_id, wanted.anchor_message_id)
        destination = place_of(r, self.mailbox_id, wanted.dest_message_id) if wanted.dest_message_id else None
        return anchor, destination


def resolve(r: Reader, query: Query) -> Mailbox:
    """The mailbox that a query names; Inbox for an unknown name. Raises NoSuchMailbox for an unknown id."""
    if query.filter.mailbox_id:
        return mailbox_rows.mailbox(r, query.filter.mailbox_id)
    found = mailbox_rows.mailbox_by_name(r, query.filter.mailbox_name) or mailbox_rows.mailbox_by_name(r, INBOX)
    if found is None:
        raise NoSuchMailbox(INBOX)
    return found
