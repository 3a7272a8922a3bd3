"""Cross checks of the configuration: what the type of a single value cannot say (ADMIN-9), and warnings (ADMIN-10).

Each function returns findings with paths into one of the two files. Checks that need other files (keys, certificates)
are in the admin room.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from moxlite.config.accountchecks import IS_QUEUE, account_findings, is_queue_mailbox
from moxlite.config.decode import Finding, KeyPath, near
from moxlite.config.domains import Account, DomainConfig, Domains, Route, WebHandler, WebRedirect
from moxlite.config.listeners import Listener, ListenerTLS
from moxlite.config.snapshot import Key, canonical_localpart
from moxlite.config.static import Static
from moxlite.config.transports import Transport
from moxlite.config.values import LONGEST_MAILBOX
from moxlite.config.webrules import LONGEST_PATTERN, compile_pattern, parse_template
from moxlite.proto.address import Address, AddressError, Domain, Localpart

__all__ = ["check_both", "check_domains", "check_static", "warn_domains", "warn_static"]

METHODS: Final = ("submissions", "submission", "smtp", "socks", "direct", "fail")
HANDLERS: Final = ("static", "redirect", "forward", "internal")
SERVED_APPS: Final = frozenset({"account", "webmail"})
"""What `internal` can name in this version: the other apps are still to come."""
FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 §5.1."""
FRAMING: Final = frozenset({"connection", "content-length", "date", "transfer-encoding", "upgrade"})
"""Fields that the server alone can know (RFC 9112 §6)."""
POLICY_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
"""RFC 8461 §3.1."""
MX_PATTERN: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
SELECTOR: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
"""RFC 6376 §3.1: labels of a domain name."""
LOWEST_MESSAGE_LIMIT: Final = 1_000
"""RFC 9738 §3: with less, clients would need too many commands."""

SHORTEST_BACKUP: Final = 600.0
"""Seconds: each one reads all that has changed."""

PLAIN_SERVICES: Final = (
    "account_http",
    "admin_http",
    "webmail_http",
    "webapi_http",
    "metrics_http",
    "debug_http",
    "webserver_http",
)
TLS_SERVICES: Final = ("account_https", "admin_https", "webmail_https", "webapi_https", "webserver_https")
POLICY_SERVICES: Final = ("autoconfig_https", "mtasts_https")
MAIL_SERVICES: Final = ("smtp", "submission", "submissions", "imap", "imaps")


# moxlite.toml


def check_static(static: Static) -> list[Finding]:
    """Mistakes within moxlite.toml."""
    findings: list[Finding] = []
    if not static.listeners:
        findings.append(
            Finding(("listeners",), "must have at least one listener", 'such as [listeners.public] with ips = ["…"]')
        )
    for name, listener in static.listeners.items():
        findings += _listener(("listeners", name), listener, static)
    for name, transport in static.transports.items():
        findings += _transport(("transports", name), transport)
    findings += _initial_mailboxes(static)
    if static.host_tlsrpt is not None and not static.host_tlsrpt.localpart.isascii():
        findings.append(Finding(("host_tlsrpt", "localpart"), "must be ASCII"))
    if static.queue.max_attempts < 1:
        findings.append(Finding(("queue", "max_attempts"), "must be at least 1"))
    if not static.queue.retry_delays:
        findings.append(Finding(("queue", "retry_delays"), "must have at least one delay"))
    if static.queue.max_concurrent_deliveries < 1:
        findings.append(Finding(("queue", "max_concurrent_deliveries"), "must be at least 1"))
    if 0 < static.imap.message_limit < LOWEST_MESSAGE_LIMIT:
        findings.append(Finding(("imap", "message_limit"), f"must be 0 or at least {LOWEST_MESSAGE_LIMIT}"))
    findings += _backup(static)
    if static.tls is not None and static.tls.ca is not None and not static.tls.ca.cert_files:
        findings.append(Finding(("tls", "ca", "cert_files"), "must name at least one file"))
    return findings


