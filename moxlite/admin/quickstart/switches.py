"""Services of moxlite.toml that commands switch on and off (ADMIN-34b). Comments and all other lines stay."""

import json
import re
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

from moxlite.admin.offer import public_first
from moxlite.admin.publicpages import App, passing_web_server, public_page
from moxlite.config.files import write_atomically
from moxlite.config.listeners import WebService
from moxlite.config.load import DOMAINS_FILE, ConfigError, Source, check_files, read_source, source_of
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.proto.address import Domain

Switched: TypeAlias = Literal["managesieve", "webapi"]

ADMIN_PORT: Final = 8012
"""Port of the admin app: another origin than webmail, and out of reach of a web server in front; metrics have 8010,
debugging 8011.
"""

WEBAPI_PORT: Final = 8013
"""Port of the web API beside a web server in front, which passes on requests from the internet to the other port."""


DEFAULT_PORT: Final = WebService().port


class CannotSwitch(Exception):
    """A service cannot be switched in this configuration; the text says why."""


def edit_static(path: Path, change: Callable[[Snapshot, str], str]) -> tuple[bool, Snapshot]:
    """Change the text of moxlite.toml, if the result is a valid configuration.

    Args:
      change: makes the new text of what the file says and its text; raises CannotSwitch.

    Returns: whether the file was changed, and what it says now.

    Raises ConfigError, CannotSwitch, OSError: nothing is changed.
    """
    source, domains = read_source(path), read_source(path.parent / DOMAINS_FILE)
    snapshot, errors = check_files(source, domains)
    if snapshot is None:
        raise ConfigError(errors)
    text = change(snapshot, source.text)
    changed, errors = check_files(source_of(path, text.encode()), domains)
    if changed is None:
        raise ConfigError(errors)
    if text != source.text:
        write_atomically(path, text.encode(), check=partial(_unchanged, source))
    return text != source.text, changed


def switch(path: Path, service: Switched, *, on: bool) -> tuple[bool, list[str]]:
    """Switch a service on, where it belongs, or off, wherever it is.

    Returns: whether the file was changed, and the addresses at which the service is, as ``host:port`` for ManageSieve
    and URLs for the web API.

    Raises ConfigError, CannotSwitch, OSError: nothing is changed.
    """
    keys = ("managesieve",) if service == "managesieve" else ("webapi_http", "webapi_https")

    def change(snapshot: Snapshot, text: str) -> str:
        document = Document(text)
        enabled = [
            (name, key) for name, listener in public_first(snapshot) for key in keys if getattr(listener, key).enabled
        ]
        if not on:
            for name, key in enabled:
                document.put(("listeners", name, key, "enabled"), False)
        elif not enabled and service == "managesieve":
            document.put(("listeners", _with_imap(snapshot), "managesieve", "enabled"), True)
        elif not enabled:
            name, port = _inside(snapshot)
            if snapshot.listener(name).webapi_http.port == DEFAULT_PORT != port:
                document.put(("listeners", name, "webapi_http", "port"), port)
            document.put(("listeners", name, "webapi_http", "enabled"), True)
        return str(document)

    changed, snapshot = edit_static(path, change)
    places: list[str] = []
    for name, listener in public_first(snapshot):
        host = snapshot.hostname(name).ascii
        if service == "managesieve" and listener.managesieve.enabled:
            places.append(f"{host}:{listener.managesieve.port}")
        elif service == "webapi":
            schemes = (("http", listener.webapi_http), ("https", listener.webapi_https))
            places += [
                f"{scheme}://{host}:{web_service.port}{web_service.path}v0/"
                for scheme, web_service in schemes
                if web_service.enabled
            ]
    return changed, places


def _with_imap(snapshot: Snapshot) -> str:
    """The listener for mail programs."""
    for name, listener in public_first(snapshot):
        if listener.tls is not None and (listener.imaps.enabled or listener.imap.enabled):
            return name
    raise CannotSwitch("ManageSieve requires an IMAP listener with TLS")


def _inside(snapshot: Snapshot) -> tuple[str, int]:
    """The listener for this machine and the inner network, and the port for the web API on it: never one that a web
    server in front passes on.
    """
    for name, listener in public_first(snapshot):
        pages = listener.account_http
        if name != "public" and pages.enabled and not any(ip.is_global for ip in listener.ips):
            return name, WEBAPI_PORT if pages.forwarded else pages.port
    raise CannotSwitch(
        "no internal listener serves the account page. To turn on the web API, add `webapi_http` or `webapi_https` to "
        "a listener in moxlite.toml (moxlite config describe-static)"
    )


