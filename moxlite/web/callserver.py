"""Serving an app's calls: JSON by POST, with checks of session and origin, and a description (WEB-55, WEB-61,
WEBMAIL-23).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.lazyimport import Lazy
from moxlite.net.limits import TooManyLogins
from moxlite.operations import Operation
from moxlite.operations.performing import for_caller
from moxlite.processor import calling
from moxlite.store.auth.audit import object_of, plain
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.errors import StorageBroken, StoreError
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
from moxlite.web.errors import APIError, Done, NotFound, RateLimited, ServerFailed, Unknown, UserError, translated
from moxlite.web.guards import refuse_foreign
from moxlite.web.headers import API_HEADERS
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import ClientGone, HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.sessions import Sessions
from moxlite.web.storeerrors import RETRY_AFTER, api_error

if TYPE_CHECKING:
    from moxlite.metrics import Histogram
    from moxlite.operations.performing import Perform
    from moxlite.store.auth.audit import AuditLog
    from moxlite.store.auth.authdb import KeptAnswers
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
        answers: KeptAnswers | None = None,
    ) -> None:
        """`api` has the pages, of which `make` makes the objects, and the operations, which `perform` performs.
        `events` and `request` are the types of its streams, for the description. `seconds` observes the duration of
        each call by its name. `audit` records the calls that change something; `answers` keeps those to calls that may
        be repeated.
        """
        self._pages: Final = {page: make(page) for page in api if isinstance(page, type)}
        self._perform = perform
        self._door = door
        self._seconds = seconds
        self._calls: Final = calls_of(*api)
        self._audit = audit
        self._repetitions = None if answers is None else Repetitions(answers)
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
        response = await responding(caller, self._result(caller, name, writer))
        if not writer.started:
            await writer.respond(await compressed(request.headers, response))
        else:
            await writer.write(response.body)
            await writer.finish()

    async def _result(self, caller: Caller, name: str, writer: ResponseWriter) -> Response:
        entry = self._calls.get(name)
        if entry is None:
            raise NotFound(worded("unknown call: {name}", name=repr(name[:80])))
        # Before the body is read: strangers get nothing into memory but by the public calls.
        actor = VISITOR if entry.public else await self._door.admit(caller, entry)
        body = await caller.request.body.read(MAX_PUBLIC if entry.public else MAX_BODY, lambda octets: PARSED * octets)
        parameters = decode_parameters(entry, body)
        calling.set(f"{self._door.app} {name}")
        session = None if entry.public else caller.session
        # Sessions of the admin app aren't in auth.db, and have numbers of their own.
        sessions = () if session is None or session.app == "webadmin" else (session.id, session.parent)
        origin = Origin(actor, self._door.app, caller.request.client_ip, sessions=sessions)
        with self._seconds.labels(call=name).time():
            if caller.session is None:
                # a program takes the status of the answer by its word, and a log-in sets cookies
                return await self._answered(entry, caller, origin, parameters, body)
            async with signs_of_life(writer, caller):
                return await responding(caller, self._answered(entry, caller, origin, parameters, body))

    async def _answered(
        self, entry: Call, caller: Caller, origin: Origin, parameters: msgspec.Struct, body: bytes
    ) -> Response:
        """The response to a call, or to an earlier one with the same id."""

        async def work(again: int = 0) -> bytes:
            # Around the call, not in it: changes deep in the store are recorded with this origin.
            with acting_as(msgspec.structs.replace(origin, again=again)):
                return encode_result(await self._made(entry, caller, origin.actor, parameters))

        call_id = caller.request.headers.get(CALL_ID)
        if not entry.once or call_id is None or self._repetitions is None:
            result = await work()
        elif not 0 < len(call_id) <= MAX_ID or not call_id.isascii() or not call_id.isprintable():
            raise UserError(worded("Idempotency-Key: must be 1 to {most} printable ASCII characters", most=MAX_ID))
        else:
            key = _digest(origin.via, origin.actor, call_id)
            request = _digest(entry.name, body)
            result = await self._repetitions.once(key, origin.actor, request, work, secret=entry.secret)
        return Response(200, (*API_HEADERS, *caller.headers), result)

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


def _digest(*parts: str | bytes) -> bytes:
    """SHA-256 of these, none of which but the last may have a NUL."""
    return hashlib.sha256(b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)).digest()


async def responding(caller: Caller, work: Awaitable[Response]) -> Response:
    """The response to a call, or to its refusal. Raises what is neither."""
    try:
        return await work
    except APIError as e:
        return refused(caller, e)
    except StoreError as e:
        refusal = api_error(e)
        if refusal is None:
            raise
        return refused(caller, refusal)
    except TooManyLogins as e:
        return refused(caller, RateLimited(reason_of(e), ("retry-after", str(e.seconds))))


async def described(description: bytes, request: Request, writer: ResponseWriter) -> None:
    """Answer with the description of an API, which is JSON."""
    await writer.respond(await compressed(request.headers, Response(200, API_HEADERS, description)))


def refused(caller: Caller, error: APIError) -> Response:
    """The answer to a refused call, with the reason."""
    extra = (RETRY_AFTER,) if error.status == 429 else error.headers
    return Response(error.status, (*API_HEADERS, *caller.headers, *extra), encode_error(error))


# A call that works for long says so: spaces before its JSON, by which the page knows that it is neither lost nor
# forgotten. The status is 200 then, whatever becomes of the call: the page looks at the JSON (WEB-61c).


SIGN_EVERY: Final = 10.0
"""Seconds. A page gives a call up after 20 s of silence."""


@asynccontextmanager
async def signs_of_life(writer: ResponseWriter, caller: Caller) -> AsyncIterator[None]:
    """Send a space every `SIGN_EVERY` seconds while the block runs, to a client that is still there."""

    async def send() -> None:
        with suppress(ClientGone):
            while True:
                await trio.sleep(SIGN_EVERY)
                with trio.CancelScope(shield=True):  # half a chunk would break the answer; a write has its deadline
                    if not writer.started:
                        await writer.start(200, (*API_HEADERS, *caller.headers))
                    await writer.write(b" ")

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            yield
            nursery.cancel_scope.cancel()
    except ExceptionGroup as group:  # of the block alone
        raise group.exceptions[0] from None


# Calls that may be repeated, each done once (WEB-61b).
#
# A page whose connection broke does not know whether its call was done. It repeats it with the same id: while the first
# one works, the repetition waits for its result; later it gets what was kept. The note of a call is written before the
# call changes anything, and its result after that: if the end of the server cut a call off, the server doesn't know
# what it has done, and tells the repetition so. A secret is not kept. Its repetition makes another one
# (`Origin.again`).


CALL_ID: Final = "idempotency-key"
"""The field of the id, as in the web API (WEB-154)."""

MAX_ID: Final = 255
"""Characters of an id."""


class Running:
    """A call at work. `result` is None if it was refused."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.ended = trio.Event()
        self.result: bytes | None = None