def _backup(static: Static) -> Iterator[Finding]:
    backup = static.backup
    if (backup.schedule is None) != (backup.target is None):
        missing = "target" if backup.target is None else "schedule"
        yield Finding(("backup",), f"needs {missing} as well", 'such as schedule = "24h" and target = "/mnt/backup"')
    if backup.schedule is not None and backup.schedule < SHORTEST_BACKUP:
        yield Finding(("backup", "schedule"), "must be at least 10m")
    if backup.target is not None and backup.target.resolve().is_relative_to(static.data_dir.resolve()):
        yield Finding(("backup", "target"), "must not be inside data_dir")
    for key in ("keep_daily", "keep_weekly"):
        if getattr(backup, key) < 0:
            yield Finding(("backup", key), "must not be negative")


def _listener(path: KeyPath, listener: Listener, static: Static) -> Iterator[Finding]:
    if not listener.ips:
        yield Finding(
            (*path, "ips"), "must have at least one address", 'such as "0.0.0.0" and "::" for all of the machine'
        )
    for index, ip in enumerate(listener.nat_ips):
        if ip.is_unspecified or ip.is_loopback:
            yield Finding((*path, "nat_ips", index), "must be a public address")
    if listener.tls is not None:
        yield from _tls((*path, "tls"), listener.tls, static)
    else:
        for service in _needing_tls(listener):
            yield Finding(
                (*path, service), "needs TLS, but the listener has none", f"add [{'.'.join(map(str, path))}.tls]"
            )
    yield from _ports(path, listener)
    zones = {zone.unicode for zone in listener.smtp.dnsbls}
    for zone in listener.smtp.dnsbl_codes:
        if zone not in zones:
            yield Finding((*path, "smtp", "dnsbl_codes", zone), "is not one of dnsbls", near(zone, zones))


def _needing_tls(listener: Listener) -> Iterator[str]:
    """Enabled services that cannot do without TLS."""
    for service in ("submissions", "imaps", *TLS_SERVICES):
        if getattr(listener, service).enabled:
            yield service
    for service in POLICY_SERVICES:
        settings = getattr(listener, service)
        if settings.enabled and not settings.non_tls:
            yield service
    if listener.smtp.enabled and listener.smtp.starttls:
        yield "smtp"
    for service in ("submission", "imap"):
        settings = getattr(listener, service)
        if settings.enabled and settings.require_tls:
            yield service


def _tls(path: KeyPath, tls: ListenerTLS, static: Static) -> Iterator[Finding]:
    if tls.acme is not None and tls.key_certs:
        yield Finding(path, "has both acme and key_certs", "give one of them")
    elif tls.acme is None and not tls.key_certs:
        yield Finding(path, "has neither acme nor key_certs", "give one of them")
    if tls.acme is not None and tls.acme not in static.acme:
        yield Finding(
            (*path, "acme"), "is not the name of an [acme.NAME] table", near(tls.acme, static.acme), ("acme", tls.acme)
        )


def _ports(path: KeyPath, listener: Listener) -> Iterator[Finding]:
    """One protocol per port (WEB-21)."""
    used: dict[int, tuple[str, str]] = {}
    for service in (*MAIL_SERVICES, *PLAIN_SERVICES, *TLS_SERVICES, *POLICY_SERVICES):
        settings = getattr(listener, service)
        if not settings.enabled:
            continue
        if service in POLICY_SERVICES:
            kind = "http" if settings.non_tls else "https"
        elif service == "debug_http":
            kind = service
        else:
            kind = "http" if service in PLAIN_SERVICES else "https" if service in TLS_SERVICES else service
        other = used.setdefault(settings.port, (kind, service))
        if other[0] != kind:
            yield Finding((*path, service), f"cannot share port {settings.port} with {other[1]}")


