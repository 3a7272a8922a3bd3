"""Log-in and sessions of the web apps: cookies, CSRF tokens, and the session of a request (WEB-51..59,
WEBMAIL-13..22). The second step of a log-in is in `web.factors.steps`.
"""

import base64
import hmac
import ipaddress
import logging
import secrets
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import ClassVar, Final, Literal
from urllib.parse import quote, unquote

import trio

from moxlite.config.snapshot import CurrentConfig
from moxlite.logins.identity import Identity, LoginRequest
from moxlite.logins.logins import Logins
from moxlite.logins.refusals import FactorNeeded, LoginDisabled, LoginRefused, NoAdminPassword, RateLimited
from moxlite.logins.secondfactor import ConfirmKind, FactorKind, SecondFactors
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import UNKNOWN, LoginAttempt
from moxlite.store.auth.sessions import DEVICE_UNUSED, BadCSRF, NoSession, Session, SessionExpired, SessionStolen
from moxlite.web import errors
from moxlite.web.factors.steps import SecondSteps
from moxlite.web.http.exchange import Request
from moxlite.web.http.messages import header_value
from moxlite.web.types import LoginResult, SecondStep

__all__ = ["App", "Caller", "Sessions"]

logger = logging.getLogger("moxlite.web.sessions")

App = Literal["webmail", "webaccount", "webadmin"]

TOKEN_SIZE: Final = 16  # 128 random bits (WEB-53)
LOGIN_TOKEN_AGE: Final = (
    30  # seconds between the form and its answer (WEB-51): the page fetches it when the user submits
)
FAILURE_DELAY: Final = 1.0  # seconds; they slow down guessing, whatever was wrong (WEB-56, WEBMAIL-16)
MAX_COOKIES: Final = 16 * 1024  # far above the limit of browsers for one host; http.cookies is too slow for a megabyte
CONFIRMED: Final = 600  # seconds for which a password or second factor allows sensitive calls (WEB-63a)
MAX_CONFIRMED: Final = 10_000  # sessions whose confirmation is remembered, under 1 MB
CSRF_HEADER: Final = "x-moxlite-csrf"
LOGGED_OUT: Final = "You are logged out. Please log in again."
DEVICE: Final = "device"
"""Third word of the cookie of a device session."""
FORGET: Final = ("clear-site-data", '"cache", "storage"')
"""Has the browser forget what it keeps of a device session (W3C Clear Site Data §3.1): mail among it."""
EXPIRED: Final = "You were logged out after 24 hours without use. Please log in again."
UNSET: Final = "No admin password is set. Run on the server: moxlite admin set-password"
EXPIRED_DEVICE: Final = (
    "This device was logged out, because it was not used for 30 days, or its log-in is 180 days old. "
    "Please log in again."
)
STOLEN: Final = (
    "This device was logged out for your safety: an old copy of its log-in was used, by someone else or from a "
    "restored backup of the browser. If you know of no such backup, look at the log-ins in your account. "
    "Please log in again."
)
INVALID: Final = "You were logged out. Please log in again."


