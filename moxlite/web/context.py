"""Dependencies of the web component, and the routes of each port, made from the configuration (WEB-21..26)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from moxlite.admin.offer import DAV_PATH, OLD_DAV_PATHS
from moxlite.admin.publicpages import CONSENT_PATH, consent_ports
from moxlite.lazyimport import Lazy
from moxlite.logins.sites import SiteLogins
from moxlite.net.admission import Gate
from moxlite.net.limits import IPNetwork, OpenConnections, RateLimiter, Window
from moxlite.web.discovery.service import (
    AGENTS,
    AUTODISCOVER,
    CHALLENGE_PATH,
    CONFIG_PATHS,
    POLICY_PATH,
    PROFILE,
    ChallengeAnswers,
    Discovery,
    Policies,
)
from moxlite.web.document import favicon
from moxlite.web.handlers.files import FOLDER, Copies
from moxlite.web.handlers.rules import HTTPS_PORT, Mount, WebRules, raw_target
from moxlite.web.health import Health
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Handler, Request, ResponseWriter
from moxlite.web.http.messages import Response
from moxlite.web.http.paths import Host

if TYPE_CHECKING:
    from moxlite.config.listeners import (
        DAVService,
        Listener,
        MetricsService,
        PolicyService,
        WebserverService,
        WebService,
    )
    from moxlite.config.snapshot import CurrentConfig
    from moxlite.net.httpclient import Pool
    from moxlite.web.account.app import AccountApp
    from moxlite.web.account.consent import Consent
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.dav.app import DAVApp
    from moxlite.web.http.hsts import StrictTransport
    from moxlite.web.jmap.app import JMAP
    from moxlite.web.webapi.app import WebAPI
    from moxlite.web.webmail.app import Webmail


WELL_KNOWN_JMAP: Final = "/.well-known/jmap"  # RFC 8620 §2.2

REQUESTS: Final = (Window(60, (1000, 3000, 9000)), Window(3600, (5000, 15000, 45000)))
"""WEB-13: requests per remote network, over a minute and an hour."""

CONNECTIONS: Final = (200, 500, 1000)
"""WEB-14: open connections per remote network. A browser holds up to 7 with its stream; an office shares an address."""

PRIVATE: Final = tuple(
    ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""WEB-28: networks of proxies that are trusted if a listener names none."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a connection needs.

    ``routers`` by name of the listener and port. ``requests`` counts requests per network; ``unlimited`` are ports
    without that limit. ``gates`` are the limits of connections by name of the listener. All gates count together; each
    exempts the reverse proxies of its listener, which represent many clients. ``requests_open`` limits the requests at
    once of HTTP/2. ``strict`` tells browsers to use only https. ``opaque_id`` makes the public form of a connection id
    (WEB-8).
    """

    config: CurrentConfig
    routers: Mapping[tuple[str, int], Router]
    requests: RateLimiter
    unlimited: frozenset[tuple[str, int]]
    gates: Mapping[str, Gate]
    requests_open: OpenConnections
    strict: StrictTransport
    opaque_id: Callable[[int], str]


class Apps(msgspec.Struct, frozen=True):
    """The apps of a server, for all ports, loaded by their first requests: they take 5 MB."""

    webmail: Lazy[Webmail]
    account: Lazy[AccountApp]
    admin: Lazy[AdminApp]
    webapi: Lazy[WebAPI]
    dav: Lazy[DAVApp]
    jmap: Lazy[JMAP]
    discovery: Discovery
    policies: Policies
    consent: Lazy[Consent]

    def webmail_at(self, path: str, *, account_path: str, forwarded: bool) -> Handler:
        """The handler of `Webmail.mounted`; its first request loads the webmail."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            app = await self.webmail.get()
            await app.mounted(path, account_path=account_path, forwarded=forwarded)(request, writer)

        return handle

    def account_at(self, path: str, *, siblings: Mapping[str, str], forwarded: bool) -> Handler:
        """The handler of `AccountApp.mounted`; its first request loads the account app."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            app = await self.account.get()
            await app.mounted(path, siblings=siblings, forwarded=forwarded)(request, writer)

        return handle

    def admin_at(self, path: str, *, forwarded: bool) -> Handler:
        """The handler of `AdminApp.mounted`; its first request loads the admin app."""

        async def handle(request: Request, writer: ResponseWriter) -> None:
            app = await self.admin.get()
            await app.mounted(path, forwarded=forwarded)(request, writer)

        return handle

    async def answer_consent(self, request: Request, writer: ResponseWriter) -> None:
        """The handler of `Consent`; its first request loads the page."""
        await (await self.consent.get()).handle(request, writer)