def _transport(path: KeyPath, transport: Transport) -> Iterator[Finding]:
    methods = [name for name in METHODS if getattr(transport, name) is not None]
    if len(methods) > 1:
        yield Finding((*path, methods[1]), f"is a second method beside {methods[0]}", "a transport has at most one")
    if transport.submissions is not None and (
        transport.submissions.no_starttls or transport.submissions.starttls_insecure_skip_verify
    ):
        yield Finding((*path, "submissions"), "has TLS from the start: no settings of STARTTLS")
    for name in ("submissions", "submission", "smtp"):
        relay = getattr(transport, name)
        if relay is not None and relay.auth is not None:
            if not relay.auth.mechanisms:
                yield Finding((*path, name, "auth", "mechanisms"), "must have at least one mechanism")
            if len(set(relay.auth.mechanisms)) < len(relay.auth.mechanisms):
                yield Finding((*path, name, "auth", "mechanisms"), "has duplicates")
    if transport.direct is not None and transport.direct.disable_ipv4 and transport.direct.disable_ipv6:
        yield Finding((*path, "direct"), "disables both IPv4 and IPv6")
    if transport.socks is not None:
        host, colon, port = transport.socks.address.rpartition(":")
        if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
            yield Finding((*path, "socks", "address"), "is not HOST:PORT")
        if not transport.socks.remote_ips:
            yield Finding((*path, "socks", "remote_ips"), "must have at least one address")
    if transport.fail is not None and not 400 <= transport.fail.smtp_code <= 599:
        yield Finding((*path, "fail", "smtp_code"), "must be 400 to 599")


def _initial_mailboxes(static: Static) -> Iterator[Finding]:
    uses = static.initial_mailboxes.special_use
    path: KeyPath = ("initial_mailboxes",)
    seen: set[str] = set()
    names = [((*path, "special_use", field), getattr(uses, field)) for field in uses.__struct_fields__]
    names += [((*path, "regular", index), name) for index, name in enumerate(static.initial_mailboxes.regular)]
    for where, name in names:
        if not name:
            continue
        if name.casefold() == "inbox":
            yield Finding(where, "is Inbox, which every account has")
        elif "/" in name:
            yield Finding(where, "must not be a mailbox within another")
        elif len(name.encode()) > LONGEST_MAILBOX:
            yield Finding(where, "is too long")
        elif name in seen:
            yield Finding(where, f'is given twice: "{name}"')
        seen.add(name)


# domains.toml


def check_domains(domains: Domains) -> list[Finding]:
    """Mistakes within domains.toml."""
    findings: list[Finding] = []
    known: dict[str, DomainConfig] = {}
    for name, settings in domains.domains.items():
        problem = _domain_name(("domains", name), name)
        if problem is not None:
            findings.append(problem)
            continue
        known[name] = settings
        findings += _domain(("domains", name), settings, domains)
    taken = _report_owners(domains, known)
    for name, account in domains.accounts.items():
        findings += account_findings(name, account, known)
        findings += _destinations(name, account, known, taken)
    findings += _aliases(known, taken)
    for index, handler in enumerate(domains.web_handlers):
        findings += _handler(("web_handlers", index), handler)
    for name, target in domains.web_domain_redirects.items():
        for value in (name, target):
            problem = _domain_name(("web_domain_redirects", name), value)
            if problem is not None:
                findings.append(problem)
        if name == target:
            findings.append(Finding(("web_domain_redirects", name), "redirects to itself"))
    return findings


def _domain_name(path: KeyPath, name: str) -> Finding | None:
    try:
        domain = Domain.parse(name)
    except AddressError as error:
        return Finding(path, f"is not a domain: {error}")
    if domain.unicode != name:
        return Finding(path, f'must be in its Unicode form, lower case: write "{domain.unicode}"')
    return None


