"""The service: session, calls, uploads, downloads, and changes as they happen (RFC 8620 §2, §3, §6, §7)."""

from __future__ import annotations

import hashlib
import logging
import re
import urllib.parse
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio

from moxlite.processor import act_for, give_way, off_loop
from moxlite.store import errors as store
from moxlite.web.guards import account_pages, query_parameters, refuse_foreign
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS, disposition
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import BodyTooLarge, ClientGone, HTTPError
from moxlite.web.http.messages import Response, header_value
from moxlite.web.http.programlogin import log_in
from moxlite.web.http.websocket import check_upgrade, serve_websocket
from moxlite.web.jmap import blobs, push
from moxlite.web.jmap.blobs import find_blob
from moxlite.web.jmap.bodies import Budget
from moxlite.web.jmap.methods import Call, Server, account_id
from moxlite.web.jmap.protocol import (
    LIMITS,
    Invocation,
    JMAPRequest,
    MethodError,
    Object,
    RequestError,
    SetError,
    read_request,
    request_of,
    resolved,
)
from moxlite.web.jmap.table import CAPABILITIES, METHODS
from moxlite.web.metrics import jmap_calls, jmap_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.http.exchange import Handler, Request, ResponseWriter
    from moxlite.web.http.websocket import WebSocketConnection


logger = logging.getLogger("moxlite.web.jmap")

ON_LOOP: Final = 64 << 10
"""Octets of a request that are decoded on the event loop."""

TEXTS: Final = 24 << 20
"""Octets of texts that one request may return."""

LINGER: Final = 30.0
"""Seconds for which an account stays open after a request: the next one comes soon."""

