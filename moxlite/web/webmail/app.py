"""The webmail as one service: its document, calls, streams and messages, below the path where it is mounted
(WEBMAIL-1..11, 23, 30..32, 50).
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import msgspec
import trio

from moxlite.store.errors import AccountRemoved, AccountUnknown, Closed, StorageBroken
from moxlite.web import metrics
from moxlite.web.calls import MAX_BODY, calls_of, decode_parameters, encode_error, encode_result
from moxlite.web.document import Document
from moxlite.web.errors import APIError, NotFound, UserError
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS
from moxlite.web.http.encoding import Compressor, compressed, stream_compressor
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.events import COMMENT, EVENT_STREAM_HEADERS, encode_event
from moxlite.web.http.messages import Request as HTTPRequest
from moxlite.web.http.messages import Response
from moxlite.web.schema import api_schema
from moxlite.web.sessions import Caller, Sessions
from moxlite.web.webmail.api import API
from moxlite.web.webmail.parts import serve_message
from moxlite.web.webmail.streams import Facts, Stream, Streams, TooManyStreams, required_query
from moxlite.web.webmail.types import Request, StreamEvent

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.admin.logins import Logins
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.account import Account
    from moxlite.store.accounts import Accounts
    from moxlite.store.auth import AuthDB
    from moxlite.store.sessions import Session
    from moxlite.web.http.connection import ResponseWriter

__all__ = ["Webmail"]

RETRY_AFTER: Final = ("retry-after", "60")  # the shorter window of the limits (WEBMAIL-17)


request_decoder = msgspec.json.Decoder(Request)


class Webmail:
    """The webmail of a server. One of it serves all listeners; `mounted` gives the handler of one of them."""

    def __init__(
        self,
        *,
        config: Callable[[], Snapshot],
        config_dir: Path,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._document = Document("webmail", config_dir, "webmail")
        self._sessions = Sessions("webmail", auth=auth, logins=logins, config=config)
        self._streams = Streams()
        self._api = API(accounts, self._sessions, self._streams)
        self._calls: Final = calls_of(API)

    def mounted(
        self, path: str, *, account_path: str, forwarded: bool
    ) -> Callable[[HTTPRequest, ResponseWriter], Awaitable[None]]:
        """The handler for a port where the webmail is at `path`, and the account app at `account_path`."""

        async def handle(request: HTTPRequest, writer: ResponseWriter) -> None:
            await self._handle(Caller(request, path, forwarded=forwarded), writer, account_path)

        return handle

    async def _handle(self, caller: Caller, writer: ResponseWriter, account_path: str) -> None:
        request = caller.request
        rest = request.path.removeprefix(caller.path)
        if rest == "":
            await self._document.handle(request, writer)
        elif rest.startswith("api/"):
            await self._call(caller, rest.removeprefix("api/"), writer)
        elif rest == "events":
            await self._events(caller, writer, account_path)
        elif rest == "ws":
            await self._websocket(caller, writer, account_path)
        elif rest.startswith("msg/"):
            await self._message(caller, rest.removeprefix("msg/").split("/"), writer)
        else:
            raise HTTPError(404, "There is nothing at this address.")

    # Calls

    async def _call(self, caller: Caller, name: str, writer: ResponseWriter) -> None:
        request = caller.request
        if name == "" and request.method in ("GET", "HEAD"):
            await self._describe(request, writer)
            return
        if request.method != "POST":
            raise HTTPError(405, "Calls are made by POST.", (("allow", "POST"),))
        kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPError(415, "Calls are JSON: send Content-Type: application/json.")
        refuse_foreign(request)
        try:
            body = await self._result(caller, name)
            response = Response(200, (*API_HEADERS, *caller.headers), body)
        except APIError as e:
            extra = (RETRY_AFTER,) if e.status == 429 else ()
            response = Response(e.status, (*API_HEADERS, *caller.headers, *extra), encode_error(e))
        await writer.respond(await compressed(request.headers, response))

    async def _result(self, caller: Caller, name: str) -> bytes:
        entry = self._calls.get(name)
        if entry is None:
            raise NotFound(f"there is no call {name[:80]!r}")
        if not entry.public:
            await self._sessions.check(caller)
        parameters = decode_parameters(entry, await caller.request.body.read(MAX_BODY))
        with metrics.api_seconds.labels(call=name).time():
            result = await entry.method(self._api, caller, **msgspec.structs.asdict(parameters))
        return encode_result(result)

    async def _describe(self, request: HTTPRequest, writer: ResponseWriter) -> None:
        schema = api_schema("moxlite webmail", self._calls, StreamEvent, Request)
        await writer.respond(await compressed(request.headers, Response(200, API_HEADERS, msgspec.json.encode(schema))))

    # Streams

    async def _events(self, caller: Caller, writer: ResponseWriter, account_path: str) -> None:
        request = caller.request
        if request.method != "GET":
            raise HTTPError(405, "Events are fetched by GET.", (("allow", "GET"),))
        session = await self._page_session(caller)
        parameters = query_parameters(request)
        try:
            self._streams.redeem(session, parameters.get("token", ""))
            first = request_decoder.decode(parameters.get("request", ""))
            required_query(first)
            since = parse_since(parameters)
        except (UserError, msgspec.DecodeError) as e:
            raise HTTPError(400, str(e)) from e
        async with self._account(session) as account:
            stream = self._add(session, account, account_path)
            compressor = stream_compressor(request.headers)
            headers = (
                EVENT_STREAM_HEADERS if compressor is None else (*EVENT_STREAM_HEADERS, ("content-encoding", "gzip"))
            )
            try:
                with metrics.streams.labels(kind="sse").track_inprogress():
                    await writer.start(200, (*headers, *SERVICE_HEADERS))
                    sink = EventSink(writer, compressor)
                    await stream.run(first, since, sink, request.drain, self._sessions.alive)
                    await sink.end()
            finally:
                self._streams.remove(stream)
        await writer.finish()

    async def _websocket(self, caller: Caller, writer: ResponseWriter, account_path: str) -> None:
        # Websockets cost 2 MB and 20 ms: in a thread when somebody wants one. The import below then finds it done.
        await trio.to_thread.run_sync(importlib.import_module, "moxlite.web.webmail.frames")
        from moxlite.web.webmail.frames import check_upgrade, serve_frames

        request = caller.request
        check_upgrade(request)
        session = await self._page_session(caller)
        parameters = query_parameters(request)
        try:
            self._streams.redeem(session, parameters.get("token", ""))
            since = parse_since(parameters)
        except UserError as e:
            raise HTTPError(400, str(e)) from e
        async with self._account(session) as account:
            stream = self._add(session, account, account_path)
            try:
                with metrics.streams.labels(kind="websocket").track_inprogress():
                    await serve_frames(request, writer, stream, since, self._sessions.alive)
            finally:
                self._streams.remove(stream)

    def _add(self, session: Session, account: Account, account_path: str) -> Stream:
        snapshot = self._config()
        settings = snapshot.account(session.account)
        aliases = snapshot.derived.aliases_of.get(session.account, ())
        addresses = [*(settings.destinations if settings is not None else ())]
        addresses += [str(alias.canonical) for alias in aliases if alias.alias.allow_msg_from]
        facts = Facts(
            login_address=session.address,
            addresses=addresses,
            rejects_mailbox=(settings.rejects_mailbox if settings is not None else None) or "",
            account_path=account_path,
            version=self._document.tag,
        )
        try:
            return self._streams.add(session, account, facts)
        except TooManyStreams as e:
            raise HTTPError(503, "The server has too many streams; try again later.", (RETRY_AFTER,)) from e

    # Messages

    async def _message(self, caller: Caller, rest: list[str], writer: ResponseWriter) -> None:
        request = caller.request
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Messages can only be fetched.", (("allow", "GET, HEAD"),))
        session = await self._page_session(caller)
        async with self._account(session) as account:
            await serve_message(account, rest, writer)

    async def _page_session(self, caller: Caller) -> Session:
        """The session of a GET that no foreign page may cause (WEBMAIL-14): by cookie alone."""
        site = caller.request.headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            raise HTTPError(403, "This is only for our own pages.")
        try:
            return await self._sessions.check(caller, csrf=False)
        except APIError as e:
            raise HTTPError(403, e.text) from e

    @asynccontextmanager
    async def _account(self, session: Session) -> AsyncIterator[Account]:
        """The account of a session, for what is no call."""
        try:
            async with self._accounts.use(session.account) as account:
                yield account
        except (AccountUnknown, AccountRemoved) as e:
            raise HTTPError(404, "This account is no longer there.") from e
        except (StorageBroken, Closed) as e:
            raise HTTPError(503, "The storage of this account does not answer as it should.") from e


class EventSink:
    """Server-sent events on a response, compressed for those who take it."""

    def __init__(self, writer: ResponseWriter, compressor: Compressor | None) -> None:
        self._writer = writer
        self._compressor = compressor

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """One event."""
        await self._write(encode_event(kind, data, None if modseq is None else str(modseq)))

    async def keep_alive(self) -> None:
        """A comment."""
        await self._write(COMMENT)

    async def end(self) -> None:
        """The last comment, and the end of the compressed stream."""
        await self._write(COMMENT)
        if self._compressor is not None:
            await self._writer.write(self._compressor.end())

    async def _write(self, data: bytes) -> None:
        await self._writer.write(data if self._compressor is None else self._compressor.add(data))


def refuse_foreign(request: HTTPRequest) -> None:
    """Refuse calls that another site's page makes (WEB-132, WEBMAIL-113)."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPError(403, "This is only for our own pages.")
    origin = request.headers.get("origin")
    if origin is not None and origin != request.origin:
        raise HTTPError(403, "This is only for our own pages.")


def query_parameters(request: HTTPRequest) -> dict[str, str]:
    """The parameters of the query; of several of one name the first."""
    try:
        return {name: values[0] for name, values in parse_qs(request.query, max_num_fields=16).items()}
    except ValueError as e:
        raise HTTPError(400, "The query of this address cannot be read.") from e


def parse_since(parameters: dict[str, str]) -> int:
    """The modseq that a browser has reached. Raises UserError."""
    text = parameters.get("since", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise UserError("since: a number is expected")
    return int(text)
