"""Log-in by the login provider, in all apps, and the connection of an account with a person there (WEB-180, WEB-181,
WEB-189).

The browser comes back to the page itself, with the provider's answer in the query. The page takes the answer out of its
address and makes a call with it, which is of the same site, so that cookies stay `SameSite=Strict`. What the call needs
of the request is in a cookie, signed with a secret of this process: strangers who begin log-ins take no memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import time
from contextlib import suppress
from typing import Annotated, Final, Literal

import msgspec
import trio
from msgspec import Meta

from moxlite.admin.factors import FactorChanges
from moxlite.admin.providerpeople import ProviderPeople
from moxlite.encoding import from_json, to_json
from moxlite.logins.identity import Identity, LoginRefused, RateLimited, WrongCredentials
from moxlite.logins.logins import Logins
from moxlite.logins.provider import MECHANISM, LoginProvider, Person, VerifiedClaims, accept_person
from moxlite.proto.oidc import (
    SKEW,
    AuthorizationRequest,
    LogoutClaims,
    NoGuess,
    NotGranted,
    OIDCError,
    ProviderAway,
    ProviderBroken,
)
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.providerbindings import BoundElsewhere
from moxlite.store.errors import LimitExceeded
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import LoginFailed, NotFound, Unavailable, UserError
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import ResponseWriter, parse_fields
from moxlite.web.http.messages import Response
from moxlite.web.sessions import INVALID, Sessions, refused
from moxlite.web.types import LoginResult
from moxlite.wording import reason_of, worded

logger = logging.getLogger("moxlite.web.sessions")

LIFE: Final = 600
"""Seconds that a user has at the provider."""

MAX_PENDING: Final = 5
"""Maximum number of requests that a browser keeps, with 450 octets each in its cookie."""

BACK_CHANNEL: Final = "provider-logout"
"""Path below an app at which the provider says that a person has logged out there."""

LOGOUT_HEADERS: Final = (("content-type", "application/json"), ("cache-control", "no-store"))

AWAITED: Final = 2.0
"""Seconds for which a user who logs out waits for the provider's discovery document."""

MAX_LOGOUT: Final = 64 << 10
"""Maximum octets of such a request."""

NO_PROVIDER: Final = "Logging in with a provider isn't set up here."
AGAIN: Final = "This login expired or was started in another browser. Log in again."
FAILED: Final = "Couldn't verify the login provider's response. Try again. For details, see the server log."
AWAY: Final = (
    "The login provider isn't responding. Log in with your password. If you don't have one, ask your"
    " administrator for a recovery link."
)

DENIED: Final = "You canceled the login, or the login provider didn't allow it."
BUSY: Final = "The login provider has a problem. Try again later, or log in with your password."
REFUSED: Final = "The login provider rejected the login: {code}. Try again, or contact your administrator."

NOT_ANEW: Final = (
    "The login provider didn't ask you to log in again. Enter your password, or contact your administrator."
)
ANOTHER: Final = "Someone else is logged in at the login provider. Try again with your own login."

State = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=8192)]
ErrorCode = Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_.-]*$")]
Subject = Annotated[str, Meta(max_length=255)]
Purpose = Literal["login", "connect", "confirm"]


class Answer(msgspec.Struct, frozen=True):
    """What the provider has put into the page's address: a code, or an error; "" for what isn't there."""

    state: State
    code: Code
    iss: Code
    error: ErrorCode


class _PendingRequest(msgspec.Struct, frozen=True):
    """A request that its browser keeps while it is at the provider. `until`: seconds since 1970; `session`: that of the
    page, 0 for a log-in; `logouts`: the number of log-outs there before it.
    """

    app: str
    purpose: Purpose
    session: int
    stay: bool
    until: int
    logouts: int
    begun: AuthorizationRequest


class ProviderPerson(msgspec.Struct, frozen=True):
    """A person of the login provider who logs in to the account. `since`: milliseconds since 1970."""

    subject: str
    since: int


class ProviderState(msgspec.Struct, frozen=True):
    """The login provider by its `name`, "" without one, and the people who log in to the account by it."""

    name: str
    people: list[ProviderPerson]


