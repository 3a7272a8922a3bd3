"""JMAP, calendars and contacts as a program finds them: from the well-known address of a host (ADMIN-70c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import msgspec
import trio

from moxlite.admin.doctor.findings import Finding
from moxlite.net.httpclient import HTTPError

if TYPE_CHECKING:
    from moxlite.admin.doctor.examination import Examination
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.httpclient import HTTPResponse

SECONDS: Final = 15.0
"""Seconds for one request: a program waits no longer."""

HOPS: Final = 3
"""Redirects that are followed: http to https, and from the well-known address to the service (RFC 6764 §5)."""

REDIRECTS: Final = (301, 302, 303, 307, 308)
HTTPS_PORT: Final = 443


class Entry(msgspec.Struct, frozen=True):
    """A service where programs look for it. `key`: the line of the listener that turns it on."""

    what: str
    key: str
    url: str


def clear_entries(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Listener and key of each service that takes passwords without TLS from other machines."""
    for name, listener in snapshot.static.listeners.items():
        if all(ip.is_loopback for ip in listener.ips):
            continue
        for key in ("jmap_http", "dav_http"):
            service = getattr(listener, key)
            if service.enabled and not service.forwarded:
                yield name, key


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """The addresses at which programs begin, each once: of services with TLS, or behind a proxy that has it."""
    seen: set[str] = set()
    for name, listener in snapshot.static.listeners.items():
        host = snapshot.hostname(name).ascii
        inside = all(ip.is_loopback for ip in listener.ips)
        for key, what, kinds in (("jmap", "JMAP", ("jmap",)), ("dav", "calendars and contacts", ("caldav", "carddav"))):
            plain, secure = getattr(listener, f"{key}_http"), getattr(listener, f"{key}_https")
            if secure.enabled and not inside:
                port, used = secure.port, f"{key}_https"
            elif plain.enabled and plain.forwarded:
                port, used = HTTPS_PORT, f"{key}_http"
            else:
                continue
            place = host if port == HTTPS_PORT else f"{host}:{port}"
            for kind in kinds:
                url = f"https://{place}/.well-known/{kind}"
                if url not in seen:
                    seen.add(url)
                    yield Entry(what, f"listeners.{name}.{used}", url)


async def check_programs(examination: Examination) -> list[Finding]:
    """Ask each well-known address as a program does that has not logged in; look for services without TLS."""
    findings = [
        Finding(
            grade="warning",
            code="program-in-clear",
            about=f"listeners.{listener}.{key}",
            text=f"{key} of the listener {listener} takes passwords without TLS from other machines",
            commands=(
                f"in {examination.path}: {key.replace('_http', '_https')} in its place; behind a proxy: forwarded",
            ),
        )
        for listener, key in clear_entries(examination.snapshot)
    ]
    if examination.running is None or not examination.names:
        return findings

    async def ask(entry: Entry) -> None:
        try:
            problem = await _problem(examination, entry.url)
        except HTTPError as error:
            text = f"{entry.url} was not reached from here: {error}"
            findings.append(Finding(grade="note", code="not-checked", about=entry.url, text=text))
            return
        if problem:
            findings.append(
                Finding(
                    grade="warning",
                    code="program-address",
                    about=entry.url,
                    text=f"programs do not find {entry.what} at {entry.url}: {problem}",
                    commands=(f"curl -si {entry.url}", f"a proxy has to pass it on to {entry.key}"),
                )
            )

    async with trio.open_nursery() as nursery:
        for entry in entries(examination.snapshot):
            nursery.start_soon(ask, entry)
    return findings


async def _problem(examination: Examination, url: str) -> str:
    """The fault of what is at an address, in words; "" if it asks for a log-in. Raises HTTPError."""
    for _ in range(HOPS + 1):
        answer = await examination.http.request("GET", url, seconds=SECONDS, max_body=0)
        if answer.status not in REDIRECTS:
            return _verdict(answer)
        url = urljoin(url, answer.header("location"))
        if not url.startswith("https://"):
            return f"it leads to {url[:200]}, without TLS"
    return f"it leads on and on, at last to {url[:200]}"


def _verdict(answer: HTTPResponse) -> str:
    if answer.status == 401 and answer.header("www-authenticate"):
        return ""
    if answer.status == 401:
        return "the answer names no way to log in"
    return f"the answer is {answer.status} instead of a log-in"
