"""The page at `/` while there is no account app: what runs here, and the way to the webmail."""

from datetime import UTC, datetime
from html import escape
from typing import Final

from moxlite.web.document import build_tag
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.connection import ResponseWriter
from moxlite.web.http.encoding import compressed
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Request

__all__ = ["Home"]

PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{hostname}</title></head>
<body>
<h1>{hostname}</h1>
<p>This is a mail server. {links}</p>
</body>
</html>
"""


class Home:
    """Serves the page; ``webmail`` is the path of the webmail on this port, None when it is not here."""

    def __init__(self, path: str, hostname: str, webmail: str | None) -> None:
        self._path = path
        link = "" if webmail is None else f'Read your mail in the <a href="{escape(webmail)}">webmail</a>.'
        page = PAGE.format(hostname=escape(hostname), links=link)
        policy = (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        headers = (("cache-control", "no-cache"), policy, *SERVICE_HEADERS)
        self._page = Representation(
            page.encode(), "text/html; charset=utf-8", build_tag(page), datetime.now(UTC), headers
        )

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD of the path itself."""
        if request.path != self._path:
            raise HTTPError(404, "There is nothing at this address.")
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "This page can only be fetched.", (("allow", "GET, HEAD"),))
        response = respond(request.method, request.headers, self._page)
        await writer.respond(await compressed(request.headers, response))