MEDIA_TYPE: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,100}/[!#-'*+\-.0-9A-Z^-~]{1,100}(?:; ?charset=[\w.-]{1,40})?")
BLOB_HEADERS: Final = (
    ("cache-control", "private, immutable, max-age=31536000"),
    ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    *SERVICE_HEADERS,
)
PROBLEM: Final = (("content-type", "application/problem+json"), *SERVICE_HEADERS)
SHARED: Final = (("access-control-expose-headers", "content-disposition, retry-after, www-authenticate"),)
PREFLIGHT: Final = (
    ("access-control-allow-methods", "GET, HEAD, POST"),
    ("access-control-allow-headers", "accept, authorization, content-type, last-event-id"),
    ("access-control-max-age", "7200"),
)
UNAVAILABLE: Final = (store.StorageFull, store.StorageBusy, store.Closed)


class JMAP:
    """JMAP of a server, for all ports."""

    def __init__(self, server: Server, logins: Logins) -> None:
        self._server = server
        self._logins = logins
        self._requests: dict[str, trio.CapacityLimiter] = {}
        self._uploads: dict[str, trio.CapacityLimiter] = {}

    def mounted(self, path: str, origins: tuple[str, ...] = ()) -> Handler:
        """The handler of the service at a path that ends in a slash; the well-known address is answered, too.
        `origins`: sites whose pages may use it (CORS, WHATWG Fetch §3.3).
        """

        async def handle(request: Request, writer: ResponseWriter) -> None:
            origin = request.headers.get("origin")
            if origins:
                writer.extra = (*writer.extra, ("vary", "origin"))
            if origin is None or origin not in origins:
                refuse_foreign(request)
            else:
                writer.extra = (*writer.extra, ("access-control-allow-origin", origin), *SHARED)
                if request.method == "OPTIONS":
                    await writer.respond(Response(204, PREFLIGHT))
                    return
            rest = request.path.removeprefix(path) if request.path.startswith(path) else "session"
            await self._handle(rest, path, request, writer)

        return handle

    async def _handle(self, rest: str, path: str, request: Request, writer: ResponseWriter) -> None:
        name, _, tail = rest.partition("/")
        match request.method, name:
            case (("GET" | "HEAD"), ("" | "session")):
                identity = await self._log_in(request)
                await self._answer(request, writer, self._session(identity, request, path))
            case "POST", "api":
                await self._api(request, writer, path)
            case "POST", "upload":
                await self._upload(request, writer, tail)
            case (("GET" | "HEAD"), "download"):
                await self._download(request, writer, tail)
            case "GET", "events":
                identity = await self._log_in(request)
                with self._server.pushes.live(identity.account, identity.app_password):
                    async with self._open(identity) as account:
                        await push.serve_events(request, writer, account, query_parameters(request))
            case "GET", "ws":
                await self._websocket(request, writer, path)
            case _, ("" | "session" | "api" | "upload" | "download" | "events" | "ws"):
                allowed = "POST" if name in ("api", "upload") else "GET, HEAD"
                raise HTTPError(405, "This address is used by another method.", (("allow", allowed),))
            case _:
                raise HTTPError(404, "There is nothing at this address.")

    async def _log_in(self, request: Request) -> Identity:
        identity = await log_in(self._logins, request, "jmap")
        request.account = identity.account
        act_for(identity.account)
        await give_way()
        return identity

    @asynccontextmanager
    async def _open(self, identity: Identity) -> AsyncIterator[OpenAccount]:
        """The user's account, open. Raises HTTPError."""
        with account_pages():
            async with self._server.accounts.use(identity.account, check_login=True, linger=LINGER) as account:
                yield account

    def _session(self, identity: Identity, request: Request, path: str) -> Object:
        """The session resource (RFC 8620 §2)."""
        base = f"{request.origin}{path}"
        number = account_id(identity.account)
        socket = "ws" + base.removeprefix("http")
        capabilities: dict[str, Object] = {**CAPABILITIES}
        capabilities[WEBSOCKET] = {"url": f"{socket}ws", "supportsPush": True}
        session: Object = {
            "capabilities": capabilities,
            "accounts": {
                number: {
                    "name": identity.address,
                    "isPersonal": True,
                    "isReadOnly": identity.read_only,
                    "accountCapabilities": ACCOUNT_CAPABILITIES,
                }
            },
            "primaryAccounts": dict.fromkeys(ACCOUNT_CAPABILITIES, number),
            "username": identity.address,
            "apiUrl": f"{base}api",
            "downloadUrl": f"{base}download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}",
            "uploadUrl": f"{base}upload/{{accountId}}/",
            "eventSourceUrl": f"{base}events?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
        }
        session["state"] = hashlib.sha256(msgspec.json.encode(session)).hexdigest()[:16]
        return session

    async def _answer(self, request: Request, writer: ResponseWriter, found: object, status: int = 200) -> None:
        await writer.respond(
            await compressed(request.headers, Response(status, API_HEADERS, msgspec.json.encode(found)))
        )

    async def _api(self, request: Request, writer: ResponseWriter, path: str) -> None:
        identity = await self._log_in(request)
        try:
            asked = await _read(request)
            found = await self._called(asked, identity, request, path)
        except RequestError as error:
            await writer.respond(Response(error.status, PROBLEM, msgspec.json.encode(error.problem())))
            return
        await self._answer(request, writer, found)

    async def _called(self, asked: JMAPRequest, identity: Identity, request: Request, path: str) -> Object:
        """The response to a request. Raises RequestError, HTTPError."""
        unknown = asked.using - CAPABILITIES.keys() - {WEBSOCKET}
        if unknown:
            raise RequestError("unknownCapability", f"{min(unknown)!r} is not spoken here")
        limiter = self._requests.setdefault(identity.account, trio.CapacityLimiter(LIMITS["maxConcurrentRequests"]))
        async with limiter, self._open(identity) as account:
            call = Call(
                server=self._server,
                identity=identity,
                snapshot=self._server.config.current,
                request=request,
                account=account,
                created=dict(asked.created or {}),
                budget=Budget(TEXTS),
                arguments={},
            )
            responses: list[Invocation] = []
            for invocation in asked.calls:
                responses += await self._run(call, invocation, responses, asked.using)
                await give_way()
        found: Object = {
            "methodResponses": [one.wire() for one in responses],
            "sessionState": self._session(identity, request, path)["state"],
        }
        if asked.created is not None:
            found["createdIds"] = call.created
        return found

    async def _run(
        self, call: Call, invocation: Invocation, before: list[Invocation], using: frozenset[str]
    ) -> list[Invocation]:
        """Run one call, and return its responses."""
        method = METHODS.get(invocation.name)
        name = invocation.name if method is not None else "unknown"
        result = "ok"
        try:
            with jmap_seconds.labels(method=name).time():
                if method is None or method.capability not in using:
                    raise MethodError("unknownMethod", "the method is unknown, or its capability is not in use")
                arguments = resolved(invocation.arguments, before)
                if method.account:
                    _check_account(call, arguments)
                if method.changes and call.identity.read_only:
                    raise MethodError("accountReadOnly", "this app password may only read")
                own = msgspec.structs.replace(call, arguments=arguments, call_id=invocation.call_id, after=[])
                found = await method.run(own)
                return [Invocation(invocation.name, found, invocation.call_id), *own.after]
        except MethodError as error:
            result = error.kind
            failed = error
        except SetError as error:
            result = "invalidArguments"
            failed = MethodError("invalidArguments", error.description)
        except store.StoreError as error:
            result = "serverUnavailable" if isinstance(error, UNAVAILABLE) else "serverFail"
            logger.error("call failed", extra={"kv": {"method": name, "err": str(error)}})
            failed = MethodError(result, str(error) if result == "serverUnavailable" else "the storage failed")
        finally:
            jmap_calls.labels(method=name, result=result).inc()
        return [Invocation("error", failed.arguments(), invocation.call_id)]

    async def _upload(self, request: Request, writer: ResponseWriter, tail: str) -> None:
        identity = await self._log_in(request)
        if tail.rstrip("/") != account_id(identity.account):
            raise HTTPError(404, "There is no such account.")
        if identity.read_only:
            raise HTTPError(403, "This app password may only read.")
        try:
            limiter = self._uploads.setdefault(identity.account, trio.CapacityLimiter(LIMITS["maxConcurrentUpload"]))
            async with limiter, self._open(identity) as account:
                found = await blobs.receive(account, request)
        except BodyTooLarge:
            error = RequestError("limit", "the file is too large", 413, limit="maxSizeUpload")
            await writer.respond(Response(error.status, PROBLEM, msgspec.json.encode(error.problem())))
            return
        await self._answer(request, writer, found, 201)

    async def _download(self, request: Request, writer: ResponseWriter, tail: str) -> None:
        identity = await self._log_in(request)
        own, _, rest = tail.partition("/")
        blob, _, name = rest.partition("/")
        if own != account_id(identity.account):
            raise HTTPError(404, "There is no such account.")
        async with self._open(identity) as account:
            found = await find_blob(account, blob)
            if found is None:
                raise HTTPError(404, "There is no such file.")
            media_type = query_parameters(request).get("accept") or query_parameters(request).get("type") or ""
            shown = media_type if MEDIA_TYPE.fullmatch(media_type) else found.media_type
            size = (("content-length", str(found.size)),) if found.size is not None else ()
            filename = disposition(urllib.parse.unquote(name) or "download")
            head = (("content-type", header_value(shown)), filename, *size, *BLOB_HEADERS)
            if request.method == "HEAD":
                await writer.respond(Response(200, head))
                return
            try:
                async with aclosing(found.pieces()) as pieces:  # type: ignore[type-var]
                    await writer.start(200, head)
                    async for piece in pieces:
                        await writer.write(piece)
            except store.StoreError as error:
                raise ClientGone from error
        await writer.finish()

    async def _websocket(self, request: Request, writer: ResponseWriter, path: str) -> None:
        """Calls and changes by websocket (RFC 8887)."""
        check_upgrade(request, own_pages=False)
        identity = await self._log_in(request)

        async def speak(socket: WebSocketConnection) -> None:
            with self._server.pushes.live(identity.account, identity.app_password):
                async with self._open(identity) as account:
                    await push.serve_socket(socket, account, partial(self._by_socket, identity, request, path))

        await serve_websocket(request, writer, speak, subprotocol="jmap", max_message_size=LIMITS["maxSizeRequest"])

    async def _by_socket(self, identity: Identity, request: Request, path: str, value: Object) -> Object:
        """The response to a request that came by websocket."""
        identified = {"requestId": value["id"]} if isinstance(value.get("id"), str) else {}
        try:
            found = await self._called(request_of(value), identity, request, path)
        except RequestError as error:
            return {"@type": "RequestError", **identified, **error.problem()}
        return {"@type": "Response", **identified, **found}


WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"
ACCOUNT_CAPABILITIES: Final[dict[str, Object]] = {
    "urn:ietf:params:jmap:mail": {
        "maxMailboxesPerEmail": None,
        "maxMailboxDepth": 30,
        "maxSizeMailboxName": 255,
        "maxSizeAttachmentsPerEmail": LIMITS["maxSizeUpload"],
        "emailQuerySortOptions": [
            *("receivedAt", "sentAt", "size", "from", "to", "subject"),
            *("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"),
        ],
        "mayCreateTopLevelMailbox": True,
    },
    "urn:ietf:params:jmap:submission": {"maxDelayedSend": 365 * 86_400, "submissionExtensions": {"FUTURERELEASE": []}},
    "urn:ietf:params:jmap:vacationresponse": {},
}


async def _read(request: Request) -> JMAPRequest:
    """The request in the body. Raises RequestError, HTTPError, ClientGone."""
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("notJSON", "the content type is application/json")
    try:
        octets = await request.body.read(LIMITS["maxSizeRequest"])
    except BodyTooLarge:
        raise RequestError("limit", "the request is too large", 413, limit="maxSizeRequest") from None
    if len(octets) <= ON_LOOP:
        return read_request(octets)
    return await off_loop(partial(read_request, octets), kind="jmap")


def _check_account(call: Call, arguments: Object) -> None:
    """Check the account of a call. Raises MethodError."""
    account: Any = arguments.get("accountId")
    if not isinstance(account, str):
        raise MethodError("invalidArguments", "accountId is missing")
    if account != account_id(call.identity.account):
        raise MethodError("accountNotFound", "there is no such account")