def _mounted(app: Lazy[WebAPI] | Lazy[JMAP] | Lazy[DAVApp], path: str) -> Handler:
    """The handler of its `mounted`; its first request loads it."""

    async def handle(request: Request, writer: ResponseWriter) -> None:
        await (await app.get()).mounted(path)(request, writer)

    return handle


def make_context(
    config: CurrentConfig,
    apps: Apps,
    *,
    health: Health,
    challenge: Callable[[str, str], str | None],
    backends: Pool,
    sites: SiteLogins,
    strict: StrictTransport,
    opaque_id: Callable[[int], str],
) -> Context:
    """The context of a server.

    Args:
      challenge: returns the answer to a CA's challenge (ACME) for a host and a token, or None.
      backends: connections to the servers that requests are forwarded to.
      sites: log-ins by HTTP Basic to sites of the web server.
      strict: tells browsers to use only https; its `serve` must run.
    """
    snapshot = config.current
    answers = ChallengeAnswers(challenge)
    copies = Copies(snapshot.static.data_dir / FOLDER, reserve=snapshot.static.store.min_free_space)
    routers: dict[tuple[str, int], Router] = {}
    unlimited: set[tuple[str, int]] = set()
    for name, listener in snapshot.static.listeners.items():
        for port in ports(listener):
            routers[name, port] = _router(config, name, listener, port, apps, health, answers, backends, sites, copies)
        for webserver in (listener.webserver_http, listener.webserver_https):
            if webserver.enabled and webserver.rate_limit_disabled:
                unlimited.add((name, webserver.port))
    connections = OpenConnections(CONNECTIONS, exempt=snapshot.static.rate_limits.exempt)
    return Context(
        config=config,
        routers=routers,
        requests=RateLimiter(REQUESTS, exempt=snapshot.static.rate_limits.exempt),
        unlimited=frozenset(unlimited),
        gates={
            name: Gate(None, connections, proxies=_trusted(listener) if _forwarded(listener) else ())
            for name, listener in snapshot.static.listeners.items()
        },
        requests_open=OpenConnections(CONNECTIONS, exempt=snapshot.static.rate_limits.exempt),
        strict=strict,
        opaque_id=opaque_id,
    )


def _apps(listener: Listener) -> tuple[WebService, ...]:
    return (
        *(listener.account_http, listener.account_https, listener.admin_http, listener.admin_https),
        *(listener.webmail_http, listener.webmail_https, listener.webapi_http, listener.webapi_https),
        *(listener.jmap_http, listener.jmap_https),
    )


def _trusted(listener: Listener) -> tuple[IPNetwork, ...]:
    """The networks of trusted reverse proxies of a listener."""
    return PRIVATE if listener.forwarded_from is None else listener.forwarded_from


def _forwarded(listener: Listener) -> bool:
    return (
        any(app.enabled and app.forwarded for app in _apps(listener))
        or any(
            policy_service.enabled and policy_service.forwarded
            for policy_service in (listener.autoconfig_https, listener.mtasts_https)
        )
        or any(dav_service.enabled and dav_service.forwarded for dav_service in (listener.dav_http, listener.dav_https))
        or any(
            webserver_service.enabled and webserver_service.forwarded
            for webserver_service in (listener.webserver_http, listener.webserver_https)
        )
    )