def _unchanged(source: Source) -> None:
    """Raise CannotSwitch if the file was changed by another program after it was read (ADMIN-6)."""
    if read_source(source.path).revision != source.revision:
        raise CannotSwitch(f"{source.path} has changed; try again")


# Webmail and account app for the internet, on the public https port or at the web server in front of this one: lines
# of moxlite.toml, added and removed (ADMIN-34a).


APPS: Final[tuple[App, ...]] = ("account", "webmail")
"""Apps that are published; never the admin app."""

PATHS: Final[dict[App, str]] = {"account": "/", "webmail": "/webmail/"}


def publish_lines(*, on: bool) -> str:
    """The lines of a listener, as comments unless `on`."""
    return "".join(f"{'' if on else '# '}{app}_https.enabled = true\n" for app in APPS)


def pages_line(hostname: Domain, *, on: bool) -> str:
    """The line about pages at a web server in front, a comment unless `on`."""
    pages = ", ".join(f"{app} = {json.dumps(f'https://{hostname.ascii}{PATHS[app]}')}" for app in APPS)
    return f"{'' if on else '# '}web.public_url = {{ {pages} }}"


def publish_web(path: Path, *, on: bool) -> tuple[bool, list[str], bool]:
    """Open webmail and account app to the internet, or close them. The rest of the file stays byte for byte.

    Args:
      path: moxlite.toml.

    Returns: whether the file was changed, the URLs of webmail and account app, and whether a web server in front has to
    pass them on.

    Raises ConfigError, CannotSwitch, OSError: nothing is changed.
    """
    in_front = False

    def change(snapshot: Snapshot, text: str) -> str:
        nonlocal in_front
        name = _listener(snapshot)
        in_front = name is None
        return _at_web_server(snapshot, text, on=on) if name is None else _at_listener(snapshot, name, text, on=on)

    changed, snapshot = edit_static(path, change)
    urls = [public_page(snapshot, app) for app in ("webmail", "account")]
    return changed, [url for url in urls if url is not None], in_front


def _listener(snapshot: Snapshot) -> str | None:
    """The name of the listener with the https port for the internet; None where a web server in front has that port.
    Raises CannotSwitch.
    """
    for name, listener in public_first(snapshot):
        if listener.tls is not None and (name == "public" or listener.smtp.enabled):
            policies = (listener.autoconfig_https, listener.mtasts_https)
            if listener.webserver_https.enabled or any(policy.enabled and not policy.non_tls for policy in policies):
                return name
    if passing_web_server(snapshot) is None:
        raise CannotSwitch(
            "no public listener uses port 443 or is set up for a web server in front; run "
            "`moxlite help install.md`, and read Beside another web server"
        )
    return None


def _at_listener(snapshot: Snapshot, name: str, text: str, *, on: bool) -> str:
    if on:
        for line, comment in zip(
            publish_lines(on=True).splitlines(), publish_lines(on=False).splitlines(), strict=True
        ):
            text = _uncommented(text, _table(text, name), comment, line)
    document = Document(text)
    for app in APPS:
        if on or getattr(snapshot.listener(name), f"{app}_https").enabled:
            document.put(("listeners", name, f"{app}_https", "enabled"), on)
    return str(document)


def _at_web_server(snapshot: Snapshot, text: str, *, on: bool) -> str:
    hostname, keys = snapshot.static.hostname, ("web", "public_url")
    if on:
        text = _uncommented(text, (0, len(text)), pages_line(hostname, on=False), pages_line(hostname, on=True))
    found = tomllib.loads(text).get("web", {}).get("public_url", {})
    document = Document(text)
    for app in APPS:
        if on and app not in found:
            document.put((*keys, app), f"https://{hostname.ascii}{PATHS[app]}")
    if not on and found:
        document.drop(keys)
    return str(document)


def _table(text: str, name: str) -> tuple[int, int]:
    """Where the table of a listener begins and ends."""
    header = re.search(rf"^\[listeners\.{re.escape(name)}\][^\n]*\n", text, re.MULTILINE)
    if header is None:
        return 0, 0
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    return header.end(), len(text) if following is None else following.start()


def _uncommented(text: str, between: tuple[int, int], comment: str, line: str) -> str:
    """Uncomment a line that quickstart wrote as a comment, unless its keys are there already."""
    start, end = between
    part = re.sub(rf"^{re.escape(comment)}(?=\r?$)", lambda _: line, text[start:end], count=1, flags=re.MULTILINE)
    changed = text[:start] + part + text[end:]
    try:
        tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        return text
    return changed
