"""Event streams: what a browser hears of its account, over SSE or a websocket (WEBMAIL-30..46, 115).

Theory of operation
-------------------
A stream is a cursor on the account's change bus and one task. The task waits until the cursor has something, a request
has come, or it is time to say that the line still stands; then it sends, and the sending is what holds it back: nothing
is taken from the bus while octets are unsent, so a browser that stops reading is a cursor that falls behind, and gets
the coalesced changes from the database later. A batch of the bus is at most some 1,500 changes of 700 octets, which
bounds what one stream holds. What a change looks like is made once per account (`changes.py`).
"""

from __future__ import annotations

import base64
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakValueDictionary

import msgspec
import trio

from moxlite.bell import Alarm
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
from moxlite.store.rows.conversations import threads_ready
from moxlite.store.types import AccountClosing, ModSeq
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.changes import SharedChanges
from moxlite.web.webmail.filters import is_plain
from moxlite.web.webmail.items import mailbox_of
from moxlite.web.webmail.listing import Listing, Progress
from moxlite.web.webmail.parsed import parse_message
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
from moxlite.web.webmail.view import Reset, View, replace_mailbox, resolve_all
from moxlite.web.webmail.visits import Visits

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.bus import Batch, Cursor
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox
    from moxlite.web.http.drain import Drain
    from moxlite.web.webmail.changes import EncodedChange
    from moxlite.web.webmail.holders import Holder, Holders
    from moxlite.web.webmail.types import MessageItem, Query
    from moxlite.web.webmail.visits import Visit

__all__ = ["Facts", "Sink", "Stream", "Streams", "TooManyStreams", "required_query"]

logger = logging.getLogger("moxlite.web.webmail")

KEEPALIVE: Final = 30.0  # WEBMAIL-33: below the 45 s after which a browser comes anew, and the 60 s of common proxies
SESSION_CHECK: Final = 10.0  # WEBMAIL-18: how long a stream may outlive its session
TOKEN_AGE: Final = 60.0  # WEBMAIL-30
TOKEN_SIZE: Final = 16
MAX_TOKENS: Final = 200  # per account: as many as there may be streams that connect at once
MAX_PER_SESSION: Final = 100  # WEBMAIL-115
MAX_PER_ACCOUNT: Final = 200
MAX_STREAMS: Final = 2000
MAX_SEARCHES: Final = 2  # of an account that work at the same time (WEBMAIL-115)
PROGRESS: Final = 0.3  # seconds between two words about a search
FIRST_PAGE: Final = 50  # for a browser that took a resumption for granted
GONE: Final = "This mailbox is no longer there."
EVENT_SIZE: Final = 128 * 1024  # changes are sent in events of about this size, so that none is large (WEBMAIL-147)

encoder = msgspec.json.Encoder()


class TooManyStreams(Exception):
    """The server has as many streams as it may have (WEBMAIL-115)."""


class Sink(Protocol):
    """Where a stream sends to. All raise ClientGone when the client does not take what is sent."""

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """One event as JSON; `modseq` is what the browser has reached with it."""


class ThreadsNotReady(Exception):
    """The threads of this account are still being put together (WEBMAIL-68)."""


class Facts(msgspec.Struct, frozen=True):
    """What a stream tells at its start besides mailboxes."""

    login_address: str
    addresses: list[str]
    rejects_mailbox: str
    introbox: str
    account_path: str
    version: str