def ports(listener: Listener) -> set[int]:
    """The ports on which a listener serves HTTP."""
    services: tuple[WebService | MetricsService | WebserverService | PolicyService | DAVService, ...] = (
        *_apps(listener),
        *(listener.metrics_http, listener.webserver_http, listener.webserver_https),
        *(listener.autoconfig_https, listener.mtasts_https),
        *(listener.dav_http, listener.dav_https),
    )
    return {service.port for service in services if service.enabled}


def _router(
    config: CurrentConfig,
    name: str,
    listener: Listener,
    port: int,
    apps: Apps,
    health: Health,
    answers: ChallengeAnswers,
    backends: Pool,
    sites: SiteLogins,
    copies: Copies,
) -> Router:
    """The routes of one port."""
    # The order of routes is that of precedence: challenges and well-known addresses before services, services before
    # what the owner serves below the same host. Each service is mounted by other things, so no loop has them all.

    def at(*services: WebService) -> WebService | None:
        return next((service for service in services if service.enabled and service.port == port), None)

    hosts = _account_hosts(config, name)
    proxies = _trusted(listener)
    system = [Route("acme", CHALLENGE_PATH, any_host, answers.handle)]
    services: list[Route] = []
    if listener.metrics_http.enabled and listener.metrics_http.port == port:
        system += [Route("metrics", path, any_host, health.handle) for path in ("/metrics", "/healthz", "/readyz")]
        services.append(Route("metrics", "/", any_host, health.handle))
    system += _discovery(config, name, listener, port, apps)
    system += _consent(listener, port, hosts, apps)
    account = at(listener.account_http, listener.account_https)
    mail = at(listener.webmail_http, listener.webmail_https)
    if mail is not None:
        handler = apps.webmail_at(
            mail.path, account_path="" if account is None else account.path, forwarded=mail.forwarded
        )
        services.append(Route("webmail", mail.path, hosts, handler, _proxies(mail, proxies)))
    if account is not None:
        siblings = {} if mail is None else {"webmail": mail.path}
        handler = apps.account_at(account.path, siblings=siblings, forwarded=account.forwarded)
        services.append(Route("account", account.path, hosts, handler, _proxies(account, proxies)))
    services += _admin(config, name, listener, port, apps)
    webapi = at(listener.webapi_http, listener.webapi_https)
    if webapi is not None:
        handler = _mounted(apps.webapi, webapi.path)
        services.append(Route("webapi", webapi.path, hosts, handler, _proxies(webapi, proxies)))
    for dav in (listener.dav_http, listener.dav_https):
        if dav.enabled and dav.port == port:
            system += [Route("dav", f"/.well-known/{kind}", hosts, _to_dav) for kind in ("caldav", "carddav")]
            trusted = proxies if dav.forwarded else None
            for path in (DAV_PATH, *OLD_DAV_PATHS):
                services.append(Route("dav", path, hosts, _mounted(apps.dav, path), trusted))
    jmap = at(listener.jmap_http, listener.jmap_https)
    if jmap is not None:
        handler = _mounted(apps.jmap, jmap.path)
        system.append(Route("jmap", WELL_KNOWN_JMAP, hosts, handler, _proxies(jmap, proxies)))
        services.append(Route("jmap", jmap.path, hosts, handler, _proxies(jmap, proxies)))
    if at(*_apps(listener)) is not None:
        services.append(Route("favicon", "/favicon.ico", hosts, favicon))
    services += _to_https(listener, port, hosts)
    rules = None
    webservers = (listener.webserver_http, listener.webserver_https)
    served = [webserver for webserver in webservers if webserver.enabled and webserver.port == port]
    if served:
        https_port = listener.webserver_https.port if listener.webserver_https.enabled else HTTPS_PORT
        mounts: dict[str, Mount] = {
            "webmail": partial(apps.webmail_at, account_path="", forwarded=False),
            "account": partial(apps.account_at, siblings={}, forwarded=False),
            "admin": partial(apps.admin_at, forwarded=False),
            "webapi": partial(_mounted, apps.webapi),
            "dav": partial(_mounted, apps.dav),
        }
        trusted = proxies if any(webserver.forwarded for webserver in served) else None
        rules = WebRules(
            config,
            https_port=https_port,
            apps=mounts,
            pool=backends,
            sites=sites,
            copies=copies,
            forwarded_from=trusted,
        )
    return Router(system, services, rules)