class ProviderLogins:
    """Log-ins by the provider to one app.

    Args:
      people: None if the server has no provider.
    """

    def __init__(self, sessions: Sessions, people: ProviderPeople | None, auth: AuthDB, logins: Logins) -> None:
        self.sessions: Final = sessions
        self._logins = logins
        self._attempts = logins.attempts
        self._people = people
        self.provider: Final = None if people is None else people.provider
        self._auth = auth
        self.bindings: Final = auth.bindings
        self._secret = secrets.token_bytes(32)

    def name(self, caller: Caller) -> str:
        """The provider's name, "" without a provider, and in folders of further accounts: each would have to be
        registered at the provider.
        """
        return "" if self.provider is None or caller.number else self.provider.name

    async def begin(self, caller: Caller, purpose: Purpose, *, stay: bool = False) -> str:
        """Begin a log-in; returns where the browser goes."""
        provider = self._require(caller)
        try:
            begun, url = await provider.begin(caller.request.origin + caller.path, again=purpose != "login")
        except ProviderAway as error:
            raise unavailable(error) from error
        session = 0 if purpose == "login" else caller.require().id
        until, logouts = int(time.time()) + LIFE, self._auth.sessions.logouts.count
        away = _PendingRequest(self.sessions.app, purpose, session, stay, until, logouts, begun)
        self._keep(caller, [*self._pending(caller), away][-MAX_PENDING:])
        return url

    async def finish(self, caller: Caller, purpose: Purpose, answer: Answer) -> tuple[VerifiedClaims, _PendingRequest]:
        """The person who comes back, and the request. Raises LoginFailed, RateLimited, Unavailable."""
        provider = self._require(caller)
        pending, state = self._pending(caller), answer.state.encode("utf-8", "replace")
        away = next((one for one in pending if hmac.compare_digest(one.begun.state.encode(), state)), None)
        self._keep(caller, [one for one in pending if one is not away])  # it serves once
        session = 0 if purpose == "login" else caller.require().id
        request = self.sessions.login_request(caller)
        try:
            await self._attempts.admit(request)
        except LoginRefused as error:
            raise await refused(error, FAILED) from error
        if (
            away is None
            or (away.app, away.purpose, away.session) != (self.sessions.app, purpose, session)
            or not time.time() < away.until <= time.time() + LIFE
        ):
            raise LoginFailed(AGAIN)
        caller.stays = away.stay and self.sessions.app == "webmail"
        try:
            claims = await provider.finish(
                away.begun, state=answer.state, code=answer.code, iss=answer.iss or None, error=answer.error
            )
        except ProviderAway as error:
            raise unavailable(error) from error
        except NotGranted as error:  # no guess: the state is that of this browser
            logger.info("login provider login failed", extra={"kv": {"code": error.code}})
            raise _not_granted(error.code) from error
        except OIDCError as error:
            kv = {"remote": caller.request.client_ip, "issuer": provider.issuer, "err": str(error)}
            logger.warning("login provider response rejected", extra={"kv": kv})
            if isinstance(error, NoGuess):
                raise LoginFailed(FAILED) from error
            wrong = WrongCredentials("couldn't verify the login provider's response")
            refusal = self._attempts.refuse(request, MECHANISM, "", wrong, result="badcreds")
            raise await refused(refusal, FAILED) from error
        if self._auth.sessions.logouts.after(away.logouts, claims.login):
            raise LoginFailed(INVALID)
        return claims, away

    async def log_in(self, caller: Caller, answer: Answer) -> LoginResult:
        """Start a session for the person who comes back, or ask for a second factor. Raises as `finish`."""
        claims, away = await self.finish(caller, "login", answer)
        # Without the time, the user may have logged in there long ago: then sensitive calls ask for the password.
        seconds = max(min(claims.token.auth_time or 0, time.time()), 1)
        strong = self._require(caller).strong(claims.token)
        person = Person(claims.login, int(seconds * 1_000_000), strong, away.logouts)
        return await self.sessions.log_in_by_provider(caller, self._accept(caller, claims, person), person.proven)

    async def _accept(self, caller: Caller, claims: VerifiedClaims, person: Person) -> Identity:
        """The user that a person is; the first log-in may connect the person with an account. Raises LoginRefused,
        StoreError.
        """
        assert self._people is not None
        request = self.sessions.login_request(caller)
        try:
            recipient = await self._people.recipient_of(claims, app=self.sessions.app, remote=str(request.remote))
        except ProviderAway as error:
            raise unavailable(error) from error
        return await accept_person(self._logins, request, recipient, person)

    async def _may_use(self, account: str, claims: VerifiedClaims) -> bool:
        """Whether a person may log in to the account of a session now. Raises Unavailable."""
        return await self.bindings.account_of(claims.token.iss, claims.token.sub) == account

    async def confirm(self, caller: Caller, answer: Answer) -> None:
        """Allow the sensitive calls of a session to its person, or after a log-in here to a person of its account, who
        has logged in since `begin`. Raises as `finish`.
        """
        claims, away = await self.finish(caller, "confirm", answer)
        session = caller.require()
        # A provider that ignores `prompt` and `max_age` tells an earlier time, or none.
        logged_in = claims.token.auth_time
        if logged_in is None or logged_in < away.until - LIFE - SKEW:
            raise LoginFailed(NOT_ANEW)
        others = session.subject and session.subject != claims.token.sub
        if others or not await self._may_use(session.account, claims):
            raise await refused(WrongCredentials("you're logged in to the provider as someone else"), ANOTHER)
        self.sessions.confirmations.note(session)

    async def logged_out(self, caller: Caller, writer: ResponseWriter) -> None:
        """Answer the provider, which says that a person has logged out (Back-Channel Logout 1.0 §2.5..2.8): all web
        sessions that the person has begun end, in all apps; where it names a session there alone, those that this one
        has begun.
        """
        request, provider = caller.request, self.provider
        if request.method != "POST" or provider is None:
            raise HTTPError(404, "Page not found.")
        attempt = self.sessions.login_request(caller)
        try:
            await self._attempts.admit(attempt)
            token = parse_fields((await request.body.read(MAX_LOGOUT)).decode("utf-8", "replace")).get("logout_token")
            claims = await provider.logged_out(token or "")
        except RateLimited:
            answer = Response(429, LOGOUT_HEADERS, b"")
        except ProviderAway as error:
            logger.warning("login provider failed", extra={"kv": {"err": str(error)}})
            answer = Response(503, LOGOUT_HEADERS, b"")
        except OIDCError as error:
            kv = {"remote": request.client_ip, "issuer": provider.issuer, "err": str(error)}
            logger.warning("logout token rejected", extra={"kv": kv})
            if not isinstance(error, NoGuess):  # the provider may send its own token again
                wrong = WrongCredentials("couldn't verify the login provider's response")
                self._attempts.refuse(attempt, MECHANISM, "", wrong, result="badcreds")
            answer = Response(400, LOGOUT_HEADERS, b'{"error":"invalid_request"}')
        else:
            # First: log-ins on their way end too, also of people without an account.
            await self._auth.sessions.note_provider_logout(claims.sub or "", claims.sid or "")
            accounts = await self._end(provider, claims)
            logger.info("logged out at the login provider", extra={"kv": {"accounts": ",".join(accounts)}})
            answer = Response(200, LOGOUT_HEADERS, b"")
        await writer.respond(answer)

    async def _end(self, provider: LoginProvider, claims: LogoutClaims) -> list[str]:
        """End the sessions that a logout token means; returns their accounts."""
        if claims.sub is None:
            return await self._auth.sessions.remove_provider_session(claims.sid or "")
        account = await self.bindings.account_of(provider.issuer, claims.sub)
        ended = account is not None and await self._auth.sessions.remove_person(account, claims.sub) > 0
        return [account] if account is not None and ended else []

    async def logout_url(self, caller: Caller) -> str:
        """Where the browser goes to log out at the provider too, "" if that isn't possible soon."""
        provider = self._require(caller)
        with trio.move_on_after(AWAITED), suppress(ProviderAway):
            return await provider.logout_url(caller.request.origin + caller.path, await self._id_token(caller))
        return ""

    async def _id_token(self, caller: Caller) -> str:
        """The ID token of the log-in that began the session of this request, "" for none."""
        return await self._auth.sessions.id_token(caller.require())

    def _require(self, caller: Caller) -> LoginProvider:
        if self.provider is None or not self.name(caller):
            raise UserError(NO_PROVIDER)
        return self.provider

    def _keep(self, caller: Caller, pending: list[_PendingRequest]) -> None:
        """Have the browser keep the requests whose answers haven't come."""
        octets = to_json(pending)
        sealed = base64.urlsafe_b64encode(self._mark(octets) + octets).rstrip(b"=").decode()
        self.sessions.cookies.send_away(caller, sealed if pending else "", LIFE)

    def _pending(self, caller: Caller) -> list[_PendingRequest]:
        """The requests that the browser keeps, the oldest first: one for each tab that is at the provider."""
        text = self.sessions.cookies.returned(caller)
        try:
            octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return []
        mark, octets = octets[:32], octets[32:]
        return from_json(octets, list[_PendingRequest]) if hmac.compare_digest(mark, self._mark(octets)) else []

    def _mark(self, octets: bytes) -> bytes:
        return hmac.digest(self._secret, octets, hashlib.sha256)