class Caller:
    """One request of a browser to an app.

    ``path`` is where the app is mounted, ``forwarded`` whether it is behind a proxy. ``siblings`` are the paths of the
    other apps on this port by name. ``session`` is None before log-in. ``headers`` are fields of the answer. ``stays``:
    its user asks to stay logged in on this device, or has asked (WEBMAIL-22a).
    """

    __slots__ = ("forwarded", "headers", "path", "request", "session", "siblings", "stays")

    def __init__(
        self, request: Request, path: str, *, forwarded: bool, siblings: Mapping[str, str] | None = None
    ) -> None:
        self.request = request
        self.path = path
        self.forwarded = forwarded
        self.siblings = siblings or {}
        self.session: Session | None = None
        self.stays = False
        self.headers: list[tuple[str, str]] = []

    def require(self) -> Session:
        """The session. Raises NoAuth without one."""
        if self.session is None:
            raise errors.NoAuth(LOGGED_OUT)
        return self.session

    def set_cookie(self, name: str, value: str, *, max_age: int | None = None) -> None:
        """Set a cookie for this app only, hidden from scripts and not sent by other sites' pages (RFC 6265bis §5.6)."""
        parts = [f"{name}={value}", f"Path={self.path}", "HttpOnly", "SameSite=Strict"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.request.scheme == "https":
            parts.append("Secure")
        self.headers.append(("set-cookie", header_value("; ".join(parts))))

    def forget(self, name: str) -> None:
        """Remove the cookie of a session that has ended, and all that the browser keeps of a device session."""
        self.set_cookie(name, "", max_age=0)
        if self.stays:
            self.headers.append(FORGET)


class Sessions:
    """Log-in and sessions of one app. Sessions are stored in auth.db (STORE-105) and are valid for their own app
    only. The sessions of the admin app are a subclass, with its own `_check_password` and `_enter`, `check` and
    `log_out`; the account of its sessions is `ADMIN`.
    """

    WRONG: ClassVar[str] = "The address or the password is not right."

    def __init__(
        self, app: App, *, auth: AuthDB, logins: Logins, factors: SecondFactors, config: CurrentConfig
    ) -> None:
        self.app: Final = app
        self._auth = auth
        self._logins = logins
        self._config = config
        name = {"webaccount": "account", "webadmin": "admin"}.get(app, app)
        self._cookie: Final = f"{name}session"
        self._login_cookie: Final = f"{name}login"
        self._steps = SecondSteps(factors)
        self._confirmed: dict[int, float] = {}  # time of the loop by the session's id

    def prepare(self, caller: Caller) -> str:
        """Make the token of a log-in form. The log-in must bring it twice, in the call and as a cookie, because a
        foreign page can set neither (login CSRF).
        """
        token = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_SIZE)).rstrip(b"=").decode()
        caller.set_cookie(self._login_cookie, token, max_age=LOGIN_TOKEN_AGE)
        return token

    async def log_in(self, caller: Caller, login_token: str, username: str, password: str) -> LoginResult:
        """Check the password. Starts a session, unless the account has second factors: then `second_step` follows.

        Raises UserError before the credentials are checked, LoginFailed, RateLimited.
        """
        self._check_form(caller, login_token)
        try:
            identity = await self._check_password(caller, username, password)
        except FactorNeeded as e:
            return LoginResult("", e.identity.address, await self._steps.begin(caller.request, e.identity))
        except LoginRefused as e:
            raise await self._refused(e, self.WRONG) from e
        return await self._enter(caller, identity)

    def _check_form(self, caller: Caller, login_token: str) -> None:
        """Raise UserError unless the token of the form is that of its cookie."""
        cookie = _cookies(caller.request).get(self._login_cookie, "")
        if not cookie or not hmac.compare_digest(cookie.encode(), login_token.encode()):
            hint = f"; does the proxy pass on the path {caller.path} unchanged?" if caller.forwarded else ""
            raise errors.UserError(f"the log-in form is too old, or the browser sends no cookies{hint}")

    async def second_step(self, caller: Caller, token: str, kind: FactorKind, code: str) -> LoginResult:
        """Check the second factor of the log-in that `token` belongs to, and start a session.

        Raises LoginFailed, RateLimited; UserError when the token is too old.
        """
        try:
            identity = await self._steps.finish(caller.request, self.login_request(caller), token, kind, code)
        except LoginRefused as e:
            raise await self._refused(e, str(e)) from e
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
            raise await self._refused(e, "The password is not right." if kind == "password" else str(e)) from e
        while len(self._confirmed) >= MAX_CONFIRMED:
            del self._confirmed[next(iter(self._confirmed))]
        self._confirmed[session.id] = trio.current_time()

    def require_confirmed(self, session: Session) -> None:
        """Raise ConfirmNeeded unless the user of the session gave the password or a second factor within the last 10
        minutes: at log-in, or by `confirm` (WEB-63a).
        """
        since_login = time.time() - session.created / 1_000_000
        at = self._confirmed.get(session.id)
        if 0 <= since_login < CONFIRMED or (at is not None and trio.current_time() - at < CONFIRMED):
            return
        raise errors.ConfirmNeeded("Give your password or a second factor again first.")

    async def _check_password(self, caller: Caller, username: str, password: str, *, confirm: bool = False) -> Identity:
        """Check the password of a log-in, or with `confirm` that of the session's user. Raises LoginRefused,
        StoreError.
        """
        mechanism = "webconfirm" if confirm else "weblogin"
        request = self.login_request(caller)
        return await self._logins.password(request, username, password, mechanism=mechanism, alone=confirm)

    async def _refused(self, refusal: LoginRefused, text: str) -> errors.APIError:
        """The error for a refused log-in; `text` is for wrong credentials. Guesses are slowed down."""
        if isinstance(refusal, RateLimited):
            return errors.RateLimited(str(refusal))
        if isinstance(refusal, LoginDisabled):
            return errors.LoginFailed(str(refusal))
        await trio.sleep(FAILURE_DELAY)
        return errors.LoginFailed(UNSET if isinstance(refusal, NoAdminPassword) else text)

    async def _enter(self, caller: Caller, identity: Identity) -> LoginResult:
        """Start a session after a complete log-in, and set its cookie."""
        tokens = await self._auth.sessions.add(
            self.app,
            identity.account,
            identity.address,
            remote_ip=caller.request.client_ip,
            user_agent=caller.request.headers.get("user-agent") or "",
            device=caller.stays and may_stay_logged_in(caller.request),
        )
        self._give_cookie(caller, tokens.token, identity.account, device=tokens.device)
        return LoginResult(tokens.csrf, identity.address, device=tokens.device)

    def _give_cookie(self, caller: Caller, token: str, account: str, *, device: bool = False) -> None:
        """Set the session's cookie in place of the form's."""
        caller.set_cookie(self._login_cookie, "", max_age=0)
        value = f"{token} {quote(account, safe='')}"
        if device:
            caller.set_cookie(self._cookie, f'"{value} {DEVICE}"', max_age=DEVICE_UNUSED // 1_000_000)
        else:
            caller.set_cookie(self._cookie, f'"{value}"')

    async def log_out(self, caller: Caller) -> None:
        """End the session of this request."""
        session = caller.require()
        await self._auth.sessions.remove(session.account, session.id)
        caller.forget(self._cookie)

    async def end_others(self, caller: Caller, *, devices: bool = False) -> int:
        """End all web sessions of the account but that of this request, in all apps (WEB-59), or with `devices` those
        that stay logged in (WEBMAIL-22a); returns how many.
        """
        session = caller.require()
        token, _, _ = _cookies(caller.request).get(self._cookie, "").partition(" ")
        return await self._auth.sessions.remove_all(session.account, keep_token=token, devices=devices)

    async def check(self, caller: Caller, *, csrf: bool = True, csrf_token: str | None = None) -> Session:
        """The valid session of a request. With `csrf` the request must bring the session's CSRF token, as all calls
        that change something do: in a header, or as `csrf_token`, the field of a form (WEB-53). Raises NoAuth, BadAuth.

        Raises NoAuth, BadAuth.
        """
        token, account, csrf_token = self._brought(caller, csrf=csrf, csrf_token=csrf_token)
        try:
            session = await self._auth.sessions.use(
                token,
                self.app,
                account,
                csrf=csrf_token if csrf else None,
                remote_ip=caller.request.client_ip,
                renew=csrf,
            )
        except SessionExpired as e:
            caller.forget(self._cookie)
            raise errors.BadAuth(EXPIRED_DEVICE if caller.stays else EXPIRED) from e
        except NoSession as e:
            if not isinstance(e, BadCSRF):
                caller.forget(self._cookie)
            self._record_misuse(caller, account)
            await trio.sleep(FAILURE_DELAY)
            raise errors.BadAuth(STOLEN if isinstance(e, SessionStolen) else INVALID) from e
        if not self._may_stay(session):
            await self._auth.sessions.remove(session.account, session.id)
            caller.forget(self._cookie)
            raise errors.BadAuth(INVALID)
        if session.renewed:
            self._give_cookie(caller, session.renewed, account, device=True)
        self._accept(caller, session)
        return session

    def _brought(self, caller: Caller, *, csrf: bool, csrf_token: str | None) -> tuple[str, str, str | None]:
        """The session's token, the account and the CSRF token that a request brings. Raises NoAuth."""
        value = _cookies(caller.request).get(self._cookie)
        if value is None:
            raise errors.NoAuth(LOGGED_OUT)
        token, _, named = value.partition(" ")
        quoted, _, kind = named.partition(" ")
        caller.stays = kind == DEVICE
        if csrf_token is None:
            csrf_token = caller.request.headers.get(CSRF_HEADER)
        if csrf and csrf_token is None:
            raise errors.NoAuth("the CSRF token is missing")
        return token, unquote(quoted), csrf_token

    def _accept(self, caller: Caller, session: Session) -> None:
        """Note the session of a request."""
        caller.session = session
        caller.request.account = session.account
        caller.request.info.seat.known = True  # connections of logged-in clients are kept

    def _record_misuse(self, caller: Caller, account: str) -> None:
        """Record the use of a cookie or CSRF token that belongs to no session (WEB-58). The account's name is taken
        from the cookie and proves nothing.
        """
        request = self.login_request(caller)
        known = self._config.current.account(account) is not None
        self._auth.attempts.record(
            LoginAttempt(
                result="badcreds",
                protocol=request.protocol,
                mechanism="websession",
                account=account if known else UNKNOWN,
                remote_ip=str(request.remote),
                local_ip=str(request.local),
                tls=request.tls,
                user_agent=request.user_agent,
            )
        )
        logger.info("bad session", extra={"kv": {"remote": str(request.remote), "protocol": request.protocol}})

    async def alive(self, session: Session) -> bool:
        """Whether the session that started a stream is still valid: not logged out, expired, removed or disabled
        (WEBMAIL-18, 30).
        """
        if not self._may_stay(session):
            return False
        return any(living.id == session.id for living in await self._auth.sessions.of(session.account))

    def _may_stay(self, session: Session) -> bool:
        account = self._config.current.account(session.account)
        return account is not None and not account.login_disabled

    def login_request(self, caller: Caller) -> LoginRequest:
        """The origin of an attempt, for records and limits."""
        tls = caller.request.info.tls
        return LoginRequest(
            protocol=self.app,
            remote=ipaddress.ip_address(caller.request.client_ip),
            local=caller.request.info.local,
            tls="" if tls is None else f"{tls.version} {tls.cipher}",
            user_agent=caller.request.headers.get("user-agent") or "",
        )


def may_stay_logged_in(request: Request) -> bool:
    """Whether a browser may get a cookie that it keeps: over https, or to this machine itself (WEBMAIL-22a)."""
    name = request.host.name or ""
    here = ipaddress.ip_address(name).is_loopback if request.host.is_ip else name == "localhost"
    return request.scheme == "https" or (here and ipaddress.ip_address(request.client_ip).is_loopback)


def _cookies(request: Request) -> dict[str, str]:
    """The cookies of a request by name; empty if the field is not valid."""
    field = "; ".join(request.headers.all("cookie"))
    if len(field) > MAX_COOKIES:
        return {}
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(field)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
