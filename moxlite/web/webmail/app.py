"""The webmail as one service: document, calls, streams and messages, below the path where it is mounted (WEBMAIL-1..11,
23, 30..32, 50, 85).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from moxlite import lazyimport
from moxlite.admin.publicpages import public_page
from moxlite.encoding import json_decoder
from moxlite.groupware.writtenfiles import TooLarge, written_archive, written_calendar, written_contacts
from moxlite.logins.secondfactor import SecondFactors
from moxlite.store.content.uploads import NoSuchUpload, Upload, upload_of, upload_piece
from moxlite.store.errors import StoreError
from moxlite.store.groupware.collection import NoSuchCollection, collection
from moxlite.store.groupware.resources import NoSuchResource, photo_mark
from moxlite.store.mail.links import Given
from moxlite.store.mail.settings import note_browser_language, reader_language
from moxlite.submission.authors import offered_addresses
from moxlite.web import metrics
from moxlite.web.callserver import CallServer, SessionAuth
from moxlite.web.composing.answering import own_of
from moxlite.web.composing.uploads import key_of
from moxlite.web.cookies import Caller
from moxlite.web.document import INSTALLED, LICENSES, OFFLINE, Bundles, Document, installed, licenses
from moxlite.web.errors import ConfirmNeeded, Unavailable, UserError
from moxlite.web.guards import page_session, require_fresh
from moxlite.web.headers import SERVICE_HEADERS, disposition
from moxlite.web.http.conditional import matches
from moxlite.web.http.encoding import EVENT_STREAM_HEADERS, EventSink, stream_compressor
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request as HTTPRequest, query_parameters
from moxlite.web.http.messages import Response
from moxlite.web.http.pagetexts import page_language
from moxlite.web.notices.calls import NoticeCalls
from moxlite.web.preferences import TemplateCalls
from moxlite.web.providerlogin import BACK_CHANNEL, ProviderCalls, ProviderLogins
from moxlite.web.sessions import Sessions
from moxlite.web.storeerrors import RETRY_AFTER
from moxlite.web.webmail.api import API
from moxlite.web.webmail.calls.common import Dependencies
from moxlite.web.webmail.calls.composing import ComposeCalls
from moxlite.web.webmail.calls.importing import ImportCalls
from moxlite.web.webmail.calls.notices import DeviceLogins
from moxlite.web.webmail.calls.shelves import Books
from moxlite.web.webmail.holders import Holder, Holders
from moxlite.web.webmail.live.context import Since, StreamStart, required_query
from moxlite.web.webmail.live.openstreams import Streams, TooManyStreams
from moxlite.web.webmail.live.streams import Stream
from moxlite.web.webmail.querytypes import Request
from moxlite.web.webmail.reading.parts import View, scheme_of, serve_message
from moxlite.web.webmail.reading.views import Views
from moxlite.web.webmail.types import StreamEvent

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.admin.providerpeople import ProviderPeople
    from moxlite.compose.reply import AccountAddresses
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.logins.logins import Logins
    from moxlite.net.httpclient import HTTPClient
    from moxlite.operations.performing import Perform
    from moxlite.process.keys import SigningKeys
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.auth.sessions import Session
    from moxlite.store.changelog.account import Account
    from moxlite.store.delivery.status import Deliveries
    from moxlite.store.file.transaction import Reader
    from moxlite.submission.outgoing import Assure
    from moxlite.web.exports import BrowserExports
    from moxlite.web.http.exchange import ResponseWriter
    from moxlite.web.importing.browser import BrowserImports
    from moxlite.web.notices.service import Notices


request_decoder = json_decoder(Request)


class Webmail:
    """The webmail of a server. One instance serves all listeners; `mounted` returns the handler for one of them."""

    def __init__(
        self,
        *,
        config: CurrentConfig,
        config_dir: Path,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
        factors: SecondFactors,
        exports: BrowserExports,
        imports: BrowserImports,
        sandbox: Sandbox,
        keys: SigningKeys,
        perform: Perform,
        deliveries: Deliveries | None,
        http: HTTPClient,
        assure: Assure,
        notices: Notices,
        people: ProviderPeople | None,
    ) -> None:
        self._bundles = Bundles("webmail")
        self._document = Document("webmail", config_dir, "webmail", self._bundles.languages)
        self._sessions = Sessions("webmail", auth=auth, logins=logins, factors=factors, config=config)
        self._holders = Holders(accounts, auth)
        views = Views()
        self._streams = Streams(self._holders, views, imports, notices, deliveries)
        auth.sessions.watchers.append(self._streams.doubt)
        self._exports = exports
        self._server = server = Dependencies(
            config=config,
            perform=perform,
            holders=self._holders,
            tmp=config.current.static.data_dir / "tmp",
            sandbox=sandbox,
            views=views,
            streams=self._streams,
            keys=keys,
            deliveries=deliveries,
            http=http,
            imports=imports,
            assure=assure,
            notices=notices,
        )
        self._files = ComposeCalls(self._sessions, server)
        self._imports = ImportCalls(self._sessions, server)
        self._provided = ProviderLogins(self._sessions, people, auth, logins)
        shared: Mapping[type, object] = {
            DeviceLogins: DeviceLogins(self._sessions),
            ProviderCalls: ProviderCalls(self._provided),
            ComposeCalls: self._files,
            ImportCalls: self._imports,
            NoticeCalls: NoticeCalls(accounts, notices),
            TemplateCalls: TemplateCalls(accounts),
        }
        self._calls = CallServer(
            API,
            lambda page: shared.get(page) or page(self._sessions, server),
            SessionAuth(self._sessions),
            metrics.api_seconds,
            title="moxlite webmail",
            events=StreamEvent,
            request=Request,
            perform=perform,
            audit=auth.audit,
            answers=auth.answers,
        )

    def mounted(
        self, path: str, *, account_path: str, forwarded: bool
    ) -> Callable[[HTTPRequest, ResponseWriter], Awaitable[None]]:
        """The handler for a port where the webmail is at `path` and the account app is at `account_path`, "" if it is
        not on this port.
        """
        siblings = {"account": account_path} if account_path else {}

        async def handle(request: HTTPRequest, writer: ResponseWriter) -> None:
            try:
                await self._handle(Caller(request, path, forwarded=forwarded, siblings=siblings), writer)
            except (ConfirmNeeded, Unavailable) as e:  # a download or a view: calls have their own answers
                raise HTTPError(e.status, e.text, e.headers) from e

        return handle

    async def _handle(self, caller: Caller, writer: ResponseWriter) -> None:
        # A dictionary would need a second lookup: exact names and prefixes are mixed, and the function behind a prefix
        # checks the rest of the path.
        request = caller.request
        rest = request.path.removeprefix(caller.path)
        if rest == "":
            await self._document.handle(request, writer)
        elif rest.startswith("api/"):
            await self._calls.answer(caller, rest.removeprefix("api/"), writer)
        elif rest in ("events", "poll"):
            await self._events(caller, writer, polled=rest == "poll")
        elif rest == "upload":
            await self._files.receive_file(caller, writer)
        elif rest == "import":
            await self._imports.receive_import(caller, writer)
        elif rest.startswith("upload/"):
            await self._picture(caller, rest.removeprefix("upload/"), writer)
        elif rest.startswith("photo/"):
            await self._photo(caller, rest.removeprefix("photo/").split("/"), writer)
        elif rest == "export":
            await self._exports.answer(caller, self._sessions, writer, self._holders.exported)
        elif rest in ("contacts.vcf", "contacts.csv"):
            await self._contacts(caller, "csv" if rest.endswith("csv") else "vcf", writer)
        elif rest == ARCHIVE:
            await self._archive(caller, writer)
        elif rest.startswith("calendar/") and rest.endswith(".ics"):
            await self._calendar(caller, rest.removeprefix("calendar/").removesuffix(".ics")[:16], writer)
        elif rest == "ws":
            await self._websocket(caller, writer)
        elif rest == BACK_CHANNEL:
            await self._provided.logged_out(caller, writer)
        elif rest == LICENSES:
            await licenses(request, writer)
        elif rest in INSTALLED:
            await installed(rest, request, writer, offline=self._server.config.current.static.webmail_offline)
        elif rest.startswith("part/"):
            await self._bundles.handle(rest.removeprefix("part/"), request, writer)
        elif rest.startswith("msg/"):
            await self._message(caller, rest.removeprefix("msg/").split("/"), writer)
        else:
            raise HTTPError(404, "Page not found.")

    # Streams

    async def _events(self, caller: Caller, writer: ResponseWriter, *, polled: bool) -> None:
        """Answer with a stream of events. One that is polled ends as soon as it has nothing more to send."""
        request = caller.request
        if request.method != "GET":
            raise HTTPError(405, "Use GET to read events.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        parameters = query_parameters(request)
        try:
            self._streams.redeem(session, parameters.get("token", ""))
            first = request_decoder.decode(parameters.get("request", ""))
            required_query(first)
            asked = request_decoder.decode(parameters["asked"]) if polled and "asked" in parameters else None
            since = parse_since(parameters)
        except (UserError, msgspec.DecodeError) as e:
            raise HTTPError(400, str(e)) from e
        async with self._holders.page(session) as home:
            # The account stays open as long as the stream: its change bus is in memory.
            stream = await self._add(session, home, caller)
            compressor = stream_compressor(request.headers)
            headers = POLL_HEADERS if polled else EVENT_STREAM_HEADERS
            if compressor is not None:
                headers = (*headers, ("content-encoding", "gzip"))
            if polled:
                stream.end_idle(asked)
            kind = "poll" if polled else "sse"
            try:
                with metrics.streams.labels(kind=kind).track_inprogress(), self._server.sandbox.page():
                    await writer.start(200, (*headers, *SERVICE_HEADERS))
                    sink = EventSink(writer, compressor)
                    await stream.run(first, since, sink, request.drain, self._sessions.alive)
                    await sink.end()
            finally:
                self._streams.remove(stream)
        await writer.finish()

    async def _websocket(self, caller: Caller, writer: ResponseWriter) -> None:
        # Websockets cost 2 MB and 20 ms, so they are loaded in a thread when a browser needs one. The import below then
        # finds them loaded.
        await lazyimport.load("moxlite.web.webmail.live.frames")
        from moxlite.web.http.websocket import check_upgrade
        from moxlite.web.webmail.live.frames import serve_frames

        request = caller.request
        check_upgrade(request)
        session = await page_session(self._sessions, caller)
        parameters = query_parameters(request)
        try:
            self._streams.redeem(session, parameters.get("token", ""))
            since = parse_since(parameters)
        except UserError as e:
            raise HTTPError(400, str(e)) from e
        async with self._holders.page(session) as home:
            stream = await self._add(session, home, caller)
            try:
                with metrics.streams.labels(kind="websocket").track_inprogress(), self._server.sandbox.page():
                    await serve_frames(request, writer, stream, since, self._sessions.alive)
            finally:
                self._streams.remove(stream)

    async def _add(self, session: Session, home: Holder, caller: Caller) -> Stream:
        await _note_language(home.account, page_language(caller.request.headers).name)
        snapshot = self._server.config.current
        settings = snapshot.account(session.account)
        addresses = await home.account.read(lambda r: offered_addresses(r, snapshot, session.account), op="addresses")
        facts = StreamStart(
            login_address=session.address,
            addresses=addresses,
            rejects_mailbox=(settings.rejects_mailbox if settings is not None else None) or "",
            introbox=(settings.introbox if settings is not None else None) or "",
            storage_limit=snapshot.quota(session.account),
            account_path=caller.siblings.get("account") or public_page(snapshot, "account") or "",
            version=self._document.tag,
            capabilities=[OFFLINE] if snapshot.static.webmail_offline else [],
        )

        def own(given: Given, owner: str = "") -> AccountAddresses:
            return own_of(self._server.config.current, session.account, session.address, given, owner)

        try:
            return self._streams.add(session, home, facts, own)
        except TooManyStreams as e:
            raise HTTPError(503, "Too many open connections. Try again later.", (RETRY_AFTER,)) from e

    async def _photo(self, caller: Caller, rest: list[str], writer: ResponseWriter) -> None:
        """Answer ``photo/ID/MARK`` with the photo of a contact that the user may read (WEBMAIL-128b)."""
        request = caller.request
        if request.method != "GET":
            raise HTTPError(405, "Use GET to load photos.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        shown, *_ = [*ids_of(rest[0]), 0]
        async with self._holders.page(session, shown) as holder:
            try:
                photo = await holder.account.scan(
                    partial(Books("contact", holder.guest, holder=holder).photo, local_id=holder.local_id(shown)),
                    op="photo",
                )
            except (NoSuchResource, NoSuchCollection):
                photo = None
        if photo is None or len(rest) != 2:
            raise HTTPError(404, "Page not found.")
        tag = photo_mark(photo)
        headers = (*HEADERS[:-1], ("cache-control", "private, max-age=86400"), ("etag", f'"{tag}"'))
        if matches(",".join(request.headers.all("if-none-match")), tag):
            await writer.respond(Response(304, headers))
        else:
            await writer.respond(Response(200, (("content-type", photo.media_type), *headers), photo.data))

    async def _contacts(self, caller: Caller, form: Literal["vcf", "csv"], writer: ResponseWriter) -> None:
        if caller.request.method != "GET":
            raise HTTPError(405, "Use GET to load contacts.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        require_fresh(self._sessions, session)
        async with self._server.views.sent(session.account), self._holders.page(session) as home:
            await send_contacts(home.account, form, writer)

    async def _archive(self, caller: Caller, writer: ResponseWriter) -> None:
        if caller.request.method != "GET":
            raise HTTPError(405, "Use GET to load calendars.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        require_fresh(self._sessions, session)
        async with self._server.views.sent(session.account), self._holders.page(session) as home:
            pieces = written_archive(home.account, self._server.tmp, [])
            await writer.start(200, _download("application/zip", ARCHIVE))
            async for piece in pieces:
                await writer.write(piece)
            await writer.finish()

    async def _calendar(self, caller: Caller, number: str, writer: ResponseWriter) -> None:
        if caller.request.method != "GET":
            raise HTTPError(405, "Use GET to load calendars.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        require_fresh(self._sessions, session)
        async with self._server.views.sent(session.account), self._holders.page(session) as home:
            try:
                calendar_id = int(number) if number.isascii() and number.isdigit() else 0
                where = await home.account.read(lambda r: collection(r, calendar_id), op="calendar-file")
            except NoSuchCollection as e:
                raise HTTPError(404, "Page not found.") from e
            if where.kind != "calendar" or where.inbox:
                raise HTTPError(404, "Page not found.")
            await writer.start(
                200, _download("text/calendar; charset=utf-8", f"{where.display_name or where.name}.ics")
            )
            async for piece in written_calendar(home.account, where, []):
                await writer.write(piece)
            await writer.finish()

    # Messages

    async def _picture(self, caller: Caller, upload_id: str, writer: ResponseWriter) -> None:
        if caller.request.method != "GET":
            raise HTTPError(405, "Use GET to load images.", (("allow", "GET"),))
        session = await page_session(self._sessions, caller)
        async with self._holders.page(session) as home:
            await serve_picture(home.account, upload_id, writer)

    async def _message(self, caller: Caller, rest: list[str], writer: ResponseWriter) -> None:
        request = caller.request
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Use GET to load messages.", (("allow", "GET, HEAD"),))
        session = await page_session(self._sessions, caller)
        # 16 digits hold any id, which is below 2^53.
        number = rest[0][:16]
        shown = int(number) if number.isascii() and number.isdigit() else 0
        async with self._holders.page(session, shown) as holder:
            parameters = query_parameters(request)
            view = View(
                session.account,
                self._server.views,
                self._server.sandbox,
                self._server.tmp,
                sameorigin=parameters.get("sameorigin") == "true",
                scheme=scheme_of(parameters.get("scheme", "")),
                printed=parameters.get("print") == "true",
                others=ids_of(parameters.get("others", "")),
                without=frozenset(parameters.get("without", "").split(",")),
                language=page_language(request.headers),
            )
            await serve_message(holder, rest, writer, view)


def ids_of(text: str) -> tuple[int, ...]:
    """Message ids in the browser's form, between commas; what is no number is left out."""
    return tuple(int(one) for one in text.split(",", 1000)[:1000] if one.isascii() and one.isdigit() and len(one) <= 16)


