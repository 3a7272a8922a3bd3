"""Webmail and account app for the internet, on the public https port or at the web server in front of this one: lines
of moxlite.toml, added and removed (ADMIN-34a).
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Final

from moxlite.admin.offer import public_first
from moxlite.admin.publicpages import App, passing_web_server, public_page
from moxlite.admin.quickstart.switches import CannotSwitch, edit_static
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document
from moxlite.proto.address import Domain

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
            if listener.webserver_https.enabled or any(one.enabled and not one.non_tls for one in policies):
                return name
    if passing_web_server(snapshot) is None:
        raise CannotSwitch(
            "no public listener has port 443, and none is for a web server in front: docs/install.md, "
            "`Beside another web server`"
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
