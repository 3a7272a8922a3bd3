"""Services of moxlite.toml that commands switch on and off (ADMIN-34b). Comments and all other lines stay."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

from moxlite.admin.offer import public_first
from moxlite.config.files import write_atomically
from moxlite.config.listeners import WebService
from moxlite.config.load import DOMAINS_FILE, ConfigError, Source, check_files, read_source, source_of
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document

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
    snapshot, errors, _ = check_files(source, domains)
    if snapshot is None:
        raise ConfigError(errors)
    text = change(snapshot, source.text)
    changed, errors, _ = check_files(source_of(path, text.encode()), domains)
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
            places += [f"{scheme}://{host}:{one.port}{one.path}v0/" for scheme, one in schemes if one.enabled]
    return changed, places


def _with_imap(snapshot: Snapshot) -> str:
    """The listener for mail programs."""
    for name, listener in public_first(snapshot):
        if listener.tls is not None and (listener.imaps.enabled or listener.imap.enabled):
            return name
    raise CannotSwitch("no listener serves IMAP with TLS: ManageSieve goes beside it")


def _inside(snapshot: Snapshot) -> tuple[str, int]:
    """The listener for this machine and the inner network, and the port for the web API on it: never one that a web
    server in front passes on.
    """
    for name, listener in public_first(snapshot):
        pages = listener.account_http
        if name != "public" and pages.enabled and not any(ip.is_global for ip in listener.ips):
            return name, WEBAPI_PORT if pages.forwarded else pages.port
    raise CannotSwitch(
        "no listener inside serves the account page: to open the web API, put `webapi_http` or `webapi_https` into a "
        "listener of moxlite.toml yourself (moxlite config describe-static)"
    )


def _unchanged(source: Source) -> None:
    """Raise CannotSwitch if the file was changed by another program after it was read (ADMIN-6)."""
    if read_source(source.path).revision != source.revision:
        raise CannotSwitch(f"{source.path} has changed meanwhile: try again")