class Repetitions:
    """The calls at work, and the answers to former ones."""

    def __init__(self, answers: KeptAnswers) -> None:
        self._answers = answers
        self._running: dict[bytes, Running] = {}

    async def once(
        self, key: bytes, actor: str, request: bytes, work: Callable[[int], Awaitable[bytes]], *, secret: bool
    ) -> bytes:
        """The result of a call, or of the earlier one with the same key.

        Args:
          request: its digest, by which one with other values is told from a repetition.
          work: makes the call; its argument is as `Origin.again`.

        Raises:
          Done: the earlier call had another request, and was done.
          Unknown: the earlier call was cut off.
          And as `work`.
        """
        while (running := self._running.get(key)) is not None:
            await running.ended.wait()
            if running.result is not None:
                _check_same(running.request, request)
                return running.result
        running = self._running[key] = Running(request)
        try:
            running.result = await self._result(key, actor, request, work, secret=secret)
            return running.result
        finally:
            del self._running[key]
            running.ended.set()

    async def _result(
        self, key: bytes, actor: str, request: bytes, work: Callable[[int], Awaitable[bytes]], *, secret: bool
    ) -> bytes:
        try:
            earlier = await self._answers.begin(key, actor, request)
        except StorageBroken:  # the account's own file may be well
            return await work(0)
        if earlier is not None:
            if earlier.result is not None:
                _check_same(earlier.request, request)
                return earlier.result
            if not secret or earlier.request != request:
                raise Unknown(
                    "the server restarted, and we don't know whether this was done; check before you try again"
                )
        try:
            result = await work(earlier.begun if earlier is not None else 0)
        except (APIError, StoreError, TooManyLogins):
            if earlier is None:
                await self._answers.forget(key)
            raise
        if not secret:
            with suppress(StoreError):  # the call is done; a repetition gets Unknown
                await self._answers.keep(key, result)
        return result


def _check_same(earlier: bytes, request: bytes) -> None:
    if earlier != request:
        raise Done("this Idempotency-Key was already used for another request")
