"""The icon that browsers request from every host (WEB-26)."""

from datetime import UTC, datetime

from moxlite.web.document import STATIC, build_tag
from moxlite.web.headers import SERVICE_HEADERS
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter

__all__ = ["Favicon"]

DAY = ("cache-control", "max-age=86400")  # it changes with a release at most


class Favicon:
    """Serves ``static/favicon.ico``."""

    def __init__(self) -> None:
        icon = (STATIC / "favicon.ico").read_bytes()
        self._icon = Representation(
            icon, "image/vnd.microsoft.icon", build_tag(icon.hex()), datetime.now(UTC), (DAY, *SERVICE_HEADERS)
        )

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "This can only be fetched.", (("allow", "GET, HEAD"),))
        await writer.respond(respond(request.method, request.headers, self._icon))
