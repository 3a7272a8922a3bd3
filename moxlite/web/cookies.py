"""Cookies of the web apps, and what a request brings with them: the session's token, the CSRF token, the token of a
log-in form (WEB-51..53, WEBMAIL-22a). Whether a token is valid is not decided here, but in `sessions`.
"""

import base64
import hmac
import ipaddress
import re
import secrets
from collections.abc import Mapping
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
LOGGED_OUT: Final = "You're logged out. Log in again."
DEVICE: Final = "device"
"""Third word of the cookie of a device session."""
FORGET: Final = ("clear-site-data", '"cache", "storage"')
"""Has the browser forget what it keeps of a device session (W3C Clear Site Data §3.1): mail among it."""
FURTHER: Final = re.compile(r"u/([1-7])/")
"""Folder of a further account, below the path of an app (WEBMAIL-179)."""
SEVERAL: Final = "moxlite-several"
"""Cookie of a browser that has had a further account: its storage is no longer one user's alone."""
SEVERAL_AGE: Final = 180 * 86_400
"""Seconds: no session is older, and each log-in and each day of a device session begins them anew."""


class Caller:
    """One request of a browser to an app.

    ``path`` is where the app is mounted, ``forwarded`` whether it is behind a proxy. ``siblings`` are the paths of the
    other apps on this port by name. ``session`` is None before log-in. ``headers`` are fields of the answer. ``stays``:
    its user asks to stay logged in on this device, or has asked (WEBMAIL-22a). ``number`` is that of a further account
    of the browser, "1" to "7", "" for the first one (WEBMAIL-179); then ``path`` and ``siblings`` lead into its folder.
    """

    __slots__ = ("forwarded", "headers", "number", "path", "request", "session", "siblings", "stays")

    def __init__(
        self, request: Request, path: str, *, forwarded: bool, siblings: Mapping[str, str] | None = None
    ) -> None:
        # the admin app, which has no siblings, has no users to switch between
        folder = None if siblings is None else FURTHER.match(request.path.removeprefix(path))
        below, self.number = ("", "") if folder is None else (folder[0], folder[1])
        self.request = request
        self.path = path + below
        self.forwarded = forwarded
        self.siblings = {name: sibling + below for name, sibling in (siblings or {}).items()}
        self.session: Session | None = None
        self.stays = False
        self.headers: list[tuple[str, str]] = []

    def require(self) -> Session:
        """The session. Raises NoAuth without one."""
        if self.session is None:
            raise errors.NoAuth(LOGGED_OUT)
        return self.session

    def set_cookie(self, name: str, value: str, *, max_age: int | None = None, path: str = "") -> None:
        """Set a cookie for this app only, or below `path`, hidden from scripts and not sent by other sites' pages
        (RFC 6265bis §5.6).
        """
        path = path or self.path
        # Strict costs nothing here: a link from elsewhere opens the document, which needs no session, and its own calls
        # are of the same site.
        parts = [f"{name}={value}", f"Path={path}", "HttpOnly", "SameSite=Strict"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.request.scheme == "https":
            parts.append("Secure")
        self.headers.append(("set-cookie", header_value("; ".join(parts))))


class SessionCookies:
    """The cookies of one app: of its log-in form, and of its sessions. A cookie for the path of the first account
    comes to the folders of further ones, too: so their names have the number (RFC 6265bis §5.8.3).
    """

    def __init__(self, app: App) -> None:
        name = {"webaccount": "account", "webadmin": "admin"}.get(app, app)
        self._session: Final = f"{name}session"
        self._login: Final = f"{name}login"
        self._provider: Final = f"{name}provider"

    def prepare(self, caller: Caller) -> str:
        """Make the token of a log-in form. The log-in must bring it twice, in the call and as a cookie, because a
        foreign page can set neither (login CSRF).
        """
        token = _secret()
        caller.set_cookie(self._login + caller.number, token, max_age=LOGIN_TOKEN_AGE)
        return token

    def check_form(self, caller: Caller, login_token: str) -> None:
        """Raise UserError unless the token of the form is that of its cookie."""
        cookie = _cookies(caller.request).get(self._login + caller.number, "")
        # An empty cookie must not match an empty token.
        if not cookie or not hmac.compare_digest(cookie.encode(), login_token.encode()):
            hint = f"; does the proxy pass on the path {caller.path} unchanged?" if caller.forwarded else ""
            raise errors.UserError(worded("the login form expired, or your browser blocks cookies{hint}", hint=hint))

    def brought(self, caller: Caller, *, csrf: bool, csrf_token: str | None) -> tuple[str, str, str | None]:
        """The session's token, the account and the CSRF token that a request brings. Raises NoAuth."""
        value = _cookies(caller.request).get(self._session + caller.number)
        if value is None:
            raise errors.NoAuth(LOGGED_OUT)
        # The name of the account is a hint for the look-up, and proves nothing: the row has it, too.
        token, _, named = value.partition(" ")
        quoted, _, kind = named.partition(" ")
        caller.stays = kind == DEVICE
        if csrf_token is None:
            csrf_token = caller.request.headers.get(CSRF_HEADER)
        if csrf and csrf_token is None:
            raise errors.NoAuth("missing CSRF token")
        return token, unquote(quoted), csrf_token

    def give(self, caller: Caller, token: str, account: str, *, device: bool = False) -> None:
        """Set the session's cookie in place of the form's. `account` may be "" where the app has one."""
        for name in (self._login, *([HANDED] if self._session == "accountsession" else [])):
            caller.set_cookie(name + caller.number, "", max_age=0)
        if caller.number or SEVERAL in _cookies(caller.request):
            caller.set_cookie(SEVERAL, "1", max_age=SEVERAL_AGE, path="/")
        value = f"{token} {quote(account, safe='')}"
        name = self._session + caller.number
        if device:
            caller.set_cookie(name, f'"{value} {DEVICE}"', max_age=DEVICE_UNUSED // 1_000_000)
        else:
            caller.set_cookie(name, f'"{value}"')

    def token(self, caller: Caller) -> str:
        """The session's token that a request brings, "" for none."""
        return _cookies(caller.request).get(self._session + caller.number, "").partition(" ")[0]

    def forget(self, caller: Caller, *, sibling: str = "") -> None:
        """Remove the cookie of a session that has ended, or with `sibling` that of the app of this name, and all that
        the browser keeps of a device session. What it keeps of several accounts has one origin, so there the page
        removes that of its own account (WEBMAIL-179).
        """
        name = (f"{sibling}session" if sibling else self._session) + caller.number
        caller.set_cookie(name, "", max_age=0, path=caller.siblings[sibling] if sibling else "")
        if caller.stays and FORGET not in caller.headers and SEVERAL not in _cookies(caller.request):
            caller.headers.append(FORGET)

    def send_away(self, caller: Caller, kept: str, age: int) -> None:
        """Have the browser keep what `returned` needs while it is at the login provider, or with "" forget it."""
        caller.set_cookie(self._provider, kept, max_age=age if kept else 0)

    def returned(self, caller: Caller) -> str:
        """The value that `send_away` has kept in this browser, or ""."""
        return _cookies(caller.request).get(self._provider, "")

    def offer(self, caller: Caller) -> str:
        """Mark the browser that may take a session over: a secret as a cookie of the account app (WEB-51a)."""
        secret = _secret()
        name = HANDED + caller.number
        caller.set_cookie(name, secret, max_age=int(HANDED_AGE), path=caller.siblings["account"])
        return secret

    def offered(self, caller: Caller) -> str:
        """The secret of `offer` that a request brings; "" for none."""
        return _cookies(caller.request).get(HANDED + caller.number, "")


def _secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_SIZE)).rstrip(b"=").decode()


def may_stay_logged_in(request: Request) -> bool:
    """Whether a browser may get a cookie that it keeps: over https, or to this machine itself (WEBMAIL-22a)."""
    name = request.host.name or ""
    here = ipaddress.ip_address(name).is_loopback if request.host.is_ip else name == "localhost"
    return request.scheme == "https" or (here and request.client.is_loopback)


def _cookies(request: Request) -> dict[str, str]:
    """The cookies of a request by name, ours without their quotes; none of a field that is too long."""
    field = "; ".join(request.headers.all("cookie"))
    if len(field) > MAX_COOKIES:
        return {}
    # Not `http.cookies`: another site at this host, such as one of the web server, may set cookies that Python finds
    # invalid (JSON, a word without a value, a name such as "path"). Python then drops all cookies behind, ours too.
    # Browsers send the cookie of the longest path first (RFC 6265 §5.4): of two with one name, that is this app's.
    cookies: dict[str, str] = {}
    for pair in field.split(";"):
        name, _, value = pair.partition("=")
        cookies.setdefault(name.strip(), value.strip().strip('"'))
    return cookies
