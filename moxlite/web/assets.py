"""Files that are the same for all apps: the icon that browsers request from every host (WEB-26), and the licences
(WEB-32).
"""

from datetime import UTC, datetime
from functools import cache

from moxlite.web.document import STATIC, build_tag
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

__all__ = ["LICENSES", "favicon", "licenses"]

LICENSES = "licenses.txt"
"""Name below the path of each app."""

DAY = ("cache-control", "max-age=86400")  # they change with a release at most


async def favicon(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/favicon.ico``."""
    await _send(request, writer, "favicon.ico", "image/vnd.microsoft.icon")


async def licenses(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/licenses.txt``."""
    await _send(request, writer, LICENSES, "text/plain; charset=utf-8")


async def _send(request: Request, writer: ResponseWriter, name: str, kind: str) -> None:
    if request.method not in ("GET", "HEAD"):
        raise HTTPError(405, "This can only be fetched.", (("allow", "GET, HEAD"),))
    await writer.respond(respond(request.method, request.headers, _read(name, kind)))


@cache
def _read(name: str, kind: str) -> Representation:
    """A file of the package: a few kB, read once per process."""
    content = (STATIC / name).read_bytes()
    return Representation(content, kind, build_tag(content.hex()), datetime.now(UTC), (DAY, *SERVICE_HEADERS))