class Stream:
    """One stream. `run` is its life; `submit` and `end` may be called by others meanwhile."""

    def __init__(
        self,
        stream_id: int,
        session: Session,
        home: Holder,
        facts: Facts,
        shared: SharedChanges,
        searching: trio.CapacityLimiter,
        visits: Callable[[Alarm], Visits],
    ) -> None:
        """`searching`: how many searches of this account may work at the same time; `visits` makes those of the stream
        at accounts that share mailboxes, which ring its alarm.
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
        self._sent = 0.0  # when the browser heard anything last
        self._told = 0.0  # when it heard of the search last
        self._drain: Drain | None = None
        self._request: Request | None = None
        self._ending: str | None = None
        self._waiting: trio.CancelScope | None = None
        self._view: View | Listing | None = None

    def submit(self, request: Request) -> None:
        """Ask for a view or for more of it; what runs for an earlier request ends."""
        self._request = request
        self._wake()

    def end(self, message: str) -> None:
        """Have the stream end with this word to the user."""
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
          first: with a query (`required_query`).
          since: the modseq that the browser has reached, 0 for a new one.
          alive: tells whether the session still stands.

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
                elif cursor.pending():
                    if await self._tell(await cursor.take(), sink):
                        return
                    cursor.acknowledge(cursor.modseq)
                elif visits.changed:
                    await self._tell_shared(cursor, sink)
                elif (visit := visits.pending()) is not None:
                    await self._tell_visit(visit, cursor, sink)
                elif isinstance(self._view, Listing) and self._view.working:
                    await self._view.advance()
                    await self._tell_progress(self._view, sink)
                elif trio.current_time() - self._sent >= KEEPALIVE:
                    await self._send(sink, Keepalive())
                else:
                    await self._wait(cursor, drain, min(self._sent + KEEPALIVE, checked + SESSION_CHECK))

    async def _wait(self, cursor: Cursor, drain: Drain, deadline: float) -> None:
        """Sleep until there is something to do, or to look at."""
        with drain.waiting() as scope:
            scope.deadline = deadline
            self._waiting = scope
            try:
                await trio.lowlevel.checkpoint()
                while self._request is None and self._ending is None and not self._news(cursor):
                    await self._alarm.sleep()
            finally:
                self._waiting = None

    def _news(self, cursor: Cursor) -> bool:
        """Whether there is something to tell."""
        return cursor.pending() or self._visits.changed or self._visits.pending() is not None

    async def _begin(self, first: Request, since: int, sink: Sink) -> Cursor:
        """The first event: `start` with all mailboxes, or `resume` when the change log reaches back to what the browser
        has.
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
                except StoreError:  # the rights, or the account, have gone in this moment
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
        """A request that came later: another view, or more of this one."""
        view = self._view
        same = view is not None and request.view_id == view.view_id
        if request.cancel:
            if same and isinstance(view, Listing) and view.working:
                view.stop()
                await self._tell_progress(view, sink)
            return
        if request.page is None:
            return
        if view is not None and same:
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

    async def _resolve(self, holder: Holder, query: Query) -> list[Mailbox]:
        rejects = self._facts.rejects_mailbox
        return await holder.account.read(lambda r: resolve_all(r, query, rejects, holder), op="webmail_view")

    async def _open(self, request: Request, query: Query, mailboxes: list[Mailbox], holder: Holder, sink: Sink) -> None:
        self._view = view = self._make_view(request.view_id, query, mailboxes, holder)
        if query.threading != "off" and not await holder.account.read(threads_ready, op="webmail_view"):
            # WEBMAIL-68
            message = "The threads of this account are still being put together."
            await self._send(sink, ViewErr(request.view_id, request.id, message, unthreaded=True))
            return
        await self._send_page(view, request, sink, opening=True)

    def _make_view(self, view_id: int, query: Query, mailboxes: list[Mailbox], holder: Holder) -> View | Listing:
        ids = [box.id for box in mailboxes]
        if is_plain(query):
            return View(view_id, query, ids[0], holder)
        return Listing(view_id, query, ids, holder, self._searching)

    def _resolve_first(self, r: Reader, query: Query) -> list[Mailbox]:
        """As `resolve_all`, for the first view of a stream: a mailbox that has gone meanwhile is Inbox."""
        rejects = self._facts.rejects_mailbox
        try:
            return resolve_all(r, query, rejects, self._home)
        except NoSuchMailbox:
            return resolve_all(r, replace_mailbox(query, 0), rejects, self._home)

    async def _tell_progress(self, view: Listing, sink: Sink) -> None:
        """How far a search is, each 0.3 s and at its end; what has gone meanwhile is noticed by the sending."""
        if view.working and trio.current_time() - self._told < PROGRESS:
            return
        self._told = trio.current_time()
        looked, of = view.progress
        await self._send(sink, ViewProgress(view.view_id, view.total, looked, of, view.end, view.stopped))

    async def _send_page(self, view: View | Listing, request: Request, sink: Sink, *, opening: bool) -> None:
        try:
            await self._send_entries(view, request, sink, opening=opening)
        except NoSuchMailbox:  # of another, who has taken the rights back
            self._view = None
            await self._send(sink, ViewErr(view.view_id, request.id, GONE))

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
                    parsed = await self._open_message(view.holder, found.items, wanted.dest_message_id)
                    opened = parsed is not None or not wanted.dest_message_id
                page = ViewMsgs(view.view_id, request.id, found.items, found.position, total, False, parsed)
                await self._send(sink, page)
        at_end = not wanted.before and position >= total and view.end
        await self._send(sink, ViewMsgs(view.view_id, request.id, [], position, total, at_end))

    async def _open_message(
        self, holder: Holder, threads: list[list[MessageItem]], destination: int
    ) -> ParsedMessage | None:
        """The message that will be read first: the one asked for, if it comes with these, else the first."""
        message_id = destination or threads[0][0].id
        if all(item.id != message_id for thread in threads for item in thread):
            return None
        try:
            return await parse_message(holder, message_id)
        except (NoSuchMessage, ChunkDamaged):
            return None

    async def _tell(self, batch: Batch, sink: Sink) -> bool:
        """Send the changes of a batch; True when the account wants its subscribers to end."""
        view = self._view
        events = batch.events
        closing = bool(events) and isinstance(events[-1], AccountClosing)
        changes = await self._shared.encode(self._account, events[:-1] if closing else events)
        at_home = view is None or view.holder is self._home
        wanted = [
            change for change in changes if view is None or (view.wants(change) if at_home else change.mailbox_id == 0)
        ]
        await self._send_changes(wanted, batch.modseq, sink, more=batch.more)
        if isinstance(view, Listing) and at_home and not closing and await view.follow(events):
            await self._send(sink, ViewStale(view.view_id))
        if closing:
            await self._send(sink, Fatal("the account is closed for now"))
        return closing

    async def _tell_shared(self, cursor: Cursor, sink: Sink) -> None:
        """Who shares mailboxes may be another: tell of all that are shared now, if they are others."""
        await self._visits.look()
        self._drop_view()
        if news := self._visits.news():
            await self._send_changes(news, cursor.modseq, sink)

    async def _tell_visit(self, visit: Visit, cursor: Cursor, sink: Sink) -> None:
        """Send what has happened at an account that shares mailboxes: only what the user may read now."""
        heard = await self._visits.hear(visit)
        self._drop_view()
        view = self._view
        if view is not None and view.holder is not visit.holder:
            view = None
        told = [change for change in heard.of_messages if view is not None and view.wants(change)] + heard.of_boxes
        if told:
            await self._send_changes(told, cursor.modseq, sink)
        if isinstance(view, Listing) and await view.follow(heard.events):
            await self._send(sink, ViewStale(view.view_id))

    def _drop_view(self) -> None:
        """End a view of what the user may no longer read; the browser hears it by the mailboxes that are left."""
        view = self._view
        if view is None or view.holder is self._home:
            return
        visit = self._visits.of(view.holder.number)
        if visit is None or visit.holder is not view.holder or not view.mailboxes <= visit.boxes.keys():
            self._view = None

    async def _send_changes(
        self, changes: list[EncodedChange], modseq: ModSeq, sink: Sink, *, more: bool = False
    ) -> None:
        """Changes in one or more `view_changes`; the JSON is put together from parts that all streams share."""
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
    """The query that a stream begins with. Raises UserError."""
    if first.query is None:
        raise UserError("request: a stream begins with a query")
    return first.query