def _to_https(listener: Listener, port: int, hosts: HostMatch) -> Iterator[Route]:
    """Routes of the web server's plain port that lead browsers to the apps at https (WEB-25a)."""
    webserver = listener.webserver_http
    if not webserver.enabled or webserver.port != port:
        return

    def named(host: Host) -> bool:
        return not host.is_ip and host.name != "localhost" and hosts(host)  # certificates are for names

    def leading_to(https_port: int) -> Handler:
        suffix = "" if https_port == HTTPS_PORT else f":{https_port}"

        async def redirect(request: Request, writer: ResponseWriter) -> None:
            if request.scheme == "https":  # by a proxy, which would come back forever
                raise HTTPError(404, "Page not found.")
            await writer.respond(Response.redirect(308, f"https://{request.host.name}{suffix}{raw_target(request)}"))

        return redirect

    networks = _trusted(listener) if webserver.forwarded else None
    for app in (listener.account_https, listener.webmail_https):
        if app.enabled:
            yield Route("(https)", app.path, named, leading_to(app.port), networks)


async def _to_dav(request: Request, writer: ResponseWriter) -> None:
    """Lead a program from the well-known name to the service (RFC 6764 §5)."""
    await writer.respond(Response.redirect(301, DAV_PATH))


def _admin(config: CurrentConfig, name: str, listener: Listener, port: int, apps: Apps) -> Iterator[Route]:
    """Routes of the admin app (WEB-22, WEB-25). If it has a port of its own, other ports with apps at its addresses
    redirect to it.
    """
    served = [app for app in _apps(listener) if app.enabled and app.port == port]
    beside = [one for one in config.current.static.listeners.values() if {*listener.ips} <= {*one.ips}]
    # Only listeners with all of these addresses: a redirect must lead to a port that the same client can reach.
    services = next((found for one in (listener, *beside) if (found := _admin_services(one))), [])
    if not services or not served:
        return
    hosts = _listener_hosts(config, name)
    web_service = next((one for _, one in _admin_services(listener) if one.port == port), None)
    if web_service is None:
        scheme, away = services[0]
        yield Route("admin", away.path, hosts, _redirect(away, scheme))
        return
    handler = apps.admin_at(web_service.path, forwarded=web_service.forwarded)
    yield Route("admin", web_service.path, hosts, handler, _proxies(web_service, _trusted(listener)))
    if web_service.path != "/" and not any(one in served for one in (listener.account_http, listener.account_https)):

        async def to_admin(request: Request, writer: ResponseWriter) -> None:
            if request.path != "/":
                raise HTTPError(404, "Page not found.")
            await writer.respond(Response.redirect(303, quote(web_service.path)))

        yield Route("admin", "/", hosts, to_admin)


def _admin_services(listener: Listener) -> list[tuple[str, WebService]]:
    """The services of a listener with the admin app, each with its scheme."""
    services = (("http", listener.admin_http), ("https", listener.admin_https))
    return [(scheme, web_service) for scheme, web_service in services if web_service.enabled]


def _redirect(service: WebService, scheme: str) -> Handler:
    """Lead to a service at another port of the host that was asked for; not what a web server in front passes on,
    whose visitors reach none of our ports.
    """

    async def redirect(request: Request, writer: ResponseWriter) -> None:
        if request.headers.get("x-forwarded-for") is not None:
            raise HTTPError(404, "Page not found.")
        name = request.host.name or ""
        host = f"[{name}]" if ":" in name else name
        await writer.respond(Response.redirect(303, f"{scheme}://{host}:{service.port}{quote(service.path)}"))

    return redirect


