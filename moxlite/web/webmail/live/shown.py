"""The view that a stream shows, and the sending of its pages (WEBMAIL-36..42)."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import trio

from moxlite.store import types as store
from moxlite.store.errors import ChunkDamaged, NoSuchMailbox, NoSuchMessage, StoreError
from moxlite.web.errors import Unavailable
from moxlite.web.webmail.filters import is_plain
from moxlite.web.webmail.holders import Scope
from moxlite.web.webmail.live.listing import Listing, Progress
from moxlite.web.webmail.live.view import Reset, View, replace_mailbox, resolve_all
from moxlite.web.webmail.querytypes import INBOXES, Request
from moxlite.web.webmail.reading.parsed import parse_message
from moxlite.web.webmail.types import ParsedMessage, ViewErr, ViewMsgs, ViewProgress, ViewReset, ViewStale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.http.errors import Drain
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange
    from moxlite.web.webmail.live.context import Asked, Context, Outlet
    from moxlite.web.webmail.live.subscriptions import Visits
    from moxlite.web.webmail.querytypes import Query
    from moxlite.web.webmail.types import MessageItem

PROGRESS: Final = 0.3  # seconds between two progress events of a search
GONE: Final = "This mailbox is no longer there."
UNTHREADED: Final = "The threads of this account are still being put together."
UNREADABLE: Final = "This mailbox can't be read at the moment."

OF_INBOXES: Final = (store.MailboxAdded, store.MailboxRemoved, store.MailboxRenamed, store.LinksChanged)
"""Events after which the user may have other inboxes."""


class Shown:
    """The view of one stream. `view` is None where the browser shows none that the server knows."""

    def __init__(self, context: Context, visits: Visits, asked: Asked, out: Outlet, drain: Drain) -> None:
        self.view: View | Listing | None = None
        self._context = context
        self._visits = visits
        self._asked = asked
        self._out = out
        self._drain = drain
        self._told = 0.0  # time of the last progress event

    @property
    def working(self) -> bool:
        """Whether a search is running."""
        return isinstance(self.view, Listing) and self.view.working

    def wants(self, change: EncodedChange, holder: Holder) -> bool:
        """Whether the browser has to know a change of an account. Without a view it may be any."""
        return self.view is None or self.view.wants(change, holder)

    async def answer(self, request: Request) -> None:
        """Answer a later request: for another view, or for more of the current one."""
        view = self.view
        if request.page is None:
            return
        if view is not None and request.view_id == view.view_id:
            await self._send_page(view, request, opening=False)
            return
        query = request.query
        if query is None:
            await self._out.send(ViewErr(request.view_id, request.id, "a new view needs a query"))
            return
        try:
            holder, wanted = self._visits.whose(query)
            opened = await self.resolve(holder, wanted)
        except NoSuchMailbox:
            await self._out.send(ViewErr(request.view_id, request.id, GONE))
            return
        await self.open(request, wanted, opened, holder)

    async def cancel(self) -> None:
        """End the search that the browser has cancelled; entries that were found stay."""
        view_id, view = self._asked.take_cancelled(), self.view
        if isinstance(view, Listing) and view.view_id == view_id and view.working:
            view.stop()
            await self._tell_progress(view)

    async def resolve(self, holder: Holder, query: Query) -> list[Mailbox]:
        """The mailboxes that a query is over. Raises NoSuchMailbox, StoreError."""
        rejects = self._context.facts.rejects_mailbox
        return await holder.account.read(lambda r: resolve_all(r, query, rejects, holder), op="webmail_view")

    def resolve_first(self, r: Reader, query: Query) -> list[Mailbox]:
        """As `resolve_all`, for the first view of a stream: Inbox replaces a mailbox that has gone meanwhile."""
        rejects = self._context.facts.rejects_mailbox
        try:
            return resolve_all(r, query, rejects, self._context.home)
        except NoSuchMailbox:
            return resolve_all(r, replace_mailbox(query, 0), rejects, self._context.home)

    async def resume(self, first: Request, query: Query, mailboxes: list[Mailbox]) -> None:
        """Take up a view of the user's own mailboxes as the browser shows it already."""
        self.view = self._make_view(first.view_id, query, mailboxes, self._context.home)
        await self.view.resume(first.page)

    async def open(self, request: Request, query: Query, mailboxes: list[Mailbox], holder: Holder) -> None:
        """Show a view, and send its first page."""
        self.view = view = self._make_view(request.view_id, query, mailboxes, holder)
        if isinstance(view, Listing) and not await view.threads_ready():  # WEBMAIL-68
            await self._out.send(ViewErr(request.view_id, request.id, UNTHREADED, unthreaded=True))
            return
        await self._send_page(view, request, opening=True)

    def _make_view(self, view_id: int, query: Query, mailboxes: list[Mailbox], holder: Holder) -> View | Listing:
        if is_plain(query):
            return View(view_id, query, mailboxes[0].id, holder)
        scope = Scope(holder, frozenset([box.id for box in mailboxes]))
        return Listing(view_id, query, [scope, *self._shared_scopes(query)], self._context.searching)

    def _shared_scopes(self, query: Query) -> list[Scope]:
        """The mailboxes of others that a query over all mailboxes includes (WEBMAIL-38)."""
        return self._visits.scopes(query.filter.mailbox_id, self._context.facts.rejects_mailbox)

    async def advance(self) -> None:
        """Search one step further, after the requested pages are sent."""
        view = self.view
        if not isinstance(view, Listing):
            return
        try:
            await view.advance()
        except StoreError as e:
            await self._end_view(view, 0, e)
            return
        await self._tell_progress(view)
        await self.tell_stale()

    async def _end_view(self, view: View | Listing, request_id: int, error: StoreError) -> None:
        """End a view whose mailbox is no longer shared, or cannot be read. Raises the error for a mailbox of the user's
        own.
        """
        gone = isinstance(error, NoSuchMailbox)
        if not gone and not view.scopes[0].holder.guest:
            raise error
        self.view = None
        await self._out.send(ViewErr(view.view_id, request_id, GONE if gone else UNREADABLE))

    async def follow(self, events: Sequence[store.Event], holder: Holder) -> bool:
        """Apply changes of an account; returns whether entries may have changed."""
        return isinstance(self.view, Listing) and await self.view.follow(events, holder)

    async def tell_stale(self, *, changed: bool = False) -> None:
        """Notify the browser if entries have changed, by events (`changed`) or for other reasons."""
        view = self.view
        if isinstance(view, Listing) and (changed or view.stale):
            view.stale = False
            await self._out.send(ViewStale(view.view_id))

    async def _tell_progress(self, view: Listing) -> None:
        """Send the progress of a search, every 0.3 s and at its end. If the client has gone, sending fails."""
        if view.working and trio.current_time() - self._told < PROGRESS:
            return
        self._told = trio.current_time()
        now = view.progress
        left_out = sorted(view.left_out | self._visits.unread) if view.everywhere else []
        view_progress = ViewProgress(
            view.view_id, now.total, now.messages, now.looked, now.of, now.end, now.stopped, left_out
        )
        await self._out.send(view_progress)

    async def _send_page(self, view: View | Listing, request: Request, *, opening: bool) -> None:
        try:
            await self._send_entries(view, request, opening=opening)
        except StoreError as e:
            await self._end_view(view, request.id, e)
        await self.tell_stale()

    async def _send_entries(self, view: View | Listing, request: Request, *, opening: bool) -> None:
        wanted = request.page
        if wanted is None:
            return
        opened = not opening
        position = total = 0
        async with aclosing(view.more(wanted)) as slices:
            async for found in slices:
                if self._asked.interrupts or self._drain.begun:
                    return
                if self._asked.waits:
                    await self.cancel()
                if isinstance(found, Progress):
                    if isinstance(view, Listing):
                        await self._tell_progress(view)
                    continue
                if isinstance(found, Reset):
                    await self._out.send(ViewReset(view.view_id, request.id))
                    continue
                position, total = found.position + len(found.items), found.total
                if not found.items:
                    continue
                parsed = None
                if not opened:
                    parsed = await self._open_message(view, found.items, wanted.dest_message_id)
                    opened = parsed is not None or not wanted.dest_message_id
                page = ViewMsgs(view.view_id, request.id, found.items, found.position, total, False, parsed)
                await self._out.send(page)
        at_end = not wanted.before and position >= total and view.end
        await self._out.send(ViewMsgs(view.view_id, request.id, [], position, total, at_end))

    async def _open_message(
        self, view: View | Listing, threads: list[list[MessageItem]], destination: int
    ) -> ParsedMessage | None:
        """The message that the user reads first: the requested one, if it is among these, else the first. None if it
        cannot be opened now.
        """
        message_id = destination or threads[0][0].id
        holder = view.holder_of(message_id)
        if holder is None or all(item.id != message_id for thread in threads for item in thread):
            return None
        try:
            async with self._context.views.shown(self._context.account):
                return await parse_message(holder, message_id, self._context.own())
        except Unavailable:
            return None  # the page requests it when it shows it
        except StoreError as e:
            if holder.guest or isinstance(e, (NoSuchMessage, ChunkDamaged)):
                return None
            raise

    async def review(self) -> bool:
        """Check the view against the mailboxes that are shared now, and against the user's own inboxes. A view of a
        mailbox that may no longer be read ends; the browser notices by the list of mailboxes. For a view over all
        mailboxes, or all inboxes, returns whether its entries may have changed.
        """
        view = self.view
        if isinstance(view, Listing) and view.everywhere:
            own = view.scopes[0]
            if view.query.filter.mailbox_id == INBOXES:
                mailboxes = await self.resolve(self._context.home, view.query)
                own = Scope(self._context.home, frozenset([box.id for box in mailboxes]))
            return view.look_into([own, *self._shared_scopes(view.query)])
        if view is not None and not all(map(self._visits.allows, view.scopes)):
            self.view = None
        return False
