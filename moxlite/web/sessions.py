"""Log-in and sessions of the web apps (WEB-54..59, WEBMAIL-13..22). Cookies and their tokens are in `cookies`, the
second step of a log-in in `web.factors`.
"""

import hmac
import logging
import time
from collections.abc import Awaitable
from typing import ClassVar, Final

import trio

from moxlite.config.snapshot import CurrentConfig
from moxlite.logins.attempts import attempt_row, note_login
from moxlite.logins.identity import (
    FactorNeeded,
    Identity,
    LoginDisabled,
    LoginRefused,
    LoginRequest,
    NoAdminPassword,
    RateLimited,
)
from moxlite.logins.logins import Logins
from moxlite.logins.secondfactor import ConfirmKind, FactorKind, SecondFactors
from moxlite.processor import act_for, give_way
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import UNKNOWN, AttemptResult
from moxlite.store.auth.sessions import BadCSRF, NoSession, Session, SessionExpired, SessionStolen
from moxlite.web import errors
from moxlite.web.cookies import App, Caller, SessionCookies, may_stay_logged_in
from moxlite.web.factors import SecondSteps
from moxlite.web.http.programlogin import attempt_of
from moxlite.web.types import LoginResult, SecondStep
from moxlite.wording import reason_of

logger = logging.getLogger("moxlite.web.sessions")

FAILURE_DELAY: Final = 1.0  # seconds; they slow down guessing, whatever was wrong (WEB-56, WEBMAIL-16)
CONFIRMED: Final = 600  # seconds for which a password or second factor allows sensitive calls (WEB-63a)
MAX_CONFIRMED: Final = 10_000  # sessions whose confirmation is remembered, under 1 MB
EXPIRED: Final = "You were logged out after 24 hours of inactivity. Log in again."
NOT_RIGHT: Final = "Wrong password."
UNSET: Final = "The admin password isn't set. To set it, run on the server: moxlite admin set-password"
EXPIRED_DEVICE: Final = (
    "You were logged out because this device wasn't used for 30 days, or its login is 180 days old. Log in again."
)
STOLEN: Final = (
    "You were logged out for your safety. An old copy of this login was used, either by someone else or from a "
    "restored browser backup. If you didn't restore a backup, check the logins on your account page. Log in "
    "again."
)
INVALID: Final = "You were logged out. Log in again."
NOT_HANDED: Final = "Your webmail login can't be used here. Log in again."