POLL_HEADERS: Final = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
"""Headers of events that are polled, where a network lets nothing pass that goes on for long (WEBMAIL-32)."""


def parse_since(parameters: dict[str, str]) -> Since:
    """The state that a browser knows. Raises UserError."""
    number, dash, epoch = parameters.get("since", "0").partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 16):
        raise UserError("since: must be a number")
    return Since(int(number), dash + epoch)


# Export of contacts as a file (WEBMAIL-128).


ARCHIVE: Final = "calendars-and-contacts.zip"
TYPES: Final = {"vcf": "text/vcard; charset=utf-8", "csv": "text/csv; charset=utf-8"}


async def send_contacts(account: Account, form: Literal["vcf", "csv"], writer: ResponseWriter) -> None:
    """Send all contacts as a download: vCards ("vcf") or a table ("csv"). Raises HTTPError."""
    # The first piece before the status: a file that is too large is still refused by it.
    pieces = written_contacts(account, form, [])
    try:
        first = await anext(pieces, b"")
    except TooLarge as error:
        raise HTTPError(413, f"{error}."[0].upper() + f"{error}."[1:]) from None
    await writer.start(200, _download(TYPES[form], f"contacts.{form}"), first=len(first))
    await writer.write(first)
    async for piece in pieces:
        await writer.write(piece)
    await writer.finish()


