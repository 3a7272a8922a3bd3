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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store import types as store
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
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.history import epoch_mark
from moxlite.store.types import AccountClosing, ModSeq
from moxlite.wakeup import Alarm, Wakeup
from moxlite.web.errors import Unavailable
from moxlite.web.preferences import shown_settings
from moxlite.web.webmail.filters import is_plain
from moxlite.web.webmail.holders import Scope
from moxlite.web.webmail.items import linked_mailboxes, mailbox_of
from moxlite.web.webmail.live.changes import encoded
from moxlite.web.webmail.live.context import EventWriter, PendingRequest, required_query
from moxlite.web.webmail.live.importing import RunningImports
from moxlite.web.webmail.live.listing import Listing, Progress
from moxlite.web.webmail.live.view import Reset, View, replace_mailbox, resolve_all
from moxlite.web.webmail.querytypes import INBOXES, Page, Request
from moxlite.web.webmail.reading.parsed import parse_message
from moxlite.web.webmail.types import (
    Alarmed,
    CollectionChanged,
    Fatal,
    Keepalive,
    ParsedMessage,
    Resume,
    ServerShutdown,
    Start,
    ViewErr,
    ViewMsgs,
    ViewProgress,
    ViewReset,
    ViewStale,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.bus import Batch, Cursor
    from moxlite.store.delivery.status import Deliveries
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.http.errors import Drain
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.notices.service import Notices
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange
    from moxlite.web.webmail.live.context import Context, Since, Sink
    from moxlite.web.webmail.live.subscriptions import AccountSubscription, AccountSubscriptions
    from moxlite.web.webmail.querytypes import Query
    from moxlite.web.webmail.types import MessageItem

# The view that a stream shows, and the sending of its pages (WEBMAIL-36..42).


PROGRESS: Final = 0.3  # seconds between two progress events of a search
GONE: Final = "This folder no longer exists."
UNTHREADED: Final = "This account's conversations are still being prepared."
UNREADABLE: Final = "This folder can't be opened right now."

OF_INBOXES: Final = (store.MailboxAdded, store.MailboxRemoved, store.MailboxRenamed, store.LinksChanged)
"""Events after which the user may have other inboxes."""


class ShownView:
    """The view of one stream. `view` is None where the browser shows none that the server knows."""

    def __init__(
        self, context: Context, visits: AccountSubscriptions, asked: PendingRequest, out: EventWriter, drain: Drain
    ) -> None:
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
            await self._out.send(ViewErr(request.view_id, request.id, "a new view must include a query"))
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
            view.view_id, now.total, now.messages, now.looked, now.of, now.end, now.stopped, left_out, now.index
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
                return await parse_message(holder, message_id, self._context.own)
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


logger = logging.getLogger("moxlite.web.webmail")

KEEPALIVE: Final = 30.0  # WEBMAIL-33: below the 45 s after which a browser reconnects, and the 60 s of common proxies
SESSION_CHECK: Final = 10.0  # WEBMAIL-18: seconds that a stream may outlive its session
FIRST_PAGE: Final = 50  # entries sent to a browser that expected to resume

Alive = Callable[["Session"], Awaitable[bool]]
"""Whether a session is still valid."""


class Stream:
    """One event stream. `run` serves it; other tasks may call `submit` and `end` meanwhile."""

    def __init__(
        self,
        stream_id: int,
        session: Session,
        context: Context,
        visits: Callable[[Alarm], AccountSubscriptions],
        imports: BrowserImports,
        notices: Notices,
        deliveries: Deliveries | None,
    ) -> None:
        """`visits` makes this stream's visits to accounts that share mailboxes; they wake the stream by its alarm, and
        so do the user's `imports`, alarms of the calendar, of which `notices` know, and `deliveries`.
        """
        self.stream_id: Final = stream_id
        self.session: Final = session
        self._context = context
        self._alarm = Alarm()
        self._visits = visits(self._alarm)
        self._importing = RunningImports(imports, session.account, self._alarm)
        self._notices = notices
        self._bell = Wakeup(alarm=self._alarm)
        self._deliveries = deliveries
        self._departures = Wakeup(alarm=self._alarm)
        self._asked = PendingRequest()
        self._ends_idle = False

    def submit(self, request: Request) -> None:
        """Request a view, or more of it; work on an earlier request ends. Or cancel a search."""
        self._asked.submit(request)

    def end_idle(self, asked: Request | None) -> None:
        """Answer this request after the first one, and end when there is nothing more to send."""
        self._ends_idle = True
        if asked is not None:
            self._asked.submit(asked)

    def end(self, message: str) -> None:
        """End the stream with this message to the user."""
        self._asked.end(message)

    def doubt(self) -> None:
        """Have the stream look at once whether its session is still valid."""
        self._asked.doubt()

    @property
    def ending(self) -> bool:
        """Whether the stream was told to end."""
        return self._asked.ending is not None

    async def run(self, first: Request, since: Since, sink: Sink, drain: Drain, alive: Alive) -> None:
        """Serve the stream until it ends.

        Args:
          first: the first request, with a query (`required_query`).
          alive: returns whether the session is still valid.

        Raises ClientGone.
        """
        out = EventWriter(sink)
        try:
            async with self._visits:
                shown = ShownView(self._context, self._visits, self._asked, out, drain)
                telling = _ChangeSender(self._context, self._visits, shown, out)
                cursor = await _begin(self.stream_id, telling, self._asked, first, since)
                if since.modseq == 0:
                    self._importing.skip_ended()
                else:  # one may have come while the page was not connected
                    self._bell.set()
                with cursor, self._importing.watch(), self._watching():
                    cursor.alarm = self._alarm
                    await self._serve(cursor, telling, drain, alive)
        except (StorageBroken, StorageBusy, StorageFull, Closed, ReadInterrupted, ChunkDamaged) as e:
            logger.warning("event stream failed", extra={"kv": {"account": self.session.account, "err": e}})
            await out.send(Fatal("this account's storage isn't working properly"))

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Let alarms of the calendar and changes of the queue wake the stream, within the block."""
        account = self.session.account
        with ExitStack() as stack:
            stack.enter_context(self._notices.heard(account, self._bell))
            if self._deliveries is not None:
                stack.enter_context(self._deliveries.watch(account, self._departures))
            yield

    async def _serve(self, cursor: Cursor, telling: _ChangeSender, drain: Drain, alive: Alive) -> None:
        asked, visits, shown, out = self._asked, self._visits, telling.shown, telling.out
        checked = trio.current_time()
        while True:
            if drain.begun:
                await out.send(ServerShutdown())
                return
            if asked.doubted or trio.current_time() - checked >= SESSION_CHECK:
                checked, asked.doubted = trio.current_time(), False
                if not await alive(self.session):
                    self.end("session no longer valid")
                if visits.lost:
                    await telling.tell_shared(cursor)
            if asked.ending is not None:
                await out.send(Fatal(asked.ending))
                return
            if (request := asked.take_request()) is not None:
                await shown.answer(request)
            elif asked.waits:  # it can only be the end of a search: a request was taken above
                await shown.cancel()
            # Changes come before a search: under a flood of them the search waits, whose results they would void.
            elif cursor.pending():
                if await telling.tell(await cursor.take()):
                    return
                cursor.acknowledge(cursor.modseq)
            elif visits.changed:
                await telling.tell_shared(cursor)
            elif (visit := visits.pending()) is not None:
                await telling.tell_visit(visit, cursor)
            elif self._importing.news():
                for state in self._importing.take():
                    await out.send(state)
            elif self._bell.is_set:
                self._bell.clear()
                await out.send(Alarmed())
            elif self._departures.is_set:
                self._departures.clear()
                changes = [encoded(CollectionChanged("departure", 0))]
                await out.send_changes(telling.view_id, changes, cursor.modseq)
            elif shown.working:
                await shown.advance()
            elif self._ends_idle:
                return
            elif trio.current_time() - out.sent >= KEEPALIVE:
                await out.send(Keepalive())
            else:
                await self._wait(
                    cursor, drain, min(out.sent + KEEPALIVE, checked + SESSION_CHECK, self._importing.due())
                )

    async def _wait(self, cursor: Cursor, drain: Drain, deadline: float) -> None:
        """Sleep until there is work, or until the deadline."""
        with drain.waiting() as scope, self._asked.waking(scope):
            scope.deadline = deadline
            await trio.lowlevel.checkpoint()
            # Looked at inside of the scope: what is asked from here on cancels it, so nothing can come in between.
            while not self._asked.waits and not self._news(cursor):
                await self._alarm.sleep()

    def _news(self, cursor: Cursor) -> bool:
        """Whether there are events to send."""
        flags = self._bell.is_set or self._departures.is_set or self._visits.changed
        return cursor.pending() or flags or self._visits.pending() is not None or self._importing.news()


class _ChangeSender(msgspec.Struct, frozen=True, eq=False):
    """Sends changes of the account and of shared mailboxes, as far as the shown view wants them."""

    context: Context
    visits: AccountSubscriptions
    shown: ShownView
    out: EventWriter

    @property
    def view_id(self) -> int:
        """Id of the shown view, else 0."""
        return 0 if self.shown.view is None else self.shown.view.view_id

    async def tell(self, batch: Batch) -> bool:
        """Send the changes of a batch. Returns True if the account closes and its subscribers must end."""
        shown, home = self.shown, self.context.home
        events = batch.events
        closing = bool(events) and isinstance(events[-1], AccountClosing)
        changes = await self.context.shared.encode(home.account, events[:-1] if closing else events)
        encoded_changes = [change for change in changes if shown.wants(change, home)]
        await self.out.send_changes(self.view_id, encoded_changes, batch.modseq, more=batch.more)
        if not closing:
            changed = any(isinstance(event, OF_INBOXES) for event in events) and await shown.review()
            await shown.tell_stale(changed=await shown.follow(events, home) or changed)
        else:
            await self.out.send(Fatal("the account is closed for now"))
        return closing

    async def tell_shared(self, cursor: Cursor) -> None:
        """Check which mailboxes are shared with the user now, and send the new list if it has changed."""
        await self.visits.look()
        changed = await self.shown.review()
        if news := self.visits.news():
            await self.out.send_changes(self.view_id, news, cursor.modseq)
        await self.shown.tell_stale(changed=changed)

    async def tell_visit(self, visit: AccountSubscription, cursor: Cursor) -> None:
        """Send events of an account that shares mailboxes, limited to the mailboxes that the user may read now."""
        heard = await self.visits.hear(visit)
        changed = await self.shown.review()
        view = self.shown.view
        encoded_changes = [
            change for change in heard.of_messages if view is not None and view.wants(change, visit.holder)
        ]
        encoded_changes += heard.of_boxes
        if encoded_changes:
            await self.out.send_changes(self.view_id, encoded_changes, cursor.modseq)
        changed |= await self.shown.follow(heard.events, visit.holder)
        await self.shown.tell_stale(changed=changed)


async def _begin(stream_id: int, telling: _ChangeSender, asked: PendingRequest, first: Request, since: Since) -> Cursor:
    """Send the first event: `resume` if the change log reaches back to what the browser knows, else `start` with all
    mailboxes.
    """
    context, visits = telling.context, telling.visits
    asked.newest = max(asked.newest, first.id)
    query = required_query(first)
    await visits.look()
    try:
        holder, wanted = visits.whose(query)
    except NoSuchMailbox:  # no longer shared
        holder, wanted = context.home, replace_mailbox(query, 0)
    if since.modseq > 0 and holder is context.home:
        state, epoch = await context.home.account.read(
            lambda r: (mailbox_rows.state(r), epoch_mark(r)), op="webmail_resume"
        )
        if since.epoch == epoch and state.highest_purged_modseq <= since.modseq <= state.modseq:
            return await _resume(stream_id, telling, first, wanted, ModSeq(since.modseq))
    return await _start(stream_id, telling, first, wanted, holder)


async def _start(stream_id: int, telling: _ChangeSender, first: Request, query: Query, holder: Holder) -> Cursor:
    """Send `start` and the first page of a view."""
    context, visits, shown, out = telling.context, telling.visits, telling.shown, telling.out
    at_home, inbox = holder is context.home, replace_mailbox(required_query(first), 0)
    (mailboxes, opened, settings, links, epoch), cursor = await context.home.account.subscribe(
        lambda r: (
            mailbox_rows.mailboxes(r),
            shown.resolve_first(r, query if at_home else inbox),
            shown_settings(r),
            linked_mailboxes(r),
            epoch_mark(r),
        ),
        op="webmail_start",
    )
    try:
        if not at_home:
            try:
                opened = await shown.resolve(holder, query)
            except StoreError:  # the rights were taken back, or the account was removed, in this moment
                holder, query = context.home, inbox
        facts = context.facts
        start = Start(
            stream_id=stream_id,
            login_address=facts.login_address,
            addresses=facts.addresses,
            mailboxes=[*map(mailbox_of, mailboxes), *visits.tell()],
            mailbox_name=holder.shown(opened[0].name) if query.filter.mailbox_id >= 0 else "",
            rejects_mailbox=facts.rejects_mailbox,
            introbox=facts.introbox,
            storage_limit=facts.storage_limit,
            account_path=facts.account_path,
            version=facts.version,
            modseq=cursor.modseq,
            epoch=epoch,
            server_time=datetime.now(UTC),
            capabilities=facts.capabilities,
            settings=settings,
            links=links,
        )
        await out.send(start, cursor.modseq)
        page = first.page or Page(FIRST_PAGE)
        await shown.open(msgspec.structs.replace(first, page=page), query, opened, holder)
    except BaseException:
        cursor.close()
        raise
    return cursor


async def _resume(stream_id: int, telling: _ChangeSender, first: Request, query: Query, since: ModSeq) -> Cursor:
    """Send `resume`: the changes since the browser's modseq follow."""
    context, shown = telling.context, telling.shown
    (opened, links), cursor = await context.home.account.subscribe(
        lambda r: (shown.resolve_first(r, query), linked_mailboxes(r)), op="webmail_resume", since=since
    )
    try:
        await shown.resume(first, query, opened)
        shared = telling.visits.tell()
        await telling.out.send(Resume(stream_id, context.facts.version, since, datetime.now(UTC), shared, links))
    except BaseException:
        cursor.close()
        raise
    return cursor