def _not_granted(code: str) -> LoginFailed:
    """The error for one of the provider's own (RFC 6749 §4.1.2.1)."""
    if code == "access_denied":
        return LoginFailed(DENIED)
    if code in ("server_error", "temporarily_unavailable"):
        return LoginFailed(BUSY)
    return LoginFailed(worded(REFUSED, code=code))


def unavailable(error: ProviderAway) -> Unavailable:
    """The error for a provider that is away, which is logged."""
    logger.warning("login provider failed", extra={"kv": {"err": str(error)}})
    return Unavailable(BUSY if isinstance(error, ProviderBroken) else AWAY, ("retry-after", "10"))


class ProviderCalls:
    """The login provider on the page of logging in."""

    def __init__(self, logins: ProviderLogins) -> None:
        self._logins = logins

    @call(public=True)
    async def provider_name(self, caller: Caller) -> str:
        """The name of the login provider, "" without a provider."""
        return self._logins.name(caller)

    @call(public=True)
    async def provider_login(self, caller: Caller, stay: bool) -> str:
        """Begin a log-in by the login provider: the address that the browser has to go to."""
        return await self._logins.begin(caller, "login", stay=stay)

    @call(public=True)
    async def provider_finish(self, caller: Caller, answer: Answer) -> LoginResult:
        """Complete a log-in: start a session as `login` does, or ask for a second factor."""
        return await self._logins.log_in(caller, answer)

    @call()
    async def provider_confirm(self, caller: Caller) -> str:
        """Begin to confirm by a new log-in at the provider, in place of a password: the address to go to."""
        return await self._logins.begin(caller, "confirm")

    @call()
    async def provider_confirmed(self, caller: Caller, answer: Answer) -> None:
        """Complete it; sensitive calls of this session are allowed for 10 minutes."""
        await self._logins.confirm(caller, answer)

    @call()
    async def provider_logout(self, caller: Caller) -> str:
        """The address to which the browser goes after the session's end, to log out at the provider too; "" for
        none.
        """
        return await self._logins.logout_url(caller)


