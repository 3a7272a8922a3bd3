"""Registry of the server's event streams, and the tokens that open them (WEBMAIL-30, 115)."""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import msgspec
import trio

from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.live.changes import SharedChanges
from moxlite.web.webmail.live.context import Context
from moxlite.web.webmail.live.streams import Stream
from moxlite.web.webmail.live.subscriptions import AccountSubscriptions
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session
    from moxlite.store.delivery.status import Deliveries
    from moxlite.wakeup import Alarm
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.notices.service import Notices
    from moxlite.web.webmail.holders import Holder, Holders
    from moxlite.web.webmail.live.context import StreamStart
    from moxlite.web.webmail.reading.parsed import OwnWith
    from moxlite.web.webmail.reading.views import Views

TOKEN_AGE: Final = 60.0  # WEBMAIL-30
TOKEN_SIZE: Final = 16  # octets: 128 random bits, as of a session (WEB-53)
MAX_TOKENS: Final = 200  # per account: as many as streams that may connect at once
MAX_PER_SESSION: Final = 100  # WEBMAIL-115
MAX_PER_ACCOUNT: Final = 200  # two such sessions: one account must not take the places of all
MAX_ENDING: Final = 50  # further ones of an account that end, but whose clients do not read that
MAX_STREAMS: Final = 2000  # of all accounts; each is a task and a connection that stays
MAX_SEARCHES: Final = 2  # searches of an account that work at the same time (WEBMAIL-115)


class TooManyStreams(Exception):
    """The server, or the account, has reached its limit of streams (WEBMAIL-115)."""


class _Token(msgspec.Struct, frozen=True):
    session: Session
    expires: float


class Streams:
    """The event streams of the server, and the tokens that open them."""

    def __init__(
        self,
        holders: Holders,
        views: Views,
        imports: BrowserImports,
        notices: Notices,
        deliveries: Deliveries | None,
    ) -> None:
        self._imports = imports
        self._deliveries = deliveries
        self._notices = notices
        self._holders = holders
        self._views = views
        self._of_guests: WeakValueDictionary[int, SharedChanges] = WeakValueDictionary()
        self._tokens: dict[str, OrderedDict[str, _Token]] = {}
        self._streams: OrderedDict[int, Stream] = OrderedDict()
        self._shared: dict[str, SharedChanges] = {}
        self._searching: dict[str, trio.CapacityLimiter] = {}
        # From a random number on, so that after a restart a page does not reach the stream of another one by its old
        # number.
        self._last_id = secrets.randbelow(1 << 30)

    def token(self, session: Session) -> str:
        """Make a token that opens one stream within a minute. The URL of a stream and the cookie alone must not be
        enough (WEBMAIL-30).
        """
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
        """Consume a token. Raises UserError if it is not a valid token of this session."""
        tokens = self._tokens.get(session.account, OrderedDict())
        entry = tokens.pop(token, None)
        if not tokens:
            self._tokens.pop(session.account, None)
        if entry is None or entry.session.id != session.id or entry.expires < time.monotonic():
            raise UserError("bad token")

    def add(self, session: Session, home: Holder, facts: StreamStart, addresses: OwnWith) -> Stream:
        """Add a new stream; `addresses` returns the own addresses. If the session or account has too many, its oldest
        stream ends. Raises TooManyStreams.
        """
        own = [stream for stream in self._streams.values() if stream.session.account == session.account]
        going_on = [stream for stream in own if not stream.ending]
        same = [stream for stream in going_on if stream.session.id == session.id]
        # The oldest: a page that was closed without a word, behind a network that tells no end, is among those.
        if len(same) >= MAX_PER_SESSION:
            same[0].end("too many streams of this session")
        elif len(going_on) >= MAX_PER_ACCOUNT:
            going_on[0].end("too many streams of this account")
        # Those that end keep their places until their clients have read so.
        if len(self._streams) >= MAX_STREAMS or len(own) >= MAX_PER_ACCOUNT + MAX_ENDING:
            raise TooManyStreams
        self._last_id += 1
        shared = self._shared.setdefault(session.account, SharedChanges(home.shown_id))
        searching = self._searching.setdefault(session.account, trio.CapacityLimiter(MAX_SEARCHES))

        def visits(alarm: Alarm) -> AccountSubscriptions:
            return AccountSubscriptions(home, self._holders, self._changes_of, alarm)

        context = Context(session.account, home, facts, shared, searching, self._views, addresses)
        stream = Stream(self._last_id, session, context, visits, self._imports, self._notices, self._deliveries)
        self._streams[stream.stream_id] = stream
        return stream

    def _changes_of(self, holder: Holder) -> SharedChanges:
        """The changes of an account with the ids that guests get."""
        return self._of_guests.setdefault(holder.number, SharedChanges(holder.shown_id))

    def remove(self, stream: Stream) -> None:
        """Remove a stream that has ended."""
        self._streams.pop(stream.stream_id, None)
        if not any(other.session.account == stream.session.account for other in self._streams.values()):
            self._shared.pop(stream.session.account, None)
            self._searching.pop(stream.session.account, None)

    def find(self, session: Session, stream_id: int) -> Stream:
        """Find a stream of this session. Raises NotFound."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.session.id != session.id:
            raise NotFound(worded("stream not found: {stream_id}", stream_id=str(stream_id)))
        return stream

    def end_session(self, session: Session) -> None:
        """End the streams of a session that has ended."""
        for stream in self._streams.values():
            if stream.session.id == session.id:
                stream.end("session no longer valid")

    def doubt(self, account: str) -> None:
        """Have the streams of an account look at their sessions, some of which have ended."""
        for stream in self._streams.values():
            if stream.session.account == account:
                stream.doubt()
