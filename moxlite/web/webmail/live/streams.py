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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store.errors import (
    ChunkDamaged,
    Closed,
    NoSuchMailbox,
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
from moxlite.web.errors import UserError
from moxlite.web.notices.service import Bell
from moxlite.web.webmail.items import linked_mailboxes, mailbox_of
from moxlite.web.webmail.live.context import Asked, Outlet
from moxlite.web.webmail.live.importing import RunningImports
from moxlite.web.webmail.live.shown import OF_INBOXES, Shown
from moxlite.web.webmail.live.view import replace_mailbox
from moxlite.web.webmail.querytypes import Page, Request
from moxlite.web.webmail.settings import Settings
from moxlite.web.webmail.types import Alarmed, Fatal, Keepalive, Resume, ServerShutdown, Start

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.bus import Batch, Cursor
    from moxlite.web.http.errors import Drain
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.notices.service import Notices
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.context import Context, Sink
    from moxlite.web.webmail.live.subscriptions import Visit, Visits
    from moxlite.web.webmail.querytypes import Query

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
        visits: Callable[[Alarm], Visits],
        imports: BrowserImports,
        notices: Notices,
    ) -> None:
        """`visits` makes this stream's visits to accounts that share mailboxes; they wake the stream by its alarm, and
        so do the user's `imports`, and alarms of the calendar, of which `notices` know.
        """
        self.stream_id: Final = stream_id
        self.session: Final = session
        self._context = context
        self._alarm = Alarm()
        self._visits = visits(self._alarm)
        self._importing = RunningImports(imports, session.account, self._alarm)
        self._notices = notices
        self._bell = Bell(self._alarm, rung=False)
        self._asked = Asked()

    def submit(self, request: Request) -> None:
        """Request a view, or more of it; work on an earlier request ends. Or cancel a search."""
        self._asked.submit(request)

    def end(self, message: str) -> None:
        """End the stream with this message to the user."""
        self._asked.end(message)

    async def run(self, first: Request, since: int, sink: Sink, drain: Drain, alive: Alive) -> None:
        """Serve the stream until it ends.

        Args:
          first: the first request, with a query (`required_query`).
          since: the modseq that the browser has reached, 0 for a new page.
          alive: returns whether the session is still valid.

        Raises ClientGone.
        """
        out = Outlet(sink)
        try:
            async with self._visits:
                shown = Shown(self._context, self._visits, self._asked, out, drain)
                telling = _Telling(self._context, self._visits, shown, out)
                cursor = await _begin(self.stream_id, telling, self._asked, first, since)
                if since == 0:
                    self._importing.skip_ended()
                self._bell.rung = since > 0  # one may have come while the page was not connected
                with cursor, self._importing.watch(), self._notices.heard(self.session.account, self._bell):
                    cursor.alarm = self._alarm
                    await self._serve(cursor, telling, drain, alive)
        except (StorageBroken, StorageBusy, StorageFull, Closed, ReadInterrupted, ChunkDamaged) as e:
            logger.warning("stream ended", extra={"kv": {"account": self.session.account, "err": e}})
            await out.send(Fatal("the storage of this account does not answer as it should"))

    async def _serve(self, cursor: Cursor, telling: _Telling, drain: Drain, alive: Alive) -> None:
        asked, visits, shown, out = self._asked, self._visits, telling.shown, telling.out
        checked = trio.current_time()
        while True:
            if drain.begun:
                await out.send(ServerShutdown())
                return
            if trio.current_time() - checked >= SESSION_CHECK:
                checked = trio.current_time()
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
            elif self._bell.rung:
                self._bell.rung = False
                await out.send(Alarmed())
            elif shown.working:
                await shown.advance()
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
            while not self._asked.waits and not self._news(cursor):
                await self._alarm.sleep()

    def _news(self, cursor: Cursor) -> bool:
        """Whether there are events to send."""
        news = self._visits.pending() is not None or self._importing.news() or self._bell.rung
        return cursor.pending() or self._visits.changed or news


class _Telling(msgspec.Struct, frozen=True, eq=False):
    """Sends changes of the account and of shared mailboxes, as far as the shown view wants them."""

    context: Context
    visits: Visits
    shown: Shown
    out: Outlet

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

    async def tell_visit(self, visit: Visit, cursor: Cursor) -> None:
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


async def _begin(stream_id: int, telling: _Telling, asked: Asked, first: Request, since: int) -> Cursor:
    """Send the first event: `resume` if the change log reaches back to the browser's modseq, else `start` with all
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
    if since > 0 and holder is context.home:
        state = await context.home.account.read(mailbox_rows.state, op="webmail_resume")
        if state.highest_purged_modseq <= since <= state.modseq:
            return await _resume(stream_id, telling, first, wanted, ModSeq(since))
    return await _start(stream_id, telling, first, wanted, holder)


async def _start(stream_id: int, telling: _Telling, first: Request, query: Query, holder: Holder) -> Cursor:
    """Send `start` and the first page of a view."""
    context, visits, shown, out = telling.context, telling.visits, telling.shown, telling.out
    at_home, inbox = holder is context.home, replace_mailbox(required_query(first), 0)
    (mailboxes, opened, settings, links), cursor = await context.home.account.subscribe(
        lambda r: (
            mailbox_rows.mailboxes(r),
            shown.resolve_first(r, query if at_home else inbox),
            load_settings(r, Settings),
            linked_mailboxes(r),
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


async def _resume(stream_id: int, telling: _Telling, first: Request, query: Query, since: ModSeq) -> Cursor:
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


def required_query(first: Request) -> Query:
    """The query of a stream's first request. Raises UserError if there is no query."""
    if first.query is None:
        raise UserError("request: a stream begins with a query")
    return first.query