def _download(kind: str, name: str) -> tuple[tuple[str, str], ...]:
    return (
        ("content-type", kind),
        disposition(name),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        *SERVICE_HEADERS,
    )


# Uploaded pictures, as the editor shows them in a message that is written (WEBMAIL-135).


PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
"""Types of pictures that run no scripts, unlike SVG."""

HEADERS: Final = (
    ("x-frame-options", "deny"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
    ("cache-control", "private, max-age=86400, immutable"),
)


async def serve_picture(account: Account, upload_id: str, writer: ResponseWriter) -> None:
    """Answer ``upload/ID`` with the picture, a piece at a time. Raises HTTPError 404 where it is no picture."""

    def find(r: Reader) -> Upload:
        return upload_of(r, key_of(upload_id))

    try:
        upload = await account.read(find, op="webmail_picture")
    except NoSuchUpload:
        raise HTTPError(404, "Image not found.") from None
    # The type is what the client once said. Under these a browser runs nothing, whatever the octets are (`nosniff`).
    if upload.media_type not in PICTURE_TYPES:
        raise HTTPError(404, "Image not found.")
    await writer.start(200, (("content-type", upload.media_type), ("content-length", str(upload.size)), *HEADERS))
    number, left = 0, upload.size
    while left > 0:
        data = await account.scan(partial(_piece, upload, number), op="webmail_picture")
        number, left = number + 1, left - len(data)
        await writer.write(data)
    await writer.finish()


def _piece(upload: Upload, number: int, r: Reader) -> bytes:
    return upload_piece(r, upload, number)


async def _note_language(account: Account, language: str) -> None:
    """Note the language of a page for mail to its user; a full disk or a busy account doesn't keep the page closed."""
    if await account.read(reader_language, op="language") != language:
        with suppress(StoreError):
            await account.write(lambda tx: note_browser_language(tx, language))