def _domain(path: KeyPath, settings: DomainConfig, domains: Domains) -> Iterator[Finding]:
    if len(set(settings.localpart_separators)) < len(settings.localpart_separators):
        yield Finding((*path, "localpart_separators"), "has duplicates")
    for name in settings.dkim.sign:
        if name not in settings.dkim.selectors:
            hint = near(name, settings.dkim.selectors)
            yield Finding(
                (*path, "dkim", "sign"),
                f'names the unknown selector "{name}"',
                hint,
                (*path, "dkim", "selectors", name),
            )
    for name, selector in settings.dkim.selectors.items():
        if not SELECTOR.fullmatch(name):
            yield Finding((*path, "dkim", "selectors", name), "is not a name for DNS")
        if "from" not in {header.lower() for header in selector.headers}:
            yield Finding((*path, "dkim", "selectors", name, "headers"), "must have From")
    for kind in ("dmarc", "tlsrpt"):
        report = getattr(settings, kind)
        if report is None:
            continue
        if not report.localpart.isascii():
            yield Finding((*path, kind, "localpart"), "must be ASCII")
        if report.domain is not None and report.domain.unicode not in domains.domains:
            hint = near(report.domain.unicode, domains.domains)
            yield Finding(
                (*path, kind, "domain"), "is not a domain of this server", hint, ("domains", report.domain.unicode)
            )
        if report.account not in domains.accounts:
            hint = near(report.account, domains.accounts)
            yield Finding(
                (*path, kind, "account"), f'is not an account: "{report.account}"', hint, ("accounts", report.account)
            )
        elif domains.accounts[report.account].queue_mailbox and is_queue_mailbox(report.mailbox):
            yield Finding((*path, kind, "mailbox"), IS_QUEUE)
    if settings.mtasts is not None:
        if not POLICY_ID.fullmatch(settings.mtasts.policy_id):
            yield Finding((*path, "mtasts", "policy_id"), "must have 1 to 32 letters and digits")
        for index, pattern in enumerate(settings.mtasts.mx):
            if not MX_PATTERN.fullmatch(pattern):
                yield Finding((*path, "mtasts", "mx", index), "is not a host name, or *. and one")


class Owner(msgspec.Struct, frozen=True):
    """Who has an address: an account, or (None) the reports of a domain; `text` says it."""

    account: str | None
    text: str


def _report_owners(domains: Domains, known: Mapping[str, DomainConfig]) -> dict[Key, Owner]:
    """The addresses of reports, as they are looked up."""
    owners: dict[Key, Owner] = {}
    for name, settings in known.items():
        for kind in ("dmarc", "tlsrpt"):
            report = getattr(settings, kind)
            if report is None:
                continue
            domain = report.domain or Domain.parse(name)
            at = domains.domains.get(domain.unicode)
            if at is not None:
                localpart = report.localpart if at.localpart_case_sensitive else report.localpart.lower()
                owners[localpart, domain.ascii] = Owner(None, f"the {kind} reports of {name}")
    return owners


def _destinations(
    name: str, account: Account, known: Mapping[str, DomainConfig], taken: dict[Key, Owner]
) -> Iterator[Finding]:
    for configured in account.destinations:
        path: KeyPath = ("accounts", name, "destinations", configured)
        local, _, domain_name = configured.rpartition("@")
        problem = _domain_name(path, domain_name)
        if problem is not None:
            yield problem
            continue
        settings = known.get(domain_name)
        if settings is None:
            yield Finding(
                path,
                f'is at "{domain_name}", which is not a domain of this server',
                near(domain_name, known),
                ("domains", domain_name),
            )
            continue
        domain = Domain.parse(domain_name)
        localpart = Localpart("")
        if local:
            try:
                address = Address.parse(configured)
            except AddressError as error:
                yield Finding(path, f"is not an address: {error}")
                continue
            if address.pack(True) != configured:
                yield Finding(path, f'must be in its plain form: write "{address.pack(True)}"')
                continue
            separator = next((one for one in settings.localpart_separators if one in address.localpart[1:]), None)
            if separator is not None:
                yield Finding(path, f'has the separator "{separator}" of its domain before the @')
                continue
            localpart = canonical_localpart(address.localpart, settings)
        own = Owner(name, f'the account "{name}" ({configured})')
        other = taken.setdefault((localpart, domain.ascii), own)
        if other is not own:
            yield Finding(path, f"belongs to {other.text} already")


