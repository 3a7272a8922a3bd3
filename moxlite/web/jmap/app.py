"""The service: session, calls, uploads, downloads, and changes as they happen (RFC 8620 §2, §3, §6, §7)."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.processor import act_for, calling, give_way, off_loop
from moxlite.proto.address import Domain
from moxlite.store import errors as store
from moxlite.web.guards import account_pages, refuse_foreign
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS, disposition
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import BodyTooLarge, ClientGone, HTTPError
from moxlite.web.http.exchange import query_parameters
from moxlite.web.http.messages import Response, header_value
from moxlite.web.http.programlogin import log_in
from moxlite.web.http.websocket import MessageRoom, check_upgrade, serve_websocket
from moxlite.web.jmap import blobs, streams
from moxlite.web.jmap.accounts import Place, account_id, open_place
from moxlite.web.jmap.blobs import find_blob
from moxlite.web.jmap.bodies import Budget
from moxlite.web.jmap.methods import Call, Method, Server
from moxlite.web.jmap.protocol import (
    LIMITS,
    Invocation,
    JMAPRequest,
    MethodError,
    Object,
    RequestError,
    SetError,
    cost_of,
    encoded,
    read_object,
    references,
    request_of,
    resolved,
)
from moxlite.web.jmap.table import (
    ACCOUNT_CAPABILITIES,
    BLOBS,
    CALENDARS,
    CAPABILITIES,
    CONTACTS,
    MAIL,
    MASKED,
    METHODS,
    PRINCIPALS,
    SHARED_CAPABILITIES,
    SUBMISSION,
)
from moxlite.web.jmap.trace import Transcript
from moxlite.web.metrics import jmap_calls, jmap_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.web.http.exchange import Handler, Request, ResponseWriter
    from moxlite.web.http.websocket import WebSocketConnection


logger = logging.getLogger("moxlite.web.jmap")

MAX_SESSIONS: Final = 1_000
"""Sessions that are kept: about 2 KB each."""

FIRST: Final = 64 << 10
"""Octets that each call holds for its values, whatever it asks for."""

LINGER: Final = 30.0
"""Seconds to keep an account open after a request, because the next one usually comes soon."""

MEDIA_TYPE: Final = re.compile(
    r"[!#-'*+\-.0-9A-Z^-~]{1,100}/[!#-'*+\-.0-9A-Z^-~]{1,100}(?:; ?charset=[A-Za-z0-9_.-]{1,40})?"
)
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


class Session(msgspec.Struct, frozen=True):
    """A session resource as JSON. `version`: of what it was made of."""

    version: tuple[str, int]
    state: str
    octets: bytes


async def _send(request: Request, writer: ResponseWriter, octets: bytes, status: int = 200) -> None:
    await writer.respond(await compressed(request.headers, Response(status, API_HEADERS, octets)))


class JMAP:
    """JMAP of a server, for all ports."""

    def __init__(self, server: Server, logins: Logins) -> None:
        self._server = server
        self._logins = logins
        self._requests: dict[str, trio.CapacityLimiter] = {}
        self._uploads: dict[str, trio.CapacityLimiter] = {}
        self._sessions: dict[tuple[str, str, bool, bool], Session] = {}

    def mounted(self, path: str) -> Handler:
        """Return the service's handler for a path that ends with a slash.

        It also answers the well-known URL. Pages of the listener's `origins` may use it (CORS, WHATWG Fetch §3.3).
        """

        async def handle(request: Request, writer: ResponseWriter) -> None:
            listener = self._server.config.current.listener(request.info.listener)
            origins = listener.jmap_https.origins if request.info.tls else listener.jmap_http.origins
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
            with account_pages():
                await self._handle(rest, path, request, writer)

        return handle

    async def _handle(self, rest: str, path: str, request: Request, writer: ResponseWriter) -> None:
        name, _, tail = rest.partition("/")
        match request.method, name:
            case (("GET" | "HEAD"), ("" | "session")):
                identity = await self._log_in(request, addresses=True)
                session = await self._session(identity, request, path)
                await _send(request, writer, session.octets)
            case "POST", "api":
                await self._api(request, writer, path)
            case "POST", "upload":
                await self._upload(request, writer, tail)
            case (("GET" | "HEAD"), "download"):
                await self._download(request, writer, tail)
            case "GET", "events":
                identity = await self._log_in(request)
                with self._server.programs.live(identity.account, identity.app_password):
                    async with self._open(identity) as account:
                        await streams.serve_events(
                            request,
                            writer,
                            self._server,
                            account,
                            identity.address,
                            self._transcript(identity, request).push,
                        )
            case "GET", "ws":
                await self._websocket(request, writer, path)
            case _, ("" | "session" | "api" | "upload" | "download" | "events" | "ws"):
                allowed = "POST" if name in ("api", "upload") else "GET, HEAD"
                raise HTTPError(405, f"Use {allowed.partition(',')[0]} for this URL.", (("allow", allowed),))
            case _:
                raise HTTPError(404, "Page not found.")

    async def _log_in(self, request: Request, *, addresses: bool = False) -> Identity:
        """The user of a request. `addresses`: tokens for addresses to give away alone may make it (MASK-13)."""
        identity = await log_in(self._logins, request, "jmap")
        request.account = identity.account
        self._check_allowed(identity)
        if identity.only_addresses and not addresses:
            raise HTTPError(403, "This token can only be used for masked addresses.")
        self._transcript(identity, request).begin()
        act_for(identity.account)
        await give_way()
        return identity

    def _check_allowed(self, identity: Identity) -> None:
        """Raise HTTPError where the configuration turns JMAP off."""
        snapshot = self._server.config.current
        account = snapshot.account(identity.account)
        domain = snapshot.domain(Domain.parse(identity.address.rpartition("@")[2]))
        if (account is not None and account.no_jmap) or (domain is not None and domain.no_jmap):
            raise HTTPError(403, "JMAP is turned off for this account.")

    def _transcript(self, identity: Identity, request: Request) -> Transcript:
        return Transcript(self._server.programs, identity.account, request)

    @asynccontextmanager
    async def _open(self, identity: Identity) -> AsyncIterator[OpenAccount]:
        """The user's account, open. Raises StoreError."""
        async with self._server.accounts.use(identity.account, check_login=True, linger=LINGER) as account:
            yield account

    async def _session(self, identity: Identity, request: Request, path: str) -> Session:
        """The session resource (RFC 8620 §2): kept until what it is made of has changed."""
        base = f"{request.origin}{path}"
        snapshot, sharing = self._server.config.current, self._server.auth.sharing
        key = (base, identity.address, identity.read_only, identity.only_addresses)
        version = (snapshot.revision, sharing.changes)
        known = self._sessions.get(key)
        if known is not None and known.version == version:
            return known
        owners = await sharing.owners(identity.account)
        names = {owner: snapshot.login_of(owner) for owner in owners if owner != identity.account}
        content = _session(base, identity, {one: str(at.canonical) for one, at in names.items() if at is not None})
        state = hashlib.sha256(to_json(content)).hexdigest()[:16]
        made = Session(version, state, to_json({**content, "state": state}))
        # The key has the host that the client has named, so that anyone who may log in can fill this.
        if len(self._sessions) >= MAX_SESSIONS:
            self._sessions.clear()
        self._sessions[key] = made
        return made

    async def _answer(self, request: Request, writer: ResponseWriter, found: object, status: int = 200) -> None:
        await _send(request, writer, await encoded(found), status)

    async def _api(self, request: Request, writer: ResponseWriter, path: str) -> None:
        identity = await self._log_in(request, addresses=True)
        try:
            # Wait for the turn before reading the body, so that waiting requests take no memory.
            async with self._turn(identity):
                value = await read_object(await _body(request))
                budget = Budget(streams.TEXTS, request.body.hold)
                answer = await encoded(await self._called(request_of(value), budget, identity, request, path))
                del value
                request.body.hold.give("request")
        except RequestError as error:
            self._transcript(identity, request).add("S", "error", error.problem())
            await writer.respond(Response(error.status, PROBLEM, to_json(error.problem())))
            return
        await _send(request, writer, answer)

    def _turn(self, identity: Identity) -> trio.CapacityLimiter:
        """Limits the requests of an account whose octets and values are in memory."""
        most = LIMITS["maxConcurrentRequests"]
        return self._requests.setdefault(identity.account, trio.CapacityLimiter(most))

    async def _called(
        self, asked: JMAPRequest, budget: Budget, identity: Identity, request: Request, path: str
    ) -> Object:
        """The response to a request. Raises RequestError, HTTPError."""
        unknown = asked.using - CAPABILITIES.keys() - {WEBSOCKET}
        if unknown:
            raise RequestError("unknownCapability", f"unsupported capability: {min(unknown)!r}")
        async with self._open(identity) as account:
            call = Call(
                server=self._server,
                identity=identity,
                snapshot=self._server.config.current,
                request=request,
                place=Place(owner=account.name, account=account, home=account),
                created=dict(asked.created or {}),
                budget=budget,
                arguments={},
            )
            known, referenced, responses = list[Invocation](), references(asked.calls), list[msgspec.Raw]()
            transcript = self._transcript(identity, request)
            # Programs made for servers that answer all methods leave capabilities out (decision 022).
            declared = call.snapshot.static.pedantic or not asked.using
            using = asked.using if declared else CAPABILITIES.keys()
            for invocation in asked.calls:
                transcript.add("C", invocation.name[:100], invocation.arguments)
                for one in await self._run(call, invocation, known, using):
                    transcript.add("S", one.name, one.arguments)
                    responses.append(await self._written(budget, one, kept=one.call_id in referenced))
                    if one.call_id in referenced:
                        known.append(one)
                await give_way()
        response: Object = {
            "methodResponses": responses,
            "sessionState": (await self._session(identity, request, path)).state,
        }
        if asked.created is not None:
            response["createdIds"] = call.created
        return response

    async def _written(self, budget: Budget, response: Invocation, *, kept: bool) -> msgspec.Raw:
        """A response as JSON, of which the budget has room. As values, all responses of a request would take many
        times as much. `kept`: they stay beside it, for calls that refer to them.
        """
        octets = await encoded(response.wire())
        method = METHODS.get(response.name)
        try:
            await budget.write(len(octets), values=kept, force=method is not None and method.changes)
        except MethodError as error:
            octets = await encoded(Invocation("error", error.arguments(), response.call_id).wire())
        return msgspec.Raw(octets)

    async def _run(
        self, call: Call, invocation: Invocation, before: list[Invocation], using: Collection[str]
    ) -> list[Invocation]:
        """Run one call, and return its responses. `using`: the capabilities whose methods may be called."""
        method = METHODS.get(invocation.name)
        name = invocation.name if method is not None else "unknown"
        result = "ok"
        calling.set(f"jmap {name}")
        try:
            with jmap_seconds.labels(method=name).time():
                if method is None or method.capability not in using:
                    raise MethodError("unknownMethod", "unknown method, or its capability isn't listed in using")
                arguments = invocation.arguments
                if any(name.startswith("#") for name in arguments):
                    # in a thread, because a reference may yield 100,000 values, and each is counted
                    arguments = await off_loop(partial(resolved, arguments, before, call.budget.take), kind="jmap")
                # By capability, not by name: a method that is added later is refused until it is meant to be there.
                if call.identity.only_addresses and method.capability != MASKED and name != "Core/echo":
                    raise MethodError("forbidden", "this token can only be used for masked addresses")
                if method.changes and call.identity.read_only:
                    raise MethodError("accountReadOnly", "this app password is read-only")
                async with self._place_of(call, method, arguments) as place:
                    await call.budget.reserve(FIRST)
                    own = msgspec.structs.replace(
                        call,
                        snapshot=self._server.config.current,  # a call before may have changed it
                        place=place,
                        arguments=arguments,
                        call_id=invocation.call_id,
                        after=[],
                    )
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

    @asynccontextmanager
    async def _place_of(self, call: Call, method: Method, arguments: Object) -> AsyncIterator[Place]:
        """The account that a call is about, open. Raises MethodError."""
        if not method.account:
            yield call.place
            return
        name = arguments.get("accountId")
        if not isinstance(name, str):
            raise MethodError("invalidArguments", "accountId is missing")
        async with self._place(call.place.home, name) as place:
            if place.guest and method.capability not in SHARED_CAPABILITIES:
                raise MethodError("accountNotSupportedByMethod", "only the owner can do this")
            yield place

    def _place(self, home: OpenAccount, name: str) -> AbstractAsyncContextManager[Place]:
        """The account with an id, open, for the user whose own account is `home`. Raises MethodError."""
        return open_place(self._server.accounts, self._server.auth, home, name)

    async def _upload(self, request: Request, writer: ResponseWriter, tail: str) -> None:
        identity = await self._log_in(request)
        if identity.read_only:
            raise HTTPError(403, "This app password is read-only.")
        try:
            limiter = self._uploads.setdefault(identity.account, trio.CapacityLimiter(LIMITS["maxConcurrentUpload"]))
            async with limiter, self._open(identity) as home, self._place(home, tail.rstrip("/")) as place:
                found = await blobs.receive(place, request)
        except MethodError:
            raise HTTPError(404, "Account not found") from None
        except BodyTooLarge:
            error = RequestError("limit", "the file is too large", 413, limit="maxSizeUpload")
            await writer.respond(Response(error.status, PROBLEM, to_json(error.problem())))
            return
        await self._answer(request, writer, found, 201)

    async def _download(self, request: Request, writer: ResponseWriter, tail: str) -> None:
        identity = await self._log_in(request)
        name_of, _, rest = tail.partition("/")
        blob, _, name = rest.partition("/")
        async with AsyncExitStack() as stack:
            home = await stack.enter_async_context(self._open(identity))
            try:
                place = await stack.enter_async_context(self._place(home, name_of))
            except MethodError:
                raise HTTPError(404, "Account not found.") from None
            try:
                found = await find_blob(place, blob)
            except MethodError as error:
                raise HTTPError(503, error.description) from None
            if found is None:
                raise HTTPError(404, "File not found")
            media_type = query_parameters(request).get("accept") or query_parameters(request).get("type") or ""
            shown = media_type if MEDIA_TYPE.fullmatch(media_type) else found.media_type
            size = (("content-length", str(found.size)),) if found.size is not None else ()
            filename = disposition(name or "download")
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
                # The head is out. Only a closed connection tells the client that the file is not whole.
                raise ClientGone from error
        await writer.finish()

    async def _websocket(self, request: Request, writer: ResponseWriter, path: str) -> None:
        """Calls and changes by websocket (RFC 8887)."""
        check_upgrade(request, own_pages=False)
        identity = await self._log_in(request)
        async with self._open(identity) as account:
            room = MessageRoom(writer.hold, cost_of, LIMITS["maxSizeRequest"])

            async def speak(socket: WebSocketConnection) -> None:
                with self._server.programs.live(identity.account, identity.app_password):
                    run = partial(self._by_socket, identity, request, path)
                    told = self._transcript(identity, request).push

                    def watch(types: frozenset[str] | None) -> streams.Watch:
                        return streams.Watch(self._server, account, identity.address, types, told)

                    await streams.serve_socket(socket, run, watch, self._turn(identity), room)

            await serve_websocket(request, writer, speak, subprotocol="jmap", room=room)

    async def _by_socket(
        self, identity: Identity, request: Request, path: str, value: Object, budget: Budget
    ) -> Object:
        """The response to a request that came by websocket."""
        identified = {"requestId": value["id"]} if isinstance(value.get("id"), str) else {}
        try:
            with account_pages():
                found = await self._called(request_of(value), budget, identity, request, path)
        except RequestError as error:
            return {"@type": "RequestError", **identified, **error.problem()}
        except HTTPError as error:
            kind = "serverUnavailable" if error.status >= 500 else "forbidden"
            problem = RequestError(kind, error.text, error.status).problem()
            return {"@type": "RequestError", **identified, **problem}
        return {"@type": "Response", **identified, **found}


WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"


def _session(base: str, identity: Identity, shared: Mapping[str, str]) -> Object:
    """The session resource without its state. `shared`: addresses of other accounts, by their name."""
    own = account_id(identity.account)
    if identity.only_addresses:
        shared = {}
    personal: Object = {
        **ACCOUNT_CAPABILITIES,
        PRINCIPALS: {"currentUserPrincipalId": own},
        f"{PRINCIPALS}:owner": {"accountIdForPrincipal": own, "principalId": own},
    }
    if identity.only_addresses:
        personal = {MASKED: {}}
    accounts: Object = {own: _account(identity.address, identity, personal, personal=True)}
    guest = {
        MAIL: {**ACCOUNT_CAPABILITIES[MAIL], "mayCreateTopLevelMailbox": False},
        SUBMISSION: ACCOUNT_CAPABILITIES[SUBMISSION],
        BLOBS: ACCOUNT_CAPABILITIES[BLOBS],
        CONTACTS: {**ACCOUNT_CAPABILITIES[CONTACTS], "mayCreateAddressBook": False},
        CALENDARS: {**ACCOUNT_CAPABILITIES[CALENDARS], "mayCreateCalendar": False},
    }
    for owner, address in shared.items():
        accounts[account_id(owner)] = _account(address, identity, guest, personal=False)
    capabilities = {**CAPABILITIES, WEBSOCKET: {"url": f"ws{base.removeprefix('http')}ws", "supportsPush": True}}
    return {
        "capabilities": capabilities,
        "accounts": accounts,
        "primaryAccounts": dict.fromkeys(
            (account_capability for account_capability in ACCOUNT_CAPABILITIES if account_capability in personal), own
        ),
        "username": identity.address,
        "apiUrl": f"{base}api",
        "downloadUrl": f"{base}download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}",
        "uploadUrl": f"{base}upload/{{accountId}}/",
        "eventSourceUrl": f"{base}events?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
    }


def _account(name: str, identity: Identity, capabilities: Mapping[str, Object], *, personal: bool) -> Object:
    return {
        "name": name,
        "isPersonal": personal,
        "isReadOnly": identity.read_only,
        "accountCapabilities": capabilities,
    }


async def _body(request: Request) -> bytes:
    """The body, which is JSON by its type. Raises RequestError, HTTPError, ClientGone."""
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("notJSON", "the content type must be application/json")
    try:
        return await request.body.read(LIMITS["maxSizeRequest"], cost_of)
    except BodyTooLarge:
        raise RequestError("limit", "request too large", 413, limit="maxSizeRequest") from None
