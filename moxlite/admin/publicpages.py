"""Public addresses of pages (WEB-167): no others are in mail, QR codes and links that leave the server.

A page is public where a listener serves it to the internet, or where the configuration says that another web server
does (`web.public_url`). What mail programs and strangers need (settings, policies, consent) is served at the mail
host's https even where the apps are not.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import quote, urlsplit

from moxlite.admin.offer import DAV_PATH, public_first
from moxlite.config.listeners import Listener
from moxlite.config.snapshot import Snapshot, outgoing_name
from moxlite.proto.address import is_local_name
from moxlite.wording import worded

App = Literal["account", "webmail"]

CONSENT_PATH: Final = "/mail/consent/"
"""Below ``/mail/``, which web servers in front pass on for the settings of mail programs already."""

LINKS_PATH: Final = f"{DAV_PATH}links/"
"""Path of the secret links of calendars (DAV-42)."""

HTTPS: Final = 443
"""The port that a URL leaves out, and that a web server in front has."""


class NoPublicPage(Exception):
    """A page has no public address; the text says by which command it gets one."""

    def __init__(self, app: App) -> None:
        super().__init__(
            worded(
                "this page doesn't have a public address. To open it to the internet, ask your administrator to "
                "run `moxlite config listeners publish-web on`, or to set web.public_url.{app} in moxlite.toml "
                "if others reach it another way",
                app=app,
            )
        )


def public_page(snapshot: Snapshot, app: App) -> str | None:
    """The URL, with a slash at its end, by which others open an app; None if it is not open to others."""
    settings = snapshot.static.web.public_url
    configured = settings.account if app == "account" else settings.webmail
    if configured is not None:
        return configured if configured.endswith("/") else f"{configured}/"
    for name, listener in public_first(snapshot):
        service = listener.account_https if app == "account" else listener.webmail_https
        if service.enabled and faces_internet(snapshot, name):
            return _origin(snapshot, name, service.port) + service.path
    return None


def require_public_page(snapshot: Snapshot, app: App) -> str:
    """As `public_page`. Raises NoPublicPage."""
    found = public_page(snapshot, app)
    if found is None:
        raise NoPublicPage(app)
    return found


def consent_page(snapshot: Snapshot) -> str | None:
    """The URL below which strangers agree to get mail; None if this server has no https that they reach."""
    for name, listener in public_first(snapshot):
        if listener.tls is not None and faces_internet(snapshot, name):
            ports = _https_ports(listener)
            if ports:
                return _origin(snapshot, name, HTTPS if HTTPS in ports else min(ports)) + CONSENT_PATH
    if passing_web_server(snapshot) is not None and not is_local_name(snapshot.static.hostname.ascii):
        return f"https://{snapshot.static.hostname.ascii}{CONSENT_PATH}"
    account = snapshot.static.web.public_url.account
    if account is None:
        return None
    parts = urlsplit(account)
    return f"{parts.scheme}://{parts.netloc}{CONSENT_PATH}"


def calendar_link(snapshot: Snapshot, account: str, token: str) -> str | None:
    """The URL of a secret link of a calendar; None if no listener serves calendars by https to
    others."""
    served = [
        (name, listener.dav_https.port)
        for name, listener in public_first(snapshot)
        if listener.dav_https.enabled and _is_reached(snapshot, name)
    ]
    served += [
        (name, HTTPS)
        for name, listener in public_first(snapshot)
        if listener.dav_http.enabled and listener.dav_http.forwarded
    ]
    if not served:
        return None
    return f"{_origin(snapshot, *served[0])}{LINKS_PATH}{quote(account, safe='')}/{token}.ics"


def _is_reached(snapshot: Snapshot, name: str) -> bool:
    """Whether others reach a listener: it is for the internet, or its host is the one of the account app's address."""
    account = snapshot.static.web.public_url.account
    named = account is not None and urlsplit(account).hostname == snapshot.hostname(name).ascii
    return named or faces_internet(snapshot, name)


def consent_ports(listener: Listener) -> frozenset[int]:
    """The ports of a listener that serve the consent of strangers: https, what a web server in front passes on, and
    the account app's.
    """
    account = listener.account_http
    behind = {
        policy_service.port
        for policy_service in (listener.autoconfig_https, listener.mtasts_https)
        if policy_service.enabled and policy_service.non_tls
    }
    return frozenset(_https_ports(listener) | behind | ({account.port} if account.enabled else set()))


def faces_internet(snapshot: Snapshot, name: str) -> bool:
    """Whether a listener is for the internet: by its name ``public``, as the one for incoming mail, or by an address.
    One whose hostname means something in the inner network alone is not.
    """
    listener = snapshot.static.listeners[name]
    open_to_others = name == "public" or listener.smtp.enabled or any(ip.is_global for ip in listener.ips)
    return open_to_others and not is_local_name(snapshot.hostname(name).ascii)


def passing_web_server(snapshot: Snapshot) -> str | None:
    """The name of the listener for a web server in front that has the https port of this machine; None if there is
    none.
    """
    for name, listener in public_first(snapshot):
        if any(
            policy_service.enabled and policy_service.non_tls
            for policy_service in (listener.autoconfig_https, listener.mtasts_https)
        ):
            return name
    return None


def _https_ports(listener: Listener) -> set[int]:
    """The https ports that serve the consent of strangers."""
    policies = (listener.autoconfig_https, listener.mtasts_https)
    ports = {policy.port for policy in policies if policy.enabled and not policy.non_tls}
    return ports | {one.port for one in (listener.webserver_https, listener.account_https) if one.enabled}


def _origin(snapshot: Snapshot, name: str, port: int) -> str:
    return f"https://{outgoing_name(snapshot, name).ascii}{'' if port == HTTPS else f':{port}'}"