def _discovery(config: CurrentConfig, name: str, listener: Listener, port: int, apps: Apps) -> Iterator[Route]:
    """Routes of the well-known names. Settings hold no secret, and are served by plain http, too (WEB-123)."""
    hosts = _account_hosts(config, name)

    def settings(host: Host) -> bool:
        return hosts(host) or apps.discovery.concerns(host)

    autoconfig, mtasts = listener.autoconfig_https, listener.mtasts_https
    proxies = _trusted(listener)
    plain = (listener.webserver_http, listener.account_http, listener.webmail_http)
    if autoconfig.enabled and port in (autoconfig.port, *(one.port for one in plain if one.enabled)):
        networks = proxies if autoconfig.forwarded else None
        for path in CONFIG_PATHS:
            yield Route("autoconf", path, settings, apps.discovery.autoconfig, networks)
        yield Route("autoconf", AGENTS, settings, apps.discovery.agents, networks)
        yield Route("autodiscover", AUTODISCOVER, settings, apps.discovery.autodiscover, networks, fold=True)
        yield Route("mobileconfig", PROFILE, settings, apps.discovery.profile, networks)
    if mtasts.enabled and port == mtasts.port:
        networks = proxies if mtasts.forwarded else None
        yield Route("mtasts", POLICY_PATH, apps.policies.concerns, apps.policies.handle, networks)


def _consent(listener: Listener, port: int, hosts: HostMatch, apps: Apps) -> Iterator[Route]:
    """The route of the page for strangers (WEB-158c): at the mail host, where other servers find policies, too."""
    if port in consent_ports(listener):
        # The page has no setting of its own: it believes the proxies that any service of this port believes.
        here = [app.forwarded for app in _apps(listener) if app.enabled and app.port == port]
        policies = (listener.autoconfig_https, listener.mtasts_https)
        here += [policy.forwarded for policy in policies if policy.enabled and policy.port == port]
        webserver = listener.webserver_https
        here += [webserver.forwarded] if webserver.enabled and webserver.port == port else []
        networks = _trusted(listener) if any(here) else None
        yield Route("consent", CONSENT_PATH, hosts, apps.answer_consent, networks)


def _proxies(service: WebService, networks: tuple[IPNetwork, ...]) -> tuple[IPNetwork, ...] | None:
    return networks if service.forwarded else None


def _listener_hosts(config: CurrentConfig, listener: str) -> HostMatch:
    """Hosts for the admin app (WEB-23): any IP address, the listener's name, localhost."""

    def match(host: Host) -> bool:
        if host.is_ip or host.name == "localhost":
            return True
        return host.name is not None and host.name == config.current.hostname(listener).ascii

    return match


def _account_hosts(config: CurrentConfig, listener: str) -> HostMatch:
    """Hosts for accounts' services (WEB-23): the listener's hosts, and those in client settings."""
    own = _listener_hosts(config, listener)

    def match(host: Host) -> bool:
        return own(host) or (host.name is not None and host.name in config.current.derived.client_hosts)

    return match


# Selection of the handler for a request, by order, host and path (WEB-23..25).

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
    # A scan, for a port has some twenty routes. Rules of domains.toml, which may be ten thousand, are found by host
    # (WEB-178). Paths are compared first: that costs less than to call `hosts`.
    path, folder, folded = request.path, request.path + "/", request.path.lower()
    for route in routes:
        at = route.path
        if at == path or (at.endswith("/") and folder.startswith(at)) or (route.fold and at == folded):
            if not route.hosts(request.host):
                continue
            if at == folder:
                return Route(route.name, path, route.hosts, _to(at), route.forwarded_from)
            return route
    return None


def _to(path: str) -> Handler:
    """A handler that redirects to a service's path (WEB-25)."""

    async def redirect(request: Request, writer: ResponseWriter) -> None:
        await writer.respond(Response.redirect(308, path))  # a method other than GET stays itself (RFC 9110 §15.4.9)

    return redirect
