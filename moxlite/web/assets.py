"""Files that are served as they are: the icon that browsers request from every host (WEB-26), the licences (WEB-32),
and the files by which a browser installs the webmail (WEBMAIL-120, WEBMAIL-122).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

from moxlite.web.document import STATIC, build_tag
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

LICENSES = "licenses.txt"
"""Name below the path of each app."""

DAY = (("cache-control", "max-age=86400"),)  # they change with a release at most
WORKER = (
    ("cache-control", "no-cache"),  # a new version is used at once
    ("content-security-policy", "default-src 'none'; connect-src 'self'"),  # of what the worker itself asks for
)

OFFLINE: Final = "offline"
"""Capability in the first event of a stream: the service worker may keep the page and mail (WEBMAIL-120)."""
WITHOUT: Final = b"self.withoutOffline = true;\n"
"""First lines of the worker where the administrator does not want mail to be kept on devices."""

INSTALLED: Final[Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]]] = {
    "sw.js": ("webmail.worker.js", "text/javascript; charset=utf-8", WORKER),
    "manifest.webmanifest": ("webmail.manifest.webmanifest", "application/manifest+json", DAY),
    "icon.svg": ("webmail.icon.svg", "image/svg+xml", DAY),
    "icon-192.png": ("webmail.icon-192.png", "image/png", DAY),
    "icon-512.png": ("webmail.icon-512.png", "image/png", DAY),
}
"""Names below the path of the webmail: file, content type and header fields."""


async def favicon(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/favicon.ico``."""
    await _send(request, writer, "favicon.ico", "image/vnd.microsoft.icon")


async def licenses(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/licenses.txt``."""
    await _send(request, writer, LICENSES, "text/plain; charset=utf-8")


async def installed(name: str, request: Request, writer: ResponseWriter, *, offline: bool) -> None:
    """Answer GET and HEAD with one of the files in `INSTALLED`. Without `offline` the worker keeps nothing in the
    browser, and removes what it kept.
    """
    prefix = WITHOUT if name == "sw.js" and not offline else b""
    await _send(request, writer, *INSTALLED[name], prefix)


async def _send(
    request: Request,
    writer: ResponseWriter,
    name: str,
    kind: str,
    fields: tuple[tuple[str, str], ...] = DAY,
    prefix: bytes = b"",
) -> None:
    if request.method not in ("GET", "HEAD"):
        raise HTTPError(405, "This can only be fetched.", (("allow", "GET, HEAD"),))
    await writer.respond(respond(request.method, request.headers, _read(name, kind, fields, prefix)))


@cache
def _read(name: str, kind: str, fields: tuple[tuple[str, str], ...], prefix: bytes) -> Representation:
    """A file of the package: a few kB, read once per process."""
    content = prefix + (STATIC / name).read_bytes()
    return Representation(content, kind, build_tag(content.hex()), datetime.now(UTC), (*fields, *SERVICE_HEADERS))
