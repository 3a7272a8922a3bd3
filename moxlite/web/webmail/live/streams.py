"""Event streams: changes of an account sent to a browser, over SSE or a websocket (WEBMAIL-30..46, 115).

Theory of operation
-------------------
A stream is a cursor on the account's change bus and one task. The task waits until the cursor has events, a request has
come, or a keepalive is due; then it sends. Sending limits the pace: nothing is taken from the bus while octets are
unsent. So the cursor of a browser that stops reading falls behind, and later gets the coalesced changes from the
database. A batch of the bus is at most some 1,500 changes of 700 octets, which bounds the memory of one stream. A
change is encoded once per account (`changes.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import trio

from moxlite.store.errors import (
    ChunkDamaged,
    Closed,
    NoSuchMailbox,
    NoSuchMessage,
    ReadInterrupted,
    StorageBroken,
    StorageBusy,
    StorageFull,
    StoreError,
)
from moxlite.store.mail.settings import load_settings
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import AccountClosing, ModSeq
from moxlite.wakeup import Alarm
from moxlite.web.errors import Unavailable, UserError
from moxlite.web.webmail.filters import is_plain
from moxlite.web.webmail.holders import Scope
from moxlite.web.webmail.items import mailbox_of
from moxlite.web.webmail.live.listing import Listing, Progress
from moxlite.web.webmail.live.view import Reset, View, replace_mailbox, resolve_all
from moxlite.web.webmail.reading.parsed import parse_message
from moxlite.web.webmail.settings import Settings
from moxlite.web.webmail.types import (
    Fatal,
    Keepalive,
    Page,
    ParsedMessage,
    Request,
    Resume,
    ServerShutdown,
    Start,
    StreamEvent,
    ViewErr,
    ViewMsgs,
    ViewProgress,
    ViewReset,
    ViewStale,
)

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.bus import Batch, Cursor
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.http.drain import Drain
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange, SharedChanges
    from moxlite.web.webmail.live.subscriptions import Visit, Visits
    from moxlite.web.webmail.reading.views import Views
    from moxlite.web.webmail.types import MessageItem, Query

__all__ = ["Facts", "Sink", "Stream", "required_query"]

logger = logging.getLogger("moxlite.web.webmail")

KEEPALIVE: Final = 30.0  # WEBMAIL-33: below the 45 s after which a browser reconnects, and the 60 s of common proxies
SESSION_CHECK: Final = 10.0  # WEBMAIL-18: seconds that a stream may outlive its session
PROGRESS: Final = 0.3  # seconds between two progress events of a search
FIRST_PAGE: Final = 50  # entries sent to a browser that expected to resume
GONE: Final = "This mailbox is no longer there."
UNREADABLE: Final = "This mailbox can't be read at the moment."
EVENT_SIZE: Final = 128 * 1024  # changes are sent in events of about this size, so that none is large (WEBMAIL-147)

encoder = msgspec.json.Encoder()


class Sink(Protocol):
    """Target of a stream's events. All methods raise ClientGone if the client does not read."""

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """Send one event as JSON. `modseq` is the state that the browser has reached with it, or None."""


class Facts(msgspec.Struct, frozen=True):
    """Values of the stream's first event, besides the mailboxes."""

    login_address: str
    addresses: list[str]
    rejects_mailbox: str
    introbox: str
    account_path: str
    version: str


