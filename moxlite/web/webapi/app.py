"""The service: pages for people, the OpenAPI document, and calls (WEB-91..93, 104)."""

from __future__ import annotations

import logging
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from moxlite.admin.masked import MaskedAddresses
from moxlite.encoding import to_json
from moxlite.net.refusals import refusals, with_id
from moxlite.processor import act_for, calling, give_way
from moxlite.store import errors as store
from moxlite.store.delivery.submission import QueueFull, SendingStopped
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import API_HEADERS, SERVICE_HEADERS
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import BodyTooLarge, ClientGone, HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.http.programlogin import log_in
from moxlite.web.metrics import webapi_errors, webapi_results, webapi_seconds
from moxlite.web.webapi.aliases import AliasAPI
from moxlite.web.webapi.bodies import receive
from moxlite.web.webapi.calls import Call, Octets, Service, Turns
from moxlite.web.webapi.errors import MAX_ERROR, Code, WebAPIError
from moxlite.web.webapi.methods import METHODS, Method
from moxlite.web.webapi.pages import PAGE_HEADERS, document, index_page, method_page

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.logins.identity import Identity
    from moxlite.logins.logins import Logins
    from moxlite.process.keys import SigningKeys
    from moxlite.queue.queue import Queue
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.web.http.exchange import Handler, Request, ResponseWriter


logger = logging.getLogger("moxlite.web.webapi")

VERSION: Final = "v0/"
DOCUMENT: Final = "openapi.json"
MAX_SMALL: Final = 1 << 20
"""Octets of a request without files."""

STORE: Final[tuple[tuple[type[store.StoreError], Code], ...]] = (
    (store.NoSuchMessage, "messageNotFound"),
    (store.NoSuchMailbox, "mailboxNotFound"),
    (store.BadKeyword, "user"),
    (store.MailboxNotAllowed, "user"),
    (store.NoRight, "user"),
    (store.LimitExceeded, "user"),
    (store.OverQuota, "user"),
    (store.BadMessage, "messageTooLarge"),
    (QueueFull, "error"),
    (SendingStopped, "error"),
)
"""Codes by class of error; all other errors of the store are ``server``."""

SERVER_TEXTS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (store.StorageFull, "the server's disk is full"),
    (OSError, "the server's disk is full"),
    (store.NoLease, "the server can't accept changes right now; try again in a minute"),
    (store.StorageBusy, "the server is busy; try again in a moment"),
)
FAILED: Final = "this account's storage isn't working properly"

RAW_HEADERS: Final = (
    ("cache-control", "no-store"),
    ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    ("content-disposition", "attachment"),
    *SERVICE_HEADERS,
)