class ProviderConnectionCalls:
    """The login provider on the security page of an account."""

    def __init__(self, logins: ProviderLogins, factors: FactorChanges) -> None:
        self._logins = logins
        self._factors = factors

    @call()
    async def provider_state(self, caller: Caller) -> ProviderState:
        """The login provider, and the people who log in to the account by it."""
        provider = self._logins.provider
        if provider is None:
            return ProviderState("", [])
        found = await self._logins.bindings.of(caller.require().account)
        people = [ProviderPerson(one.subject, one.bound // 1000) for one in found if one.issuer == provider.issuer]
        return ProviderState(self._logins.name(caller), people)

    @call(confirm=True)
    async def provider_connect(self, caller: Caller) -> str:
        """Begin to connect the account with a person of the login provider: the address that the browser has to go
        to. The user has to log in there anew.
        """
        return await self._logins.begin(caller, "connect")

    @call(confirm=True, audit="login provider connected")
    async def provider_connected(self, caller: Caller, answer: Answer) -> ProviderState:
        """Connect the account with the person who comes back."""
        claims, _ = await self._logins.finish(caller, "connect", answer)
        account = caller.require().account
        try:
            added = await self._logins.bindings.add(claims.token.iss, claims.token.sub, account)
        except (BoundElsewhere, LimitExceeded) as error:
            raise UserError(worded("Couldn't connect: {reason}.", reason=reason_of(error))) from error
        if added:
            await self._factors.provider_connected(account, claims.token.sub, where=caller.request.client_ip)
        return await self.provider_state(caller)

    @call(confirm=True, audit="login provider disconnected")
    async def provider_disconnect(self, caller: Caller, subject: Subject) -> ProviderState:
        """Let a person of the login provider no longer log in to the account; all other sessions end."""
        provider, account = self._logins.provider, caller.require().account
        if provider is None or not await self._logins.bindings.remove(provider.issuer, subject, account):
            raise NotFound("This login was already disconnected.")
        await self._logins.sessions.end_others(caller)
        return await self.provider_state(caller)
