"""Serving an app's calls: JSON by POST, with checks of session and origin, and a description (WEB-55, WEB-61,
WEBMAIL-23).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from moxlite.encoding import to_json
from moxlite.lazyimport import Lazy
from moxlite.net.limits import TooManyLogins
from moxlite.operations import Operation
from moxlite.operations.performing import for_caller
from moxlite.processor import calling
from moxlite.store.auth.audit import object_of, plain
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.errors import StoreError
from moxlite.web.calls import (
    MAX_BODY,
    MAX_PUBLIC,
    PARSED,
    Call,
    Source,
    api_schema,
    calls_of,
    decode_parameters,
    encode_error,
    encode_result,
)
from moxlite.web.errors import APIError, NotFound, RateLimited, ServerFailed, translated
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import API_HEADERS
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.sessions import Sessions
from moxlite.web.storeerrors import RETRY_AFTER, api_error

if TYPE_CHECKING:
    from moxlite.metrics import Histogram
    from moxlite.operations.performing import Perform
    from moxlite.store.auth.audit import AuditLog
    from moxlite.web.cookies import Caller
    from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.wording import reason_of, worded

VISITOR: Final = "(visitor)"
"""The actor of calls without a session."""


class CallAuth(Protocol):
    """Lets callers in."""

    @property
    def app(self) -> str:
        """What they came by, for the audit log."""

    async def admit(self, caller: Caller, entry: Call) -> str:
        """The actor of a call that is not public. Raises APIError unless the caller may make it."""


class SessionAuth:
    """Lets users in that have a session."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.app: Final = sessions.app

    async def admit(self, caller: Caller, entry: Call) -> str:
        """The user of the session. Raises NoAuth, BadAuth, ConfirmNeeded."""
        session = await self._sessions.check(caller)
        if entry.confirm:
            self._sessions.require_confirmed(session)
        return session.actor


class CallServer:
    """Answers requests below ``api/`` of an app."""

    def __init__(
        self,
        api: Sequence[Source],
        make: Callable[[type], object],
        door: CallAuth,
        seconds: Histogram,
        *,
        title: str,
        perform: Perform | None = None,
        events: Any = None,
        request: Any = None,
        audit: AuditLog | None = None,
    ) -> None:
        """`api` has the pages, of which `make` makes the objects, and the operations, which `perform` performs.
        `events` and `request` are the types of its streams, for the description. `seconds` observes the duration of
        each call by its name. `audit` records the calls that change something.
        """
        self._pages: Final = {page: make(page) for page in api if isinstance(page, type)}
        self._perform = perform
        self._door = door
        self._seconds = seconds
        self._calls: Final = calls_of(*api)
        self._audit = audit
        # Computed once and in a thread: it takes 0.2 s and needs no session, so a stranger could hold the loop with it.
        self._description: Final = Lazy(lambda: to_json(api_schema(title, self._calls, events, request)))

    async def answer(self, caller: Caller, name: str, writer: ResponseWriter) -> None:
        """Answer the call `name`. GET of the empty name gets the description of all calls."""
        request = caller.request
        if name == "" and request.method in ("GET", "HEAD"):
            await described(await self._description.get(), request, writer)
            return
        if request.method != "POST":
            raise HTTPError(405, "Use POST to make API calls.", (("allow", "POST"),))
        kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        # Besides the CSRF token: a form of a foreign page cannot send this type, and its script only after a preflight,
        # which gets 405.
        if kind != "application/json":
            raise HTTPError(415, "Send calls as JSON, with Content-Type: application/json.")
        refuse_foreign(request)
        try:
            body = await self._result(caller, name)
            response = Response(200, (*API_HEADERS, *caller.headers), body)
        except APIError as e:
            response = refused(caller, e)
        except StoreError as e:
            refusal = api_error(e)
            if refusal is None:
                raise
            response = refused(caller, refusal)
        except TooManyLogins as e:
            response = refused(caller, RateLimited(reason_of(e), ("retry-after", str(e.seconds))))
        await writer.respond(await compressed(request.headers, response))

    async def _result(self, caller: Caller, name: str) -> bytes:
        entry = self._calls.get(name)
        if entry is None:
            raise NotFound(worded("unknown call: {name}", name=repr(name[:80])))
        # Before the body is read: strangers get nothing into memory but by the public calls.
        actor = VISITOR if entry.public else await self._door.admit(caller, entry)
        body = await caller.request.body.read(MAX_PUBLIC if entry.public else MAX_BODY, lambda octets: PARSED * octets)
        parameters = decode_parameters(entry, body)
        calling.set(f"{self._door.app} {name}")
        session = None if entry.public else caller.session
        sessions = () if session is None else (session.id, session.parent)
        origin = Origin(actor, self._door.app, caller.request.client_ip, sessions=sessions)
        # Around the call, not in it: changes deep in the store are recorded with this origin.
        with acting_as(origin), self._seconds.labels(call=name).time():
            return encode_result(await self._made(entry, caller, actor, parameters))

    async def _made(self, entry: Call, caller: Caller, actor: str, request: msgspec.Struct) -> Any:
        """The result of a call, recorded if it changes something (WEB-160)."""
        if isinstance(request, Operation):
            assert self._perform is not None
            try:
                with translated():
                    return await self._perform(for_caller(request, actor))
            except ServerFailed as error:
                # A user's mistake that the store found has its own answer; all else needs the owner.
                if not actor.startswith("(") and isinstance(cause := error.__cause__, StoreError) and api_error(cause):
                    raise cause from None
                raise
        assert isinstance(entry.source, type)
        method = getattr(self._pages[entry.source], entry.name)
        parameters = msgspec.structs.asdict(request)
        with translated():
            if not entry.audit or self._audit is None:
                return await method(caller, **parameters)
            # a user changes the own account alone
            about = object_of(entry.audit, parameters) if actor.startswith("(") else actor
            async with self._audit.recording(entry.audit, about, plain(parameters)):
                return await method(caller, **parameters)


async def described(description: bytes, request: Request, writer: ResponseWriter) -> None:
    """Answer with the description of an API, which is JSON."""
    await writer.respond(await compressed(request.headers, Response(200, API_HEADERS, description)))


def refused(caller: Caller, error: APIError) -> Response:
    """The answer to a refused call, with the reason."""
    extra = (RETRY_AFTER,) if error.status == 429 else error.headers
    return Response(error.status, (*API_HEADERS, *caller.headers, *extra), encode_error(error))
