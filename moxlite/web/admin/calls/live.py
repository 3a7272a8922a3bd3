"""The stream of the live view, and the explanation of one message (WEB-88b).

The page fetches the stream by its script, with the session's CSRF token, so neither the cookie nor a URL opens it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import trio
from msgspec import Meta

from moxlite.acceptance.commands import WhyFailed, stored
from moxlite.encoding import to_json
from moxlite.net.activity import Happening, activity
from moxlite.operations.why import Explained
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.delivery.reasons import Why
from moxlite.web import metrics
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError, NotFound
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.encoding import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import query_parameters

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.web.admin.sessions import AdminSessions
    from moxlite.web.http.exchange import Request, ResponseWriter

MAX_STREAMS: Final = 10
"""Streams at a time: one for each session of the owner (WEB-57)."""

PAUSE: Final = 0.25
"""Seconds between two writes: a flood of log-ins becomes four lists a second."""

MAX_TOLD: Final = 100
"""Happenings of one write; the oldest of more are counted as missed. A browser shows no more in the time."""

KEEPALIVE: Final = 30.0
"""Seconds of silence before a comment, as in the webmail's streams (WEBMAIL-33); the session is looked at then too."""

Account = Annotated[str, Meta(max_length=64)]
MessageWord = Annotated[str, Meta(max_length=1000)]


class Happenings(msgspec.Struct, frozen=True):
    """An event of the stream: what has happened, oldest first, and how much before it is left out. ``last``: the number
    from which on a page resumes.
    """

    found: list[Happening]
    missed: int
    last: int


class WhyFact(msgspec.Struct, frozen=True):
    """Evidence about a message. `good`: it speaks for the message, against it, or null for neither."""

    name: str
    value: str
    good: bool | None
    strength: str
    source: str


class WhyProposal(msgspec.Struct, frozen=True):
    """Proposal of one producer: its word, a reply ("" for none), actions, and the names of the facts that it used."""

    producer: str
    word: str
    reply: str
    actions: list[str]
    facts: list[str]


class WhyReasons(msgspec.Struct, frozen=True, kw_only=True):
    """The reasons that are stored with a message. `reply`: "" where it was accepted. `missing`: facts without an
    answer. `cut`: some of it was too long to be kept.
    """

    reason: str
    sender: str
    recipient: str
    remote: str
    hello: str
    via: list[str]
    facts: list[WhyFact]
    missing: list[str]
    proposals: list[WhyProposal]
    reply: str
    actions: list[str]
    cut: bool


class WhyFound(msgspec.Struct, frozen=True):
    """A message of an account, its mailbox, and the reasons why it is there; null where none are kept."""

    message: int
    mailbox: str
    why: WhyReasons | None


class LiveCalls(AdminCalls):
    """The explanation behind a line of the live view."""

    @call()
    async def message_why(self, caller: Caller, account: Account, message: MessageWord) -> list[WhyFound]:
        """Why messages of an account are where they are (ADMIN-77), newest first, by Message-ID, id or sender."""
        if self._server.config().account(account) is None:
            raise NotFound("Account not found")
        try:
            return [_found(one) for one in await stored(self._server.accounts, account, message)]
        except WhyFailed as error:
            raise NotFound(str(error)) from None


def _found(one: Explained) -> WhyFound:
    return WhyFound(one.message, one.mailbox, None if one.why is None else _reasons(one.why))


def _reasons(why: Why) -> WhyReasons:
    return WhyReasons(
        reason=why.reason,
        sender=why.sender,
        recipient=why.recipient,
        remote=why.remote,
        hello=why.hello,
        via=list(why.via),
        facts=[WhyFact(one.name, one.value, one.good, one.strength.name.lower(), one.source) for one in why.facts],
        missing=list(why.missing),
        proposals=[
            WhyProposal(proposal.producer, proposal.word, proposal.reply, list(proposal.actions), list(proposal.facts))
            for proposal in why.proposals
        ],
        reply=why.reply,
        actions=list(why.actions),
        cut=why.cut,
    )


class LiveStreams:
    """The streams that are open."""

    def __init__(self, sessions: AdminSessions) -> None:
        self._sessions = sessions
        self._open = 0
        self._waits: set[trio.CancelScope] = set()

    def doubt(self, account: str) -> None:
        """Look at the sessions of all streams, if sessions of `ADMIN` may have ended."""
        for scope in self._waits if account == ADMIN else ():
            scope.cancel()

    async def serve(self, caller: Caller, writer: ResponseWriter) -> None:
        """Answer ``GET live?after=NUMBER``: what has happened after that number, then what happens, until the session
        ends or the server stops. Raises ClientGone.
        """
        request = caller.request
        if request.method != "GET":
            raise HTTPError(405, "Use GET to read events.", (("allow", "GET"),))
        refuse_foreign(request)
        try:
            session = await self._sessions.check(caller)
        except APIError as error:  # no call of the API, so a missing session is 403 (WEB-55)
            raise HTTPError(403, error.text) from error
        after = query_parameters(request).get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 16):
            raise HTTPError(400, "after: must be a number.")
        if self._open >= MAX_STREAMS:
            raise HTTPError(
                503, "Too many pages with live activity are open. Close one and try again.", (("retry-after", "60"),)
            )
        self._open += 1
        metrics.admin_streams.inc()
        try:
            await writer.start(200, (*EVENT_STREAM_HEADERS, *SERVICE_HEADERS))
            await self._tell(request, writer, session, int(after))
        finally:
            self._open -= 1
            metrics.admin_streams.dec()
        await writer.finish()

    async def _tell(self, request: Request, writer: ResponseWriter, session: Session, number: int) -> None:
        first = True
        while not request.drain.begun and await self._sessions.alive(session):
            news = activity.after(number)
            if news.found or first:
                happenings = news.found if first else news.found[-MAX_TOLD:]
                number = activity.last
                event = Happenings(happenings, news.missed + len(news.found) - len(happenings), number)
                await writer.write(encode_event("happenings", to_json(event)))
            else:
                await writer.write(COMMENT)
            first = False
            with request.drain.waiting() as scope:
                scope.deadline = trio.current_time() + KEEPALIVE
                self._waits.add(scope)
                try:
                    await activity.wait(number)
                    # Behind the wait, not before: a single happening is told a quarter of a second late, and a flood
                    # becomes a few lists.
                    await trio.sleep(PAUSE)
                finally:
                    self._waits.discard(scope)