def _aliases(known: Mapping[str, DomainConfig], taken: Mapping[Key, Owner]) -> Iterator[Finding]:
    for name, settings in known.items():
        own = Domain.parse(name)
        seen: dict[Key, str] = {}
        for text, alias in settings.aliases.items():
            path: KeyPath = ("domains", name, "aliases", text)
            try:
                localpart = Address.parse(f"{text}@{name}").localpart
            except AddressError as error:
                yield Finding(path, f"is not the part of an address before the @: {error}")
                continue
            if any(one in localpart[1:] for one in settings.localpart_separators):
                yield Finding(path, "has a separator of its domain")
            key = (canonical_localpart(localpart, settings), own.ascii)
            if key in taken:
                yield Finding(path, f"is an address already: it belongs to {taken[key].text}")
            elif key in seen:
                yield Finding(path, f'is the same as the alias "{seen[key]}"')
            seen[key] = text
            if not alias.addresses:
                yield Finding((*path, "addresses"), "must have at least one member")
            members: set[Key] = set()
            for index, member in enumerate(alias.addresses):
                at = known.get(member.domain.unicode)
                localpart = canonical_localpart(member.localpart, at) if at is not None else member.localpart
                member_key = (localpart, member.domain.ascii)
                owner = taken.get(member_key)
                if owner is None or owner.account is None:
                    yield Finding(
                        (*path, "addresses", index),
                        f'is not an address of an account: "{member}"',
                        refers_to=("accounts",),
                    )
                elif member_key in members:
                    yield Finding((*path, "addresses", index), f'is given twice: "{member}"')
                members.add(member_key)


def _handler(path: KeyPath, handler: WebHandler) -> Iterator[Finding]:
    given = [name for name in HANDLERS if getattr(handler, name) is not None]
    if len(given) != 1:
        yield Finding(path, "must have exactly one of static, redirect, forward, internal")
    if not handler.path_regexp.startswith("^"):
        yield Finding((*path, "path_regexp"), 'must start with "^"')
    yield from _pattern_length((*path, "path_regexp"), handler.path_regexp)
    if handler.static is not None:
        if handler.static.strip_prefix and not handler.static.strip_prefix.startswith("/"):
            yield Finding((*path, "static", "strip_prefix"), "must start with a slash")
        yield from _response_headers((*path, "static", "response_headers"), handler.static.response_headers)
    if handler.redirect is not None:
        yield from _redirect((*path, "redirect"), handler.redirect)
    if handler.forward is not None:
        yield Finding((*path, "forward"), "this version does not forward yet")
    if handler.internal is not None and handler.internal.service not in SERVED_APPS:
        yield Finding((*path, "internal", "service"), f"this version has no {handler.internal.service} app yet")


def _redirect(path: KeyPath, redirect: WebRedirect) -> Iterator[Finding]:
    if not 300 <= redirect.status_code <= 399 or redirect.status_code == 304:
        yield Finding((*path, "status_code"), "must be 300 to 399, and not 304")
    if redirect.base_url is None and redirect.orig_path_regexp is None:
        yield Finding(path, "must have base_url or orig_path_regexp")
    if (redirect.orig_path_regexp is None) != (not redirect.replace_path):
        yield Finding(path, "needs orig_path_regexp and replace_path together")
    if redirect.orig_path_regexp is not None:
        yield from _pattern_length((*path, "orig_path_regexp"), redirect.orig_path_regexp)
        try:
            parse_template(redirect.replace_path, compile_pattern(redirect.orig_path_regexp))
        except ValueError as error:
            yield Finding((*path, "replace_path"), str(error))


def _pattern_length(path: KeyPath, pattern: str) -> Iterator[Finding]:
    if len(pattern.encode()) > LONGEST_PATTERN:
        yield Finding(path, f"is longer than {LONGEST_PATTERN} octets")


