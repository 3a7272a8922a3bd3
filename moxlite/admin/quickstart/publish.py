"""Webmail and account app on the public https port: two lines of moxlite.toml, added and removed (ADMIN-34a)."""

import re
from functools import partial
from pathlib import Path
from typing import Final

from moxlite.admin.offer import public_first
from moxlite.config.files import write_atomically
from moxlite.config.load import DOMAINS_FILE, ConfigError, Source, check_files, read_source, source_of
from moxlite.config.snapshot import Snapshot
from moxlite.config.toml.edit import Document

__all__ = ["CannotPublish", "publish_lines", "publish_web"]

APPS: Final = ("account_https", "webmail_https")
"""Services that are published; never the admin app."""


class CannotPublish(Exception):
    """The pages cannot be served to the internet by this configuration; the text says why."""


def publish_lines(*, on: bool) -> str:
    """The lines of a listener, as comments unless `on`."""
    return "".join(f"{'' if on else '# '}{app}.enabled = true\n" for app in APPS)


def publish_web(path: Path, *, on: bool) -> tuple[bool, list[str]]:
    """Open webmail and account app on the public https port, or close them. The rest of the file stays byte for byte.

    Args:
      path: moxlite.toml.

    Returns: whether the file was changed, and the URLs of webmail and account app.

    Raises ConfigError, CannotPublish, OSError: nothing is changed.
    """
    source, domains = read_source(path), read_source(path.parent / DOMAINS_FILE)
    snapshot, errors, _ = check_files(source, domains)
    if snapshot is None:
        raise ConfigError(errors)
    name = _listener(snapshot)
    text = _uncommented(source.text, name) if on else source.text
    changed, _, _ = check_files(source_of(path, text.encode()), domains)
    if changed is None:  # the keys are there already
        changed, text = snapshot, source.text
    document, listener = Document(text), changed.static.listeners[name]
    for app in APPS:
        if getattr(listener, app).enabled != on:
            document.put(("listeners", name, app, "enabled"), on)
    text = str(document)
    changed, errors, _ = check_files(source_of(path, text.encode()), domains)
    if changed is None:
        raise ConfigError(errors)
    if text != source.text:
        write_atomically(path, text.encode(), check=partial(_unchanged, source))
    return text != source.text, _urls(changed, name)


def _unchanged(source: Source) -> None:
    """Raise CannotPublish if the file was changed by another program after it was read (ADMIN-6)."""
    if read_source(source.path).revision != source.revision:
        raise CannotPublish(f"{source.path} has changed meanwhile: try again")


def _listener(snapshot: Snapshot) -> str:
    """The name of the listener with the https port for the internet."""
    for name, listener in public_first(snapshot):
        if listener.tls is not None and (name == "public" or listener.smtp.enabled):
            policies = (listener.autoconfig_https, listener.mtasts_https)
            if listener.webserver_https.enabled or any(one.enabled and not one.non_tls for one in policies):
                return name
    raise CannotPublish(
        "no public listener has port 443: another web server has it, which can pass the pages on (docs/install.md, "
        "`Beside another web server`)"
    )


def _uncommented(text: str, name: str) -> str:
    """Uncomment the lines that quickstart wrote as comments into the table of this listener."""
    header = re.search(rf"^\[listeners\.{re.escape(name)}\][^\n]*\n", text, re.MULTILINE)
    if header is None:
        return text
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    end = len(text) if following is None else following.start()
    table = text[header.end() : end]
    for line, comment in zip(publish_lines(on=True).splitlines(), publish_lines(on=False).splitlines(), strict=True):
        table = re.sub(rf"^{re.escape(comment)}(?=\r?$)", line, table, count=1, flags=re.MULTILINE)
    return text[: header.end()] + table + text[end:]


def _urls(snapshot: Snapshot, name: str) -> list[str]:
    host, listener = snapshot.hostname(name).ascii, snapshot.static.listeners[name]
    services = (listener.webmail_https, listener.account_https)
    return [f"https://{host}{'' if one.port == 443 else f':{one.port}'}{one.path}" for one in services]