class _Token(msgspec.Struct, frozen=True):
    session: Session
    expires: float


class Streams:
    """All streams of the server, and the tokens by which they are opened."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders
        self._of_guests: WeakValueDictionary[int, SharedChanges] = WeakValueDictionary()
        self._tokens: dict[str, OrderedDict[str, _Token]] = {}
        self._streams: OrderedDict[int, Stream] = OrderedDict()
        self._shared: dict[str, SharedChanges] = {}
        self._searching: dict[str, trio.CapacityLimiter] = {}
        self._last_id = secrets.randbelow(1 << 30)

    def token(self, session: Session) -> str:
        """A token that opens one stream, within a minute: an address with the cookie alone must not do (WEBMAIL-30)."""
        value = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_SIZE)).rstrip(b"=").decode()
        tokens = self._tokens.setdefault(session.account, OrderedDict())
        now = time.monotonic()
        for old in [old for old, entry in tokens.items() if entry.expires < now]:
            del tokens[old]
        tokens[value] = _Token(session, now + TOKEN_AGE)
        if len(tokens) > MAX_TOKENS:
            tokens.popitem(last=False)
        return value

    def redeem(self, session: Session, token: str) -> None:
        """Use a token up. Raises UserError when it is none of this session."""
        tokens = self._tokens.get(session.account, OrderedDict())
        entry = tokens.pop(token, None)
        if not tokens:
            self._tokens.pop(session.account, None)
        if entry is None or entry.session.id != session.id or entry.expires < time.monotonic():
            raise UserError("bad token")

    def add(self, session: Session, home: Holder, facts: Facts) -> Stream:
        """A new stream; the oldest of the same session or account ends when there are too many. Raises
        TooManyStreams.
        """
        own = [stream for stream in self._streams.values() if stream.session.account == session.account]
        same = [stream for stream in own if stream.session.id == session.id]
        if len(same) >= MAX_PER_SESSION:
            same[0].end("too many streams of this session")
        elif len(own) >= MAX_PER_ACCOUNT:
            own[0].end("too many streams of this account")
        if len(self._streams) >= MAX_STREAMS:
            raise TooManyStreams
        self._last_id += 1
        shared = self._shared.setdefault(session.account, SharedChanges(home.shown_id))
        searching = self._searching.setdefault(session.account, trio.CapacityLimiter(MAX_SEARCHES))

        def visits(alarm: Alarm) -> Visits:
            return Visits(home, self._holders, self._changes_of, alarm)

        stream = Stream(self._last_id, session, home, facts, shared, searching, visits)
        self._streams[stream.stream_id] = stream
        return stream

    def _changes_of(self, holder: Holder) -> SharedChanges:
        """The changes of an account as all guests are told of them."""
        return self._of_guests.setdefault(holder.number, SharedChanges(holder.shown_id))

    def remove(self, stream: Stream) -> None:
        """A stream has ended."""
        self._streams.pop(stream.stream_id, None)
        if not any(other.session.account == stream.session.account for other in self._streams.values()):
            self._shared.pop(stream.session.account, None)
            self._searching.pop(stream.session.account, None)

    def find(self, session: Session, stream_id: int) -> Stream:
        """A stream of this session. Raises NotFound."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.session.id != session.id:
            raise NotFound(f"no stream {stream_id}")
        return stream

    def end_session(self, session: Session) -> None:
        """A session is over: so are its streams."""
        for stream in self._streams.values():
            if stream.session.id == session.id:
                stream.end("session no longer valid")