def _response_headers(path: KeyPath, fields: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in fields.items():
        if not FIELD_NAME.fullmatch(name):
            yield Finding((*path, name), "is not the name of a header field")
        elif name.lower() in FRAMING:
            yield Finding((*path, name), "is a field that only the server can set")
        if not all(" " <= c <= "~" or "\xa0" <= c <= "\xff" for c in value) or value != value.strip():
            yield Finding(
                (*path, name), "is not the value of a header field: no control characters, no space around it"
            )


# Both


def check_both(static: Static, domains: Domains) -> tuple[list[Finding], list[Finding]]:
    """References from one file to the other: mistakes of moxlite.toml, mistakes of domains.toml."""
    of_static: list[Finding] = []
    accounts = domains.accounts
    for key in ("postmaster", "host_tlsrpt"):
        settings = getattr(static, key)
        if settings is not None and settings.account not in accounts:
            text = f'is not an account of domains.toml: "{settings.account}"'
            of_static.append(
                Finding((key, "account"), text, near(settings.account, accounts), ("accounts", settings.account))
            )
        elif settings is not None and accounts[settings.account].queue_mailbox and is_queue_mailbox(settings.mailbox):
            of_static.append(Finding((key, "mailbox"), IS_QUEUE))
    initial = static.initial_mailboxes
    names = (*initial.regular, *(getattr(initial.special_use, use) for use in initial.special_use.__struct_fields__))
    of_domains = list(_routes(("routes",), domains.routes, static))
    if any(name is not None and is_queue_mailbox(name) for name in names):
        of_domains += [
            Finding(("accounts", name, "queue_mailbox"), "cannot go with a mailbox Queue in initial_mailboxes")
            for name, account in accounts.items()
            if account.queue_mailbox
        ]
    for name, domain in domains.domains.items():
        of_domains += _routes(("domains", name, "routes"), domain.routes, static)
    for name, account in accounts.items():
        of_domains += _routes(("accounts", name, "routes"), account.routes, static)
    listeners = static.listeners.values()
    if not any(listener.mtasts_https.enabled for listener in listeners):
        of_domains += [
            Finding(("domains", name, "mtasts"), "needs a listener with mtasts_https", refers_to=("listeners",))
            for name, domain in domains.domains.items()
            if domain.mtasts is not None
        ]
    if not any(listener.webserver_http.enabled or listener.webserver_https.enabled for listener in listeners):
        of_domains += [
            Finding((key,), "needs a listener with webserver_http or webserver_https", refers_to=("listeners",))
            for key, there in (
                ("web_handlers", domains.web_handlers),
                ("web_domain_redirects", domains.web_domain_redirects),
            )
            if there
        ]
    return of_static, of_domains


def _routes(path: KeyPath, routes: tuple[Route, ...], static: Static) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        if route.transport not in static.transports:
            text = f'is not a transport of moxlite.toml: "{route.transport}"'
            yield Finding(
                (*path, index, "transport"),
                text,
                near(route.transport, static.transports),
                ("transports", route.transport),
            )


# Warnings


def warn_static(static: Static) -> list[Finding]:
    """What is allowed in moxlite.toml but seldom meant."""
    found: list[Finding] = []
    if static.log_level == "tracedata":
        found.append(Finding(("log_level",), "logs passwords and the content of all mail"))
    ports: dict[int, list[tuple[str, bool]]] = {}
    for name, listener in static.listeners.items():
        if listener.admin_https.enabled and any(ip.is_global for ip in (*listener.ips, *listener.nat_ips)):
            found.append(
                Finding(
                    ("listeners", name, "admin_https"),
                    "serves the admin app on public addresses",
                    "an internal listener is safer",
                )
            )
        unspecified = any(ip.is_unspecified for ip in listener.ips)
        for service in (*MAIL_SERVICES, *PLAIN_SERVICES, *TLS_SERVICES, *POLICY_SERVICES):
            settings = getattr(listener, service)
            if settings.enabled and (name, unspecified) not in ports.setdefault(settings.port, []):
                ports[settings.port].append((name, unspecified))
    for port, users in ports.items():
        wide = [name for name, unspecified in users if unspecified]
        if wide and len(users) > 1:
            others = ", ".join(name for name, _ in users if name != wide[0])
            text = f"listens on all addresses, also at port {port} that {others} uses: binding will fail"
            found.append(Finding(("listeners", wide[0], "ips"), text, "give the addresses explicitly"))
    return found


def warn_domains(domains: Domains) -> list[Finding]:
    """What is allowed in domains.toml but seldom meant."""
    return [
        Finding(("accounts", name), "has no destinations: it gets no mail, and nobody can log in")
        for name, account in domains.accounts.items()
        if not account.destinations
    ]
