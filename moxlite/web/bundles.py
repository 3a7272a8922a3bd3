"""The lazy parts of an app's script: files that the page fetches once, when it needs them (WEBMAIL-5).

``static/APP-NAME.js`` is served as ``part/NAME.TAG.js``. The tag is a hash of the content, so the answer for a URL
never changes. The page contains the tags of the parts that it was built with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

from moxlite.web.document import STATIC, part_tag
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.encoding import choose, compress
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

GZIP_LEVEL: Final = 9  # once per start of the server
LANGUAGE: Final = "lang-"  # what the names of these parts begin with
IMMUTABLE: Final = "public, max-age=31536000, immutable"  # a year, RFC 8246


class Bundles:
    """The parts of one app, by the names that its page uses."""

    def __init__(self, app: str) -> None:
        self._parts = _parts(app)

    @property
    def languages(self) -> Mapping[str, str]:
        """The names of the parts with the texts in other languages, by language (WEBMAIL-143)."""
        return {
            name.removeprefix(LANGUAGE).partition(".")[0]: name for name in self._parts if name.startswith(LANGUAGE)
        }

    async def handle(self, name: str, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD with the part of this name, tag included. Raises HTTPError 404 for a part of another
        build.
        """
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "This part can only be fetched.", (("allow", "GET, HEAD"),))
        found = self._parts.get(name)
        if found is None:
            raise HTTPError(404, "There is no such part, or no more: the page is of another version.")
        plain, squeezed = found
        item = squeezed if choose(request.headers, ("gzip",)) else plain
        await writer.respond(respond(request.method, request.headers, item))


@cache
def _parts(app: str) -> Mapping[str, tuple[Representation, Representation]]:
    """The parts in the package by name and tag, plain and gzipped. They are read once per process."""
    parts: dict[str, tuple[Representation, Representation]] = {}
    modified = datetime.now(UTC)
    headers = (("cache-control", IMMUTABLE), ("vary", "Accept-Encoding"), *SERVICE_HEADERS)
    for path in sorted(STATIC.glob(f"{app}-*.js")):
        content = path.read_bytes()
        tag = part_tag(content.decode())
        name = f"{path.stem.removeprefix(f'{app}-')}.{tag}.js"
        kind = "text/javascript; charset=utf-8"
        squeezed = compress(content, "gzip", gzip_level=GZIP_LEVEL)
        parts[name] = (
            Representation(content, kind, tag, modified, headers),
            Representation(squeezed, kind, f"{tag}-gzip", modified, (*headers, ("content-encoding", "gzip"))),
        )
    return parts
