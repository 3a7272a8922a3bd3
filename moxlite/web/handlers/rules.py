"""The rules of domains.toml: the first one that matches a request answers it (WEB-24, 33..36, 49)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import trio

from moxlite.config.webrules import Pattern, Template, compile_pattern, parse_template
from moxlite.config.webserver import WebRedirect
from moxlite.logins.identity import LoginRequest, RateLimited, WrongCredentials
from moxlite.net.limits import within
from moxlite.web.handlers.backends import PatternTooSlow, in_time
from moxlite.web.handlers.static import Static, path_text
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Handler, Request, ResponseWriter
from moxlite.web.http.messages import Headers, Response
from moxlite.web.http.paths import split_target
from moxlite.web.http.programlogin import basic_credentials

if TYPE_CHECKING:
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.config.webrules import Match, WebRule
    from moxlite.config.webserver import WebHandler, WebInternal
    from moxlite.logins.sites import SiteLogins
    from moxlite.net.httpclient import Pool
    from moxlite.net.limits import IPNetwork
    from moxlite.web.handlers.files import Copies
    from moxlite.web.http.paths import Host


logger = logging.getLogger("moxlite.web.handlers")

Answer = Callable[[Request, "ResponseWriter"], Awaitable[bool]]
"""Answers a request; False to try the next rule."""

Mount = Callable[[str], Handler]
"""Makes the handler of an app at a path."""

DOMAIN_REDIRECT: Final = "(domainredirect)"
HTTPS_PORT: Final = 443
"""The port that a URL need not name (RFC 9110 §4.2.2)."""


class Rule:
    """One rule with its handler, ready to answer."""

    __slots__ = ("access", "answer", "cache", "https_only", "name", "pattern")

    def __init__(self, made_of: WebRule, answer: Answer, access: Access | None) -> None:
        self.name = made_of.name
        self.pattern = made_of.pattern
        self.cache = made_of.cache
        self.answer = answer
        self.access = access
        self.https_only = not made_of.handler.dont_redirect_plain_http


class WebRules:
    """The rules as one port serves them.

    The rules of a host are made at the first request for it, and again when domains.toml has changed.
    """

    def __init__(
        self,
        config: CurrentConfig,
        *,
        https_port: int,
        apps: Mapping[str, Mount],
        pool: Pool,
        sites: SiteLogins,
        copies: Copies,
        forwarded_from: tuple[IPNetwork, ...] | None,
    ) -> None:
        """`https_port` is the port that plain http is redirected to; `apps` are the services that ``internal`` can
        name; `pool`: connections of ``forward``; `sites` checks passwords of rules; `copies`:
        compressed copies of static files; `forwarded_from`: networks of
        proxies in front of this port whose fields are trusted, None for none.
        """
        self.forwarded_from = forwarded_from
        self._pool = pool
        self._sites = sites
        self._copies = copies
        self._config = config
        self._port = "" if https_port == HTTPS_PORT else f":{https_port}"
        self._apps = apps
        self._revision = ""
        self._rules: dict[str, tuple[Rule, ...]] = {}

    def concern(self, host: Host) -> bool:
        """Whether the host has any rule."""
        derived = self._config.current.derived
        return host.name in derived.web_redirects or host.name in derived.web_rules

    async def answer(self, request: Request, writer: ResponseWriter) -> bool:
        """Answer by the first rule that does; False if no rule does.

        Raises HTTPError, ClientGone.
        """
        snapshot = self._config.current
        host = request.host.name
        if host is None:
            return False
        if (target := snapshot.derived.web_redirects.get(host)) is not None:
            request.handler = DOMAIN_REDIRECT
            await writer.respond(Response.redirect(308, f"https://{target}{raw_target(request)}"))
            return True
        unmatched = request.handler
        for rule in self._of(host, snapshot):
            request.handler = rule.name
            try:
                if await self._try(rule, request, writer):
                    return True
            except PatternTooSlow as e:
                kv = {"handler": rule.name, "host": host, "path": request.path}
                logger.error("web handler pattern timed out", extra={"kv": kv})
                raise HTTPError(500, "Something went wrong on the server.") from e
        request.handler = unmatched
        return False

    async def _try(self, rule: Rule, request: Request, writer: ResponseWriter) -> bool:
        pattern, path = rule.pattern, request.path
        if (
            await in_time(lambda timeout, concurrent: pattern.search(path, timeout=timeout, concurrent=concurrent))
            is None
        ):
            return False
        # Before the password is asked for, which must not come by plain http.
        if rule.https_only and request.scheme == "http":
            location = f"https://{request.host.name}{self._port}{raw_target(request)}"
            await writer.respond(Response.redirect(308, location))
            return True
        if rule.access is not None:
            await rule.access.check(request)
        # Set before the answer is written, and taken back where the next rule answers.
        writer.cache = await _cache_control(rule, path)
        answered = await rule.answer(request, writer)
        if not answered:
            writer.cache = ""
        return answered

    def _of(self, host: str, snapshot: Snapshot) -> tuple[Rule, ...]:
        if self._revision != snapshot.revision:
            self._revision, self._rules = snapshot.revision, {}
        rules = self._rules.get(host)
        if rules is None:
            rules = tuple(
                Rule(web_rule, self._made(web_rule), self._access(web_rule.handler))
                for web_rule in snapshot.derived.web_rules.get(host, ())
            )
            if rules:  # hosts that are not configured are not remembered
                self._rules[host] = rules
        return rules

    def _made(self, rule: WebRule) -> Answer:
        """The handler of a rule. The checks of the configuration guarantee that it has exactly one of these."""
        handler = rule.handler
        if handler.static is not None:
            return Static(handler.static, compress=handler.compress, copies=self._copies).answer
        if handler.redirect is not None:
            return Redirect(handler.redirect).answer
        if handler.forward is not None:
            from moxlite.web.handlers.forward import Forward

            return Forward(
                handler.forward, rule.pattern, self._pool, compress=handler.compress, trusted=self.forwarded_from
            ).answer
        assert handler.internal is not None
        return self._internal(handler.internal)

    def _access(self, handler: WebHandler) -> Access | None:
        return Access(handler, self._sites) if handler.allow_ips or handler.basic_auth is not None else None

    def _internal(self, settings: WebInternal) -> Answer:
        base = settings.base_path
        app = self._apps[settings.service](base)

        async def answer(request: Request, writer: ResponseWriter) -> bool:
            if request.path + "/" == base:
                await writer.respond(Response.redirect(308, quote(base)))
                return True
            if not request.path.startswith(base):
                return False
            await app(request, writer)
            return True

        return answer


async def _cache_control(rule: Rule, path: str) -> str:
    """The value of Cache-Control for a path; "" leaves it to the answer. Raises PatternTooSlow."""

    def search(pattern: Pattern) -> Callable[[float, bool], Match | None]:
        return lambda timeout, concurrent: pattern.search(path, timeout=timeout, concurrent=concurrent)

    for pattern, value in rule.cache:
        if await in_time(search(pattern)) is not None:
            return value
    return ""


def raw_target(request: Request) -> str:
    """Path and query as the client wrote them, to redirect to the same at another host."""
    _, path, query = split_target(request.target)
    text = path if path.startswith("/") else "/" + path
    # the codec accepts visible ASCII; "#" would begin a fragment, the others are not allowed in a URL
    return quote(text + ("?" + query if query else ""), safe="/%?:@!$&'()*+,;=~-._")


# Who may use a rule: networks of clients, and names with passwords (WEB-162).


RETRY_AFTER: Final = ("retry-after", "60")
FAILURE_DELAY: Final = 1.0
"""Seconds until a failure is answered, which slows down guessing (WEB-56)."""


class Access:
    """The access to one rule."""

    def __init__(self, settings: WebHandler, sites: SiteLogins) -> None:
        self._networks = settings.allow_ips
        self._auth = settings.basic_auth
        self._host = settings.domain.ascii
        self._sites = sites

    async def check(self, request: Request) -> None:
        """Check a request. Its credentials are removed after that: the server behind has no use for them.

        Raises HTTPError: 403 for a foreign network, 401 without a right password, 429 after too many failures.
        """
        remote = request.client
        if self._networks and not within(remote, self._networks):
            raise HTTPError(403, "This address isn't available from your network.")
        if self._auth is None:
            return
        challenge = ("www-authenticate", f'Basic realm="{self._auth.realm}", charset="UTF-8"')
        credentials = basic_credentials(request.headers)
        if credentials is None:
            raise HTTPError(401, "Log in with a user name and password.", (challenge,))
        tls = request.info.tls
        attempt = LoginRequest(
            protocol="website",
            remote=remote,
            local=request.info.local,
            tls="" if tls is None else f"{tls.version} {tls.cipher}",
            user_agent=request.headers.get("user-agent") or "",
        )
        try:
            await self._sites.check(attempt, self._host, self._auth.users, *credentials)
        except RateLimited as error:
            raise HTTPError(429, f"{error}.", (RETRY_AFTER,)) from None
        except WrongCredentials:
            await trio.sleep(FAILURE_DELAY)
            raise HTTPError(401, "Wrong user name or password.", (challenge,)) from None
        request.headers = Headers(field for field in request.headers if field[0] != "authorization")


# The handler ``redirect``: to another base URL, or to the path that a pattern's replacement gives (WEB-42, WEB-43).


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
                raise HTTPError(404, "Page not found.")
            path = replaced if replaced.startswith("/") else "/" + replaced
        scheme, authority, queries, fragment = request.scheme, request.host.authority, [], ""
        if self._base is not None:
            scheme, authority = self._base.scheme or scheme, self._base.netloc
            queries.append(self._base.query)
            fragment = f"#{self._base.fragment}" if self._base.fragment else ""
        # A browser would follow a redirect to the address that it has asked for until it gives up.
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
    if not colon or port.endswith("]"):  # an IPv6 address alone
        host, port = authority, ""
    return host.lower(), port or str(DEFAULT_PORTS[scheme])


def replacing(pattern: Pattern, template: Template, path: str) -> Callable[[float, bool], str | None]:
    """A search that returns the path with each match replaced; None without a match.

    Raises HTTPError 414 if the new path is too long.
    """

    def replace(timeout: float, concurrent: bool) -> str | None:
        parts: list[str] = []
        end = size = 0
        for match in pattern.finditer(path, timeout=timeout, concurrent=concurrent):
            new = [path[end : match.start()]]
            new += [part if isinstance(part, str) else match.group(part) or "" for part in template]
            size += sum(map(len, new))
            if size > MAX_PATH:
                raise HTTPError(414, "The redirect URL would be too long.")
            parts += new
            end = match.end()
        return "".join(parts) + path[end:] if parts else None

    return replace