class Confirmations:
    """Sessions whose users gave a secret again, which allows sensitive calls for 10 minutes (WEB-63a)."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}  # time of the loop by the session's id

    def note(self, session: Session) -> None:
        """The user of a session has confirmed now."""
        # Entries of sessions that have ended stay until here: to look for those would cost more than their few octets.
        while len(self._at) >= MAX_CONFIRMED:
            del self._at[next(iter(self._at))]
        self._at[session.id] = trio.current_time()

    def fresh(self, session: Session) -> bool:
        """Whether the user has confirmed within 10 minutes."""
        at = self._at.get(session.id)
        return at is not None and trio.current_time() - at < CONFIRMED


class Sessions:
    """Log-in and sessions of one app. Sessions are stored in auth.db (STORE-105) and are valid for their own app
    only. The sessions of the admin app are a subclass, with its own `_check_password` and `_enter`, `check` and
    `log_out`; the account of its sessions is `ADMIN`.
    """

    WRONG: ClassVar[str] = "Wrong email address or password."
    NOT_CONNECTED: ClassVar[str] = (
        "This login isn't connected to an account yet. Log in with your password, then connect it under Security on "
        "your account page."
    )

    def __init__(
        self, app: App, *, auth: AuthDB, logins: Logins, factors: SecondFactors, config: CurrentConfig
    ) -> None:
        self.app: Final = app
        self._auth = auth
        self._logins = logins
        self._config = config
        self.cookies: Final = SessionCookies(app)
        self._steps = SecondSteps(factors)
        self.confirmations: Final = Confirmations()

    async def log_in(self, caller: Caller, login_token: str, username: str, password: str) -> LoginResult:
        """Check the password. Starts a session, unless the account has second factors: then `second_step` follows.

        Raises UserError before the credentials are checked, LoginFailed, RateLimited.
        """
        self.cookies.check_form(caller, login_token)
        try:
            identity = await self._check_password(caller, username, password)
        except FactorNeeded as e:
            return LoginResult("", e.identity.address, await self._steps.begin(caller.request, e.identity))
        except LoginRefused as e:
            raise await refused(e, self.WRONG) from e
        return await self._enter(caller, identity)

    async def second_step(self, caller: Caller, token: str, kind: FactorKind, code: str) -> LoginResult:
        """Check the second factor of the log-in that `token` belongs to, and start a session.

        Raises LoginFailed, RateLimited; UserError when the token is too old.
        """
        try:
            identity = await self._steps.finish(caller.request, self.login_request(caller), token, kind, code)
        except LoginRefused as e:
            raise await refused(e, reason_of(e)) from e
        return await self._enter(caller, identity)

    async def confirm_options(self, caller: Caller) -> SecondStep:
        """The second factors by which the user may confirm, beside the password. Raises StoreError."""
        session = caller.require()
        return await self._steps.offer(caller.request, session.account, session.id)

    async def confirm(self, caller: Caller, kind: ConfirmKind, code: str) -> None:
        """Check the password or a second factor again; sensitive calls of this session are allowed for 10 minutes.

        Raises LoginFailed, RateLimited.
        """
        session = caller.require()
        try:
            if kind == "password":
                await self._check_password(caller, session.address, code, confirm=True)
            else:
                identity = Identity(session.account, session.address)
                await self._steps.confirm(self.login_request(caller), session.id, identity, kind, code)
        except LoginRefused as e:
            raise await refused(e, NOT_RIGHT if kind == "password" else reason_of(e)) from e
        self.confirmations.note(session)

    def require_confirmed(self, session: Session) -> None:
        """Raise ConfirmNeeded unless the user of the session gave the password or a second factor within the last 10
        minutes: at log-in, or by `confirm` (WEB-63a).
        """
        since_login = time.time() - session.proven / 1_000_000
        # The clock of the wall may have been set back, and a log-in of the future would be fresh for long.
        if 0 <= since_login < CONFIRMED or self.confirmations.fresh(session):
            return
        raise errors.ConfirmNeeded("To continue, enter your password or verify it's you again.")

    async def _check_password(self, caller: Caller, username: str, password: str, *, confirm: bool = False) -> Identity:
        """Check the password of a log-in, or with `confirm` that of the session's user. Raises LoginRefused,
        StoreError.
        """
        mechanism = "webconfirm" if confirm else "weblogin"
        request = self.login_request(caller)
        return await self._logins.password(request, username, password, mechanism=mechanism, alone=confirm)

    async def log_in_by_provider(self, caller: Caller, accepting: Awaitable[Identity], proven: int) -> LoginResult:
        """Start a session for a person whom the login provider has verified, unless `accepting` needs a second factor:
        then `second_step` follows. `proven`: when the user gave a secret to the provider (µs UTC).

        Raises LoginFailed, RateLimited.
        """
        try:
            identity = await accepting
        except FactorNeeded as e:
            return LoginResult("", e.identity.address, await self._steps.begin(caller.request, e.identity))
        except LoginRefused as e:
            raise await refused(e, self.NOT_CONNECTED) from e
        return await self._enter(caller, identity, proven)

    async def _enter(self, caller: Caller, identity: Identity, proven: int | None = None) -> LoginResult:
        """Start a session after a complete log-in, and set its cookie."""
        # A new token with each log-in: a cookie that another site or user has planted in the browser names nothing
        # afterwards.
        tokens = await self._auth.sessions.add(
            self.app,
            identity.account,
            identity.address,
            remote_ip=caller.request.client_ip,
            user_agent=caller.request.headers.get("user-agent") or "",
            device=caller.stays and may_stay_logged_in(caller.request),
            proven=proven,
            provider=identity.provider,
        )
        if self._auth.sessions.logouts.after(identity.logouts, identity.provider):
            await self._auth.sessions.remove_person(identity.account, identity.provider.subject)
            raise errors.LoginFailed(INVALID)
        self.cookies.give(caller, tokens.token, identity.account, device=tokens.device)
        return LoginResult(tokens.csrf, identity.address, device=tokens.device)

    async def hand_on(self, caller: Caller) -> str:
        """The token by which the account app takes over the session, in this browser only (WEB-51a)."""
        session = caller.require()
        if session.id < 0:
            raise errors.Conflict(
                "you didn't choose to stay logged in, so you need to log in to the account page separately"
            )
        return self._auth.sessions.handovers.offer(session, self.cookies.offer(caller))

    async def take_over(self, caller: Caller, token: str) -> LoginResult:
        """Start a session for the user of the session that `token` belongs to (WEB-51a). Raises LoginFailed."""
        secret = self.cookies.offered(caller)
        # Taken before anything is compared: a token serves once, also for a browser that lacks the cookie.
        offer = self._auth.sessions.handovers.take(token)
        if offer is None:
            raise await _not_handed()
        session = offer.session
        try:
            if not (hmac.compare_digest(offer.browser.encode(), secret.encode()) and self._may_stay(session)):
                raise NoSession
            tokens = await self._auth.sessions.hand_on(
                session,
                self.app,
                remote_ip=caller.request.client_ip,
                user_agent=caller.request.headers.get("user-agent") or "",
            )
        except NoSession as e:
            self._record(caller, "badcreds", "webhandover", session.account)
            logger.warning("session handover failed", extra={"kv": {"account": session.account}})
            raise await _not_handed() from e
        self.cookies.give(caller, tokens.token, session.account)
        self._record(caller, "ok", "webhandover", session.account, session.address)
        return LoginResult(tokens.csrf, session.address)

    async def log_out(self, caller: Caller) -> int:
        """End the session of this request; one that was handed on, with the webmail's. Returns the id of the session
        with the log-in.
        """
        session = caller.require()
        ended = await self._auth.sessions.remove(session.account, session.id)
        if session.parent:
            caller.stays = not session.proven
            if "webmail" in caller.siblings:
                self.cookies.forget(caller, sibling="webmail")
        self.cookies.forget(caller)
        return ended

    async def end_others(self, caller: Caller, *, devices: bool = False) -> int:
        """End all web sessions of the account but that of this request, in all apps (WEB-59), or with `devices` those
        that stay logged in (WEBMAIL-22a); returns how many.
        """
        session = caller.require()
        token = self.cookies.token(caller)
        return await self._auth.sessions.remove_all(session.account, keep_token=token, devices=devices)

    async def check(self, caller: Caller, *, csrf: bool = True, csrf_token: str | None = None) -> Session:
        """The valid session of a request. With `csrf` the request must bring the session's CSRF token, as all calls
        that change something do: in a header, or as `csrf_token`, the field of a form (WEB-53). Raises NoAuth, BadAuth.

        Raises NoAuth, BadAuth.
        """
        token, account, csrf_token = self.cookies.brought(caller, csrf=csrf, csrf_token=csrf_token)
        try:
            # Only with a CSRF token may the cookie change (`renew`): it is a call then, whose answer brings the new
            # one. Answers to pictures, pages and streams would lose it.
            session = await self._auth.sessions.use(
                token,
                self.app,
                account,
                csrf=csrf_token if csrf else None,
                remote_ip=caller.request.client_ip,
                renew=csrf,
            )
        except SessionExpired as e:
            self.cookies.forget(caller)
            raise errors.BadAuth(EXPIRED_DEVICE if caller.stays else EXPIRED) from e
        except NoSession as e:
            if not isinstance(e, BadCSRF):
                self.cookies.forget(caller)
            self._record_misuse(caller, account)
            await trio.sleep(FAILURE_DELAY)
            raise errors.BadAuth(STOLEN if isinstance(e, SessionStolen) else INVALID) from e
        if not self._may_stay(session):
            # Looked up in the configuration by each request: a log-in that is disabled ends at once, also while auth.db
            # cannot be written.
            await self._auth.sessions.remove(session.account, session.id)
            self.cookies.forget(caller)
            raise errors.BadAuth(INVALID)
        if session.renewed:
            self.cookies.give(caller, session.renewed, account, device=True)
        self._accept(caller, session)
        await give_way()
        return session

    def _accept(self, caller: Caller, session: Session) -> None:
        """Note the session of a request."""
        caller.session = session
        caller.request.account = session.account
        act_for(session.account)
        caller.request.info.seat.known = True  # connections of logged-in clients are kept

    def _record_misuse(self, caller: Caller, account: str) -> None:
        """Record the use of a cookie or CSRF token that belongs to no session (WEB-58). The account's name is taken
        from the cookie and proves nothing.
        """
        known = self._config.current.account(account) is not None
        self._record(caller, "badcreds", "websession", account if known else UNKNOWN)
        logger.info("invalid session", extra={"kv": {"remote": caller.request.client_ip, "protocol": self.app}})

    def _record(self, caller: Caller, result: AttemptResult, mechanism: str, account: str, address: str = "") -> None:
        """Record a log-in without a password."""
        request = self.login_request(caller)
        note_login(result, account, address, request.protocol, str(request.remote))
        self._auth.attempts.record(attempt_row(request, result, mechanism, account, address))

    async def alive(self, session: Session) -> bool:
        """Whether the session that started a stream is still valid: not logged out, expired, removed or disabled
        (WEBMAIL-18, 30).
        """
        if not self._may_stay(session):
            return False
        # By its id, for a stream has no token, and that of a device changes each day.
        return any(living.id == session.id for living in await self._auth.sessions.of(session.account))

    def _may_stay(self, session: Session) -> bool:
        account = self._config.current.account(session.account)
        return account is not None and not account.login_disabled

    def login_request(self, caller: Caller) -> LoginRequest:
        """The origin of an attempt, for records and limits."""
        return attempt_of(caller.request, self.app)


async def refused(refusal: LoginRefused, text: str) -> errors.APIError:
    """The error for a refused log-in; `text` is for wrong credentials. Guesses are slowed down."""
    if isinstance(refusal, RateLimited):
        return errors.RateLimited(reason_of(refusal))
    if isinstance(refusal, LoginDisabled):
        return errors.LoginFailed(reason_of(refusal))
    await trio.sleep(FAILURE_DELAY)
    return errors.LoginFailed(UNSET if isinstance(refusal, NoAdminPassword) else text)


async def _not_handed() -> errors.APIError:
    """The error for a session that cannot be taken over. An unknown token is not recorded: it cannot be guessed."""
    await trio.sleep(FAILURE_DELAY)
    return errors.LoginFailed(NOT_HANDED)
