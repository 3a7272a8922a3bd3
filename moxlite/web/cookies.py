"""Cookies of the web apps, and what a request brings with them: the session's token, the CSRF token, the token of a
log-in form (WEB-51..53, WEBMAIL-22a). Whether a token is valid is not decided here, but in `sessions`.
"""

import base64
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final, Literal
from urllib.parse import quote, unquote

from moxlite.store.auth.sessions import DEVICE_UNUSED, Session
from moxlite.store.auth.websessions import HANDED_AGE
from moxlite.web import errors
from moxlite.web.http.exchange import Request
from moxlite.web.http.messages import header_value
from moxlite.wording import worded

App = Literal["webmail", "webaccount", "webadmin"]

TOKEN_SIZE: Final = 16  # 128 random bits (WEB-53)
LOGIN_TOKEN_AGE: Final = (
    30  # seconds between the form and its answer (WEB-51): the page fetches it when the user submits
)
HANDED: Final = "accounthanded"
"""Cookie of the browser to which the webmail hands its session on (WEB-51a)."""
MAX_COOKIES: Final = 16 * 1024  # far above the limit of browsers for one host; http.cookies is too slow for a megabyte
CSRF_HEADER: Final = "x-moxlite-csrf"
LOGGED_OUT: Final = "You are logged out. Please log in again."
DEVICE: Final = "device"
"""Third word of the cookie of a device session."""
FORGET: Final = ("clear-site-data", '"cache", "storage"')
"""Has the browser forget what it keeps of a device session (W3C Clear Site Data §3.1): mail among it."""


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

    def set_cookie(self, name: str, value: str, *, max_age: int | None = None, sibling: str = "") -> None:
        """Set a cookie for this app only, or for `sibling` only, hidden from scripts and not sent by other sites' pages
        (RFC 6265bis §5.6).
        """
        path = self.siblings[sibling] if sibling else self.path
        parts = [f"{name}={value}", f"Path={path}", "HttpOnly", "SameSite=Strict"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.request.scheme == "https":
            parts.append("Secure")
        self.headers.append(("set-cookie", header_value("; ".join(parts))))


class SessionCookies:
    """The cookies of one app: of its log-in form, and of its sessions."""

    def __init__(self, app: App) -> None:
        name = {"webaccount": "account", "webadmin": "admin"}.get(app, app)
        self._session: Final = f"{name}session"
        self._login: Final = f"{name}login"

    def prepare(self, caller: Caller) -> str:
        """Make the token of a log-in form. The log-in must bring it twice, in the call and as a cookie, because a
        foreign page can set neither (login CSRF).
        """
        token = _secret()
        caller.set_cookie(self._login, token, max_age=LOGIN_TOKEN_AGE)
        return token

    def check_form(self, caller: Caller, login_token: str) -> None:
        """Raise UserError unless the token of the form is that of its cookie."""
        cookie = _cookies(caller.request).get(self._login, "")
        if not cookie or not hmac.compare_digest(cookie.encode(), login_token.encode()):
            hint = f"; does the proxy pass on the path {caller.path} unchanged?" if caller.forwarded else ""
            raise errors.UserError(
                worded("the log-in form is too old, or the browser sends no cookies{hint}", hint=hint)
            )

    def brought(self, caller: Caller, *, csrf: bool, csrf_token: str | None) -> tuple[str, str, str | None]:
        """The session's token, the account and the CSRF token that a request brings. Raises NoAuth."""
        value = _cookies(caller.request).get(self._session)
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

    def give(self, caller: Caller, token: str, account: str, *, device: bool = False) -> None:
        """Set the session's cookie in place of the form's. `account` may be "" where the app has one."""
        for name in (self._login, *([HANDED] if self._session == "accountsession" else [])):
            caller.set_cookie(name, "", max_age=0)
        value = f"{token} {quote(account, safe='')}"
        if device:
            caller.set_cookie(self._session, f'"{value} {DEVICE}"', max_age=DEVICE_UNUSED // 1_000_000)
        else:
            caller.set_cookie(self._session, f'"{value}"')

    def token(self, caller: Caller) -> str:
        """The session's token that a request brings, "" for none."""
        return _cookies(caller.request).get(self._session, "").partition(" ")[0]

    def forget(self, caller: Caller, *, sibling: str = "") -> None:
        """Remove the cookie of a session that has ended, or with `sibling` that of the app of this name, and all that
        the browser keeps of a device session.
        """
        caller.set_cookie(f"{sibling}session" if sibling else self._session, "", max_age=0, sibling=sibling)
        if caller.stays and FORGET not in caller.headers:
            caller.headers.append(FORGET)

    def offer(self, caller: Caller) -> str:
        """Mark the browser that may take a session over: a secret as a cookie of the account app (WEB-51a)."""
        secret = _secret()
        caller.set_cookie(HANDED, secret, max_age=int(HANDED_AGE), sibling="account")
        return secret

    def offered(self, caller: Caller) -> str:
        """The secret of `offer` that a request brings; "" for none."""
        return _cookies(caller.request).get(HANDED, "")


def _secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_SIZE)).rstrip(b"=").decode()


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
