"""Selection of the handler for a request, by order, host and path (WEB-23..25)."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.net.limits import IPNetwork
from moxlite.web.handlers.rules import WebRules
from moxlite.web.http.exchange import Handler, Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import Host

HostMatch = Callable[[Host], bool]


def any_host(host: Host) -> bool:
    """Match any host, for routes that are served at every name."""
    return True


class Route(msgspec.Struct, frozen=True):
    """One service on a port.

    ``path`` is a prefix if it ends in a slash, else exact. With ``fold`` it is in lower case and matches in any case.
    ``forwarded_from`` are the networks of proxies whose X-Forwarded-* fields are trusted for this service; None if none
    are (WEB-28).
    """

    name: str
    path: str
    hosts: HostMatch
    handler: Handler
    forwarded_from: tuple[IPNetwork, ...] | None = None
    fold: bool = False


class Router:
    """The routes of one port: first system handlers, then the rules of domains.toml if the port serves them, last the
    internal services. Within each group the longest path wins.
    """

    def __init__(self, system: Sequence[Route], services: Sequence[Route], rules: WebRules | None = None) -> None:
        def longest(route: Route) -> int:
            return -len(route.path)

        self._system: Final = sorted(system, key=longest)
        self._services: Final = sorted(services, key=longest)
        self._rules = rules

    def system(self, request: Request) -> Route | None:
        """The route that no rule can override, or None."""
        return _find(self._system, request)

    def rules(self, request: Request) -> WebRules | None:
        """The rules, if there are any for this host."""
        return self._rules if self._rules is not None and self._rules.concern(request.host) else None

    def service(self, request: Request) -> Route | None:
        """The route of an internal service, or None."""
        return _find(self._services, request)


def _find(routes: Sequence[Route], request: Request) -> Route | None:
    for route in routes:
        if not route.hosts(request.host):
            continue
        if route.fold and route.path == request.path.lower():
            return route
        if route.path == request.path or (route.path.endswith("/") and request.path.startswith(route.path)):
            return route
        if route.path == request.path + "/":
            return Route(route.name, request.path, route.hosts, _to(route.path), route.forwarded_from)
    return None


def _to(path: str) -> Handler:
    """A handler that redirects to a service's path (WEB-25)."""

    async def redirect(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response.redirect(303, path))

    return redirect