class Stream:
    """One event stream. `run` serves it; other tasks may call `submit` and `end` meanwhile."""

    def __init__(
        self,
        stream_id: int,
        session: Session,
        home: Holder,
        facts: Facts,
        shared: SharedChanges,
        searching: trio.CapacityLimiter,
        visits: Callable[[Alarm], Visits],
        views: Views,
    ) -> None:
        """`searching` limits the account's searches that work at the same time. `visits` makes this stream's visits to
        accounts that share mailboxes; they wake the stream by its alarm. `views` is shared by all accounts.
        """
        self.stream_id: Final = stream_id
        self.session: Final = session
        self._home = home
        self._account = home.account
        self._facts = facts
        self._shared = shared
        self._searching = searching
        self._alarm = Alarm()
        self._visits = visits(self._alarm)
        self._views = views
        self._sent = 0.0  # time of the last event that was sent
        self._told = 0.0  # time of the last progress event that was sent
        self._drain: Drain | None = None
        self._request: Request | None = None
        self._newest = 0  # id of the newest request
        self._cancelled: int | None = None  # id of the view whose search the browser has cancelled
        self._ending: str | None = None
        self._waiting: trio.CancelScope | None = None
        self._view: View | Listing | None = None

    def submit(self, request: Request) -> None:
        """Request a view, or more of it; work on an earlier request ends. A request that arrives after a later one is
        dropped: the browser has sent both at once, over two connections. Or cancel a search.
        """
        if request.cancel:
            self._cancelled = request.view_id
        elif request.id >= self._newest:
            self._newest = request.id
            self._request = request
        self._wake()

    def end(self, message: str) -> None:
        """End the stream with this message to the user."""
        self._ending = self._ending or message
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    async def run(
        self, first: Request, since: int, sink: Sink, drain: Drain, alive: Callable[[Session], Awaitable[bool]]
    ) -> None:
        """Serve the stream until it ends.

        Args:
          first: the first request, with a query (`required_query`).
          since: the modseq that the browser has reached, 0 for a new page.
          alive: returns whether the session is still valid.

        Raises ClientGone.
        """
        try:
            async with self._visits:
                await self._serve(first, since, sink, drain, alive)
        except (StorageBroken, StorageBusy, StorageFull, Closed, ReadInterrupted, ChunkDamaged) as e:
            logger.warning("stream ended", extra={"kv": {"account": self.session.account, "err": e}})
            await self._send(sink, Fatal("the storage of this account does not answer as it should"))

    async def _serve(
        self, first: Request, since: int, sink: Sink, drain: Drain, alive: Callable[[Session], Awaitable[bool]]
    ) -> None:
        self._drain = drain
        self._newest = max(self._newest, first.id)
        cursor = await self._begin(first, since, sink)
        visits = self._visits
        with cursor:
            cursor.alarm = self._alarm
            checked = trio.current_time()
            while True:
                if drain.begun:
                    await self._send(sink, ServerShutdown())
                    return
                if trio.current_time() - checked >= SESSION_CHECK:
                    checked = trio.current_time()
                    if not await alive(self.session):
                        self.end("session no longer valid")
                    if visits.lost:
                        await self._tell_shared(cursor, sink)
                if self._ending is not None:
                    await self._send(sink, Fatal(self._ending))
                    return
                if self._request is not None:
                    request, self._request = self._request, None
                    await self._answer(request, sink)
                elif self._cancelled is not None:
                    await self._cancel(sink)
                elif cursor.pending():
                    if await self._tell(await cursor.take(), sink):
                        return
                    cursor.acknowledge(cursor.modseq)
                elif visits.changed:
                    await self._tell_shared(cursor, sink)
                elif (visit := visits.pending()) is not None:
                    await self._tell_visit(visit, cursor, sink)
                elif isinstance(self._view, Listing) and self._view.working:
                    await self._advance(self._view, sink)
                elif trio.current_time() - self._sent >= KEEPALIVE:
                    await self._send(sink, Keepalive())
                else:
                    await self._wait(cursor, drain, min(self._sent + KEEPALIVE, checked + SESSION_CHECK))

    async def _wait(self, cursor: Cursor, drain: Drain, deadline: float) -> None:
        """Sleep until there is work, or until the deadline."""
        with drain.waiting() as scope:
            scope.deadline = deadline
            self._waiting = scope
            try:
                await trio.lowlevel.checkpoint()
                while self._ending is None and not self._asked and not self._news(cursor):
                    await self._alarm.sleep()
            finally:
                self._waiting = None

    @property
    def _asked(self) -> bool:
        """Whether the browser waits for an answer."""
        return self._request is not None or self._cancelled is not None

    def _news(self, cursor: Cursor) -> bool:
        """Whether there are events to send."""
        return cursor.pending() or self._visits.changed or self._visits.pending() is not None

    async def _begin(self, first: Request, since: int, sink: Sink) -> Cursor:
        """Send the first event: `resume` if the change log reaches back to the browser's modseq, else `start` with all
        mailboxes.
        """
        query = required_query(first)
        await self._visits.look()
        try:
            holder, wanted = self._visits.whose(query)
        except NoSuchMailbox:  # no longer shared
            holder, wanted = self._home, replace_mailbox(query, 0)
        at_home = holder is self._home
        if since > 0 and at_home:
            state = await self._account.read(mailbox_rows.state, op="webmail_resume")
            if state.highest_purged_modseq <= since <= state.modseq:
                return await self._resume(first, wanted, ModSeq(since), sink)
        (mailboxes, opened, settings), cursor = await self._account.subscribe(
            lambda r: (
                mailbox_rows.mailboxes(r),
                self._resolve_first(r, wanted if at_home else replace_mailbox(query, 0)),
                load_settings(r, Settings),
            ),
            op="webmail_start",
        )
        try:
            if not at_home:
                try:
                    opened = await self._resolve(holder, wanted)
                except StoreError:  # the rights were taken back, or the account was removed, in this moment
                    holder, wanted = self._home, replace_mailbox(query, 0)
            start = Start(
                stream_id=self.stream_id,
                login_address=self._facts.login_address,
                addresses=self._facts.addresses,
                mailboxes=[*map(mailbox_of, mailboxes), *self._visits.tell()],
                mailbox_name=holder.shown(opened[0].name) if query.filter.mailbox_id >= 0 else "",
                rejects_mailbox=self._facts.rejects_mailbox,
                introbox=self._facts.introbox,
                account_path=self._facts.account_path,
                version=self._facts.version,
                modseq=cursor.modseq,
                server_time=datetime.now(UTC),
                capabilities=[],
                settings=settings,
            )
            await self._send(sink, start, cursor.modseq)
            page = first.page or Page(FIRST_PAGE)
            await self._open(msgspec.structs.replace(first, page=page), wanted, opened, holder, sink)
        except BaseException:
            cursor.close()
            raise
        return cursor

    async def _resume(self, first: Request, query: Query, since: ModSeq, sink: Sink) -> Cursor:
        opened, cursor = await self._account.subscribe(
            lambda r: self._resolve_first(r, query), op="webmail_resume", since=since
        )
        try:
            self._view = self._make_view(first.view_id, query, opened, self._home)
            await self._view.resume(first.page)
            shared = self._visits.tell()
            await self._send(sink, Resume(self.stream_id, self._facts.version, since, datetime.now(UTC), shared))
        except BaseException:
            cursor.close()
            raise
        return cursor

    async def _answer(self, request: Request, sink: Sink) -> None:
        """Answer a later request: for another view, or for more of the current one."""
        view = self._view
        if request.page is None:
            return
        if view is not None and request.view_id == view.view_id:
            await self._send_page(view, request, sink, opening=False)
            return
        query = request.query
        if query is None:
            await self._send(sink, ViewErr(request.view_id, request.id, "a new view needs a query"))
            return
        try:
            holder, wanted = self._visits.whose(query)
            opened = await self._resolve(holder, wanted)
        except NoSuchMailbox:
            await self._send(sink, ViewErr(request.view_id, request.id, GONE))
            return
        await self._open(request, wanted, opened, holder, sink)

    async def _cancel(self, sink: Sink) -> None:
        """End the search that the browser has cancelled; entries that were found stay."""
        view_id, self._cancelled = self._cancelled, None
        view = self._view
        if isinstance(view, Listing) and view.view_id == view_id and view.working:
            view.stop()
            await self._tell_progress(view, sink)

    async def _resolve(self, holder: Holder, query: Query) -> list[Mailbox]:
        rejects = self._facts.rejects_mailbox
        return await holder.account.read(lambda r: resolve_all(r, query, rejects, holder), op="webmail_view")

    async def _open(self, request: Request, query: Query, mailboxes: list[Mailbox], holder: Holder, sink: Sink) -> None:
        self._view = view = self._make_view(request.view_id, query, mailboxes, holder)
        if isinstance(view, Listing) and not await view.threads_ready():  # WEBMAIL-68
            message = "The threads of this account are still being put together."
            await self._send(sink, ViewErr(request.view_id, request.id, message, unthreaded=True))
            return
        await self._send_page(view, request, sink, opening=True)

    def _make_view(self, view_id: int, query: Query, mailboxes: list[Mailbox], holder: Holder) -> View | Listing:
        if is_plain(query):
            return View(view_id, query, mailboxes[0].id, holder)
        scope = Scope(holder, frozenset([box.id for box in mailboxes]))
        return Listing(view_id, query, [scope, *self._shared_scopes(query)], self._searching)

    def _shared_scopes(self, query: Query) -> list[Scope]:
        """The mailboxes of others that a query over all mailboxes includes (WEBMAIL-38)."""
        return self._visits.scopes(query.filter.mailbox_id, self._facts.rejects_mailbox)

    def _resolve_first(self, r: Reader, query: Query) -> list[Mailbox]:
        """As `resolve_all`, for the first view of a stream: Inbox replaces a mailbox that has gone meanwhile."""
        rejects = self._facts.rejects_mailbox
        try:
            return resolve_all(r, query, rejects, self._home)
        except NoSuchMailbox:
            return resolve_all(r, replace_mailbox(query, 0), rejects, self._home)

    async def _advance(self, view: Listing, sink: Sink) -> None:
        """Search one step further, after the requested pages are sent."""
        try:
            await view.advance()
        except StoreError as e:
            await self._end_view(view, 0, e, sink)
            return
        await self._tell_progress(view, sink)
        await self._tell_stale(sink)

    async def _end_view(self, view: View | Listing, request_id: int, error: StoreError, sink: Sink) -> None:
        """End a view whose mailbox is no longer shared, or cannot be read. Raises the error for a mailbox of the user's
        own.
        """
        gone = isinstance(error, NoSuchMailbox)
        if not gone and not view.scopes[0].holder.guest:
            raise error
        self._view = None
        await self._send(sink, ViewErr(view.view_id, request_id, GONE if gone else UNREADABLE))

    async def _tell_stale(self, sink: Sink, *, changed: bool = False) -> None:
        """Notify the browser if entries have changed, by events (`changed`) or for other reasons."""
        view = self._view
        if isinstance(view, Listing) and (changed or view.stale):
            view.stale = False
            await self._send(sink, ViewStale(view.view_id))

    async def _tell_progress(self, view: Listing, sink: Sink) -> None:
        """Send the progress of a search, every 0.3 s and at its end. If the client has gone, sending fails."""
        if view.working and trio.current_time() - self._told < PROGRESS:
            return
        self._told = trio.current_time()
        looked, of = view.progress
        left_out = sorted(view.left_out | self._visits.unread) if view.everywhere else []
        found = ViewProgress(view.view_id, view.total, view.messages, looked, of, view.end, view.stopped, left_out)
        await self._send(sink, found)

    async def _send_page(self, view: View | Listing, request: Request, sink: Sink, *, opening: bool) -> None:
        try:
            await self._send_entries(view, request, sink, opening=opening)
        except StoreError as e:
            await self._end_view(view, request.id, e, sink)
        await self._tell_stale(sink)

    async def _send_entries(self, view: View | Listing, request: Request, sink: Sink, *, opening: bool) -> None:
        wanted = request.page
        if wanted is None:
            return
        opened = not opening
        position = total = 0
        async with aclosing(view.more(wanted)) as slices:
            async for found in slices:
                if self._request is not None or self._ending is not None or (self._drain and self._drain.begun):
                    return
                if self._cancelled is not None:
                    await self._cancel(sink)
                if isinstance(found, Progress):
                    if isinstance(view, Listing):
                        await self._tell_progress(view, sink)
                    continue
                if isinstance(found, Reset):
                    await self._send(sink, ViewReset(view.view_id, request.id))
                    continue
                position, total = found.position + len(found.items), found.total
                if not found.items:
                    continue
                parsed = None
                if not opened:
                    parsed = await self._open_message(view, found.items, wanted.dest_message_id)
                    opened = parsed is not None or not wanted.dest_message_id
                page = ViewMsgs(view.view_id, request.id, found.items, found.position, total, False, parsed)
                await self._send(sink, page)
        at_end = not wanted.before and position >= total and view.end
        await self._send(sink, ViewMsgs(view.view_id, request.id, [], position, total, at_end))

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
            async with self._views.shown(self.session.account):
                return await parse_message(holder, message_id)
        except Unavailable:
            return None  # the page requests it when it shows it
        except StoreError as e:
            if holder.guest or isinstance(e, (NoSuchMessage, ChunkDamaged)):
                return None
            raise

    async def _tell(self, batch: Batch, sink: Sink) -> bool:
        """Send the changes of a batch. Returns True if the account closes and its subscribers must end."""
        view = self._view
        events = batch.events
        closing = bool(events) and isinstance(events[-1], AccountClosing)
        changes = await self._shared.encode(self._account, events[:-1] if closing else events)
        wanted = [change for change in changes if view is None or view.wants(change, self._home)]
        await self._send_changes(wanted, batch.modseq, sink, more=batch.more)
        if isinstance(view, Listing) and not closing:
            await self._tell_stale(sink, changed=await view.follow(events, self._home))
        if closing:
            await self._send(sink, Fatal("the account is closed for now"))
        return closing

    async def _tell_shared(self, cursor: Cursor, sink: Sink) -> None:
        """Check which mailboxes are shared with the user now, and send the new list if it has changed."""
        await self._visits.look()
        changed = self._review()
        if news := self._visits.news():
            await self._send_changes(news, cursor.modseq, sink)
        await self._tell_stale(sink, changed=changed)

    async def _tell_visit(self, visit: Visit, cursor: Cursor, sink: Sink) -> None:
        """Send events of an account that shares mailboxes, limited to the mailboxes that the user may read now."""
        heard = await self._visits.hear(visit)
        changed = self._review()
        view = self._view
        told = [change for change in heard.of_messages if view is not None and view.wants(change, visit.holder)]
        told += heard.of_boxes
        if told:
            await self._send_changes(told, cursor.modseq, sink)
        if isinstance(view, Listing):
            changed |= await view.follow(heard.events, visit.holder)
        await self._tell_stale(sink, changed=changed)

    def _review(self) -> bool:
        """Check the view against the mailboxes that are shared now. A view of a mailbox that may no longer be read
        ends; the browser notices by the list of mailboxes. For a view over all mailboxes, returns whether its entries
        may have changed.
        """
        view = self._view
        if isinstance(view, Listing) and view.everywhere:
            return view.look_into([view.scopes[0], *self._shared_scopes(view.query)])
        if view is not None and not all(map(self._visits.allows, view.scopes)):
            self._view = None
        return False

    async def _send_changes(
        self, changes: list[EncodedChange], modseq: ModSeq, sink: Sink, *, more: bool = False
    ) -> None:
        """Send changes in one or more `view_changes`. The JSON is joined from parts that all streams share."""
        view_id = 0 if self._view is None else self._view.view_id
        at = 0
        while True:
            size = 0
            start = at
            while at < len(changes) and size < EVENT_SIZE:
                size += len(changes[at].data)
                at += 1
            goes_on = more or at < len(changes)
            head = b'{"kind":"view_changes","view_id":%d,"modseq":%d,"more":%s,"changes":[' % (
                view_id,
                modseq,
                b"true" if goes_on else b"false",
            )
            data = head + b",".join(change.data for change in changes[start:at]) + b"]}"
            await sink.send("view_changes", data, None if goes_on else modseq)
            self._sent = trio.current_time()
            if at >= len(changes):
                return

    async def _send(self, sink: Sink, event: StreamEvent, modseq: int | None = None) -> None:
        await sink.send(str(event.__struct_config__.tag), encoder.encode(event), modseq)
        self._sent = trio.current_time()


def required_query(first: Request) -> Query:
    """The query of a stream's first request. Raises UserError if there is no query."""
    if first.query is None:
        raise UserError("request: a stream begins with a query")
    return first.query