class WebAPI:
    """The web API of a server, for all ports."""

    def __init__(
        self,
        *,
        config: CurrentConfig,
        accounts: Accounts,
        logins: Logins,
        keys: SigningKeys,
        queue: Queue | None,
        tmp: Path,
        auth: AuthDB,
    ) -> None:
        self._config = config
        self._logins = logins
        self._aliases = AliasAPI(config, logins, MaskedAddresses(config, accounts, auth.masked))
        self._service = Service(config=config, accounts=accounts, keys=keys, queue=queue, tmp=tmp, turns=Turns())

    def mounted(self, path: str) -> Handler:
        """The handler of the service at a path that ends in a slash."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            await self._handle(request.path.removeprefix(path), path, request, writer)

        return handle

    async def _handle(self, rest: str, path: str, request: Request, writer: ResponseWriter) -> None:
        if rest.startswith("api/"):
            await self._aliases.answer(rest, request, writer)
            return
        reading = request.method in ("GET", "HEAD")
        name = rest.removeprefix(VERSION)
        if rest in ("", VERSION.rstrip("/")) and reading:
            await writer.respond(Response.redirect(303, path + VERSION))
        elif not rest.startswith(VERSION) or (name not in METHODS and name not in ("", DOCUMENT)):
            raise HTTPError(404, "Unknown method.")
        elif name in METHODS and request.method == "POST":
            await self._answer(METHODS[name], request, writer)
        elif not reading:
            allowed = "GET, HEAD, POST" if name in METHODS else "GET, HEAD"
            raise HTTPError(405, "Use POST to call methods.", (("allow", allowed),))
        else:
            await writer.respond(await compressed(request.headers, _page(name, path, request)))

    async def _answer(self, method: Method, request: Request, writer: ResponseWriter) -> None:
        """Answer a call, and count it."""
        refuse_foreign(request)
        result = "error"
        try:
            with webapi_seconds.labels(method=method.name).time():
                code, text = await self._called(method, request, writer)
            if code is None:
                result = "ok"
                return
            result = "servererror" if code == "server" else "error"
            webapi_errors.labels(error=code).inc()
            error = {"Code": code, "Message": text}
            await writer.respond(Response(400, API_HEADERS, to_json(error)))
        except HTTPError as error:
            result = "badauth" if error.status == 401 else "error"
            raise
        finally:
            webapi_results.labels(method=method.name, result=result).inc()

    async def _called(
        self, method: Method, request: Request, writer: ResponseWriter
    ) -> tuple[Code, str] | tuple[None, str]:
        """Log the user in, call, and write the result; else returns code and text of the error."""
        identity = await log_in(self._logins, request, "webapi")
        request.account = identity.account
        act_for(identity.account)
        calling.set(f"webapi {method.name}")
        await give_way()
        snapshot = self._config.current
        limit = MAX_SMALL
        if method.files:
            limit = 2 * snapshot.listener(request.info.listener).max_message_size
        parameters: object = None
        try:
            if method.changes and identity.read_only:
                raise WebAPIError("user", "this app password is read-only")
            async with receive(request, self._service.tmp, limit) as body:
                parameters = await body.parameters(method.request)
                call = Call(service=self._service, identity=identity, request=request, body=body, snapshot=snapshot)
                found = await method.run(call, parameters)
            if isinstance(found, Octets):
                await self._stream(call, found, writer)
                return None, ""
        except WebAPIError as error:
            return error.code, _refused(method, identity, parameters, error)
        except BodyTooLarge as error:
            if not method.files:
                raise
            too_large = WebAPIError("messageTooLarge", error.text)
            return too_large.code, _refused(method, identity, parameters, too_large)
        except (store.StoreError, OSError) as error:
            if writer.started:
                raise ClientGone from error
            failed = _of_store(error, method.name)
            return failed.code, _refused(method, identity, parameters, failed)
        await writer.respond(await compressed(request.headers, Response(200, API_HEADERS, to_json(found))))
        return None, ""

    async def _stream(self, call: Call, found: Octets, writer: ResponseWriter) -> None:
        """Write octets of a message as they are read. Raises StoreError, ClientGone."""
        size = (("content-length", str(found.size)),) if found.size is not None else ()
        async with call.account() as account, aclosing(found.pieces(account)) as pieces:  # type: ignore[type-var]
            first = await anext(pieces, b"")
            await writer.start(200, (("content-type", found.content_type), *size, *RAW_HEADERS), first=len(first))
            await writer.write(first)
            async for piece in pieces:
                await writer.write(piece)
        await writer.finish()


def _page(name: str, path: str, request: Request) -> Response:
    base = f"{request.origin}{path}{VERSION}"
    if name == DOCUMENT:
        headers = (("content-type", "application/json; charset=utf-8"), *SERVICE_HEADERS)
        return Response(200, headers, to_json(document(base)))
    page = method_page(METHODS[name], base) if name else index_page(base)
    return Response(200, PAGE_HEADERS, page.encode())


def _refused(method: Method, identity: Identity, parameters: object, error: WebAPIError) -> str:
    """The text of an error; the id of a log line ends it if a message isn't sent. `parameters`: None if not read."""
    text = _shown(error.text)
    if method.parties is None or error.code == "sentOverQuota":
        return text
    sender, recipients = ("", []) if parameters is None else method.parties(parameters)
    reply = f"{error.code}: {text}"
    return with_id(text, refusals().note("webapi", identity.account, reply, sender=sender, recipients=recipients))


def _of_store(error: Exception, method: str) -> WebAPIError:
    """The refusal for an error of the store."""
    for kind, code in STORE:
        if isinstance(error, kind):
            return WebAPIError(code, str(error))
    logger.error("call failed", extra={"kv": {"method": method, "err": str(error)}})
    return WebAPIError("server", next((text for kind, text in SERVER_TEXTS if isinstance(error, kind)), FAILED))


def _shown(text: str) -> str:
    return text if len(text) <= MAX_ERROR else text[:MAX_ERROR] + "…"
