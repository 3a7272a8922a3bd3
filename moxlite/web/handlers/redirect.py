"""The handler ``redirect``: to another base URL, or to the path that a pattern's replacement gives (WEB-42, WEB-43)."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from moxlite.config.domains import WebRedirect
from moxlite.config.webrules import Pattern, Template, compile_pattern, parse_template
from moxlite.web.handlers.patterns import in_time
from moxlite.web.handlers.static import path_text
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response

MAX_PATH: Final = 8 * 1024
"""Octets of a new path: as long as a path that we accept ourselves (WEB-4)."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Redirect:
    """Redirects, unless the target is the request's own address."""

    def __init__(self, settings: WebRedirect) -> None:
        self._status = settings.status_code
        self._base = None if settings.base_url is None else urlsplit(settings.base_url)
        self._pattern: Pattern | None = None
        self._template: Template = ()
        if settings.orig_path_regexp is not None:
            self._pattern = compile_pattern(settings.orig_path_regexp)
            self._template = parse_template(settings.replace_path, self._pattern)

    async def answer(self, request: Request, writer: ResponseWriter) -> bool:
        """Answer; False if the redirect would be a loop.

        Raises HTTPError, PatternTooSlow, ClientGone.
        """
        path = request.path
        if self._pattern is not None:
            replaced = await in_time(replacing(self._pattern, self._template, path))
            if replaced is None:
                raise HTTPError(404, "There is nothing at this address.")
            path = replaced if replaced.startswith("/") else "/" + replaced
        scheme, authority, queries, fragment = request.scheme, request.host.authority, [], ""
        if self._base is not None:
            scheme, authority = self._base.scheme or scheme, self._base.netloc
            queries.append(self._base.query)
            fragment = f"#{self._base.fragment}" if self._base.fragment else ""
        if path == request.path and same_place(request, scheme, authority):
            return False
        queries.append(request.query)
        query = "&".join(query for query in queries if query)
        location = f"{scheme}://{authority}{path_text(path)}{'?' + query if query else ''}{fragment}"
        await writer.respond(Response.redirect(self._status, location))
        return True


def same_place(request: Request, scheme: str, authority: str) -> bool:
    """Whether scheme, host and port equal the request's."""
    return scheme == request.scheme and host_and_port(scheme, authority) == host_and_port(
        request.scheme, request.host.authority
    )


def host_and_port(scheme: str, authority: str) -> tuple[str, str]:
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, ""
    return host.lower(), port or str(DEFAULT_PORTS[scheme])


def replacing(pattern: Pattern, template: Template, path: str) -> Callable[[float, bool], str | None]:
    """A search that returns the path with each match replaced; None without a match.

    Raises HTTPError 414 if the new path is too long.

    Raises HTTPError 414 when it becomes too long.
    """

    def replace(timeout: float, concurrent: bool) -> str | None:
        parts: list[str] = []
        end = size = 0
        for match in pattern.finditer(path, timeout=timeout, concurrent=concurrent):
            new = [path[end : match.start()]]
            new += [part if isinstance(part, str) else match.group(part) or "" for part in template]
            size += sum(map(len, new))
            if size > MAX_PATH:
                raise HTTPError(414, "The address that this one leads to is too long.")
            parts += new
            end = match.end()
        return "".join(parts) + path[end:] if parts else None

    return replace
