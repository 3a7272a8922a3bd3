"""Cross checks of both files: mistakes that the type of a single value cannot show (ADMIN-9), and warnings (ADMIN-10).

Each function returns findings with paths into one of the two files. Checks that need other files (keys, certificates)
are in the process package (`configtest`). Checks within one listener, domain, account or web handler are in the modules
of these names.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from moxlite.config.checks.accounts import IS_QUEUE, account_findings, is_queue_mailbox, old_patterns
from moxlite.config.checks.addresses import (
    alias_findings,
    destination_findings,
    domain_findings,
    domain_name_problem,
    login_findings,
    report_owners,
)
from moxlite.config.checks.listeners import (
    backup_findings,
    challenge_findings,
    handler_findings,
    listener_findings,
    standby_findings,
)
from moxlite.config.domains import DomainConfig, Domains, Route
from moxlite.config.listeners import enabled_services
from moxlite.config.static import Static, Updates
from moxlite.config.toml.decode import KeyPath, Mistake, near, warning
from moxlite.config.transports import SocksTransport, Transport
from moxlite.config.values import LONGEST_MAILBOX
from moxlite.normal import is_visible
from moxlite.proto.address import Domain

METHODS: Final = ("submissions", "submission", "smtp", "socks", "direct", "fail")
LOWEST_MESSAGE_LIMIT: Final = 1_000
"""Lowest `message_limit` and `save_limit` (RFC 9738 §3): with a lower one, clients would need too many commands."""

KEY_OCTETS: Final = 32
"""Octets of an Ed25519 public key (RFC 8032 §5.1.5)."""


# moxlite.toml


def check_static(static: Static) -> list[Mistake]:
    """Mistakes within moxlite.toml."""
    findings: list[Mistake] = []
    if not static.listeners:
        findings.append(
            Mistake(
                ("listeners",), "must have at least one listener", 'for example, [listeners.public] with ips = ["…"]'
            )
        )
    findings += _numeric(("hostname",), static.hostname)
    for name, listener in static.listeners.items():
        if listener.hostname is not None:
            findings += _numeric(("listeners", name, "hostname"), listener.hostname)
        findings += listener_findings(("listeners", name), listener, static)
    findings += challenge_findings(static)
    for name, transport in static.transports.items():
        if name.startswith("link:"):
            hint = "choose another name; this prefix is reserved for linked accounts"
            findings.append(Mistake(("transports", name), 'can\'t start with "link:"', hint))
        findings += _transport(("transports", name), transport)
    findings += _initial_mailboxes(static)
    if static.host_tlsrpt is not None and not static.host_tlsrpt.localpart.isascii():
        findings.append(Mistake(("host_tlsrpt", "localpart"), "must be ASCII"))
    findings += _queue(static)
    findings += _imap(static)
    findings += backup_findings(static)
    findings += standby_findings(static)
    findings += _updates(static)
    findings += _oidc(static)
    if static.tls is not None and static.tls.ca is not None and not static.tls.ca.cert_files:
        findings.append(Mistake(("tls", "ca", "cert_files"), "must list at least one file"))
    return findings


def _numeric(path: KeyPath, domain: Domain) -> Iterator[Mistake]:
    """A domain that isn't one, but an address."""
    if domain.is_numeric:
        yield Mistake(path, "can't end with a number, because it would look like an IP address")


def _queue(static: Static) -> Iterator[Mistake]:
    if static.queue.max_attempts < 1:
        yield Mistake(("queue", "max_attempts"), "must be at least 1")
    if not static.queue.retry_delays:
        yield Mistake(("queue", "retry_delays"), "must have at least one delay")
    if static.queue.max_concurrent_deliveries < 1:
        yield Mistake(("queue", "max_concurrent_deliveries"), "must be at least 1")
    if not 1 <= static.queue.guard.failed_share <= 100:
        yield Mistake(("queue", "guard", "failed_share"), "must be between 1 and 100")


def _imap(static: Static) -> Iterator[Mistake]:
    lowest = LOWEST_MESSAGE_LIMIT
    if 0 < static.imap.message_limit < lowest:
        yield Mistake(("imap", "message_limit"), f"must be 0 or at least {lowest}")
    if 0 < static.imap.save_limit < max(lowest, static.imap.message_limit):
        yield Mistake(("imap", "save_limit"), f"must be 0, or at least {lowest} and no less than message_limit")


def _updates(static: Static) -> Iterator[Mistake]:
    if static.updates is not None:
        yield from check_source(static.updates)
    elif static.check_updates:
        hint = "set domain, changelog_url, and public_key to your package source's values; this build doesn't have them"
        yield Mistake(("check_updates",), "requires an [updates] table", hint)


def check_source(updates: Updates) -> Iterator[Mistake]:
    """Check the keys that sign changes."""
    for name, key in (("public_key", updates.public_key), ("next_public_key", updates.next_public_key)):
        if key is None:
            continue
        try:
            octets = len(base64.b64decode(key, validate=True))
        except ValueError:  # also for letters that aren't ASCII
            octets = 0
        if octets != KEY_OCTETS:
            yield Mistake(("updates", name), f"must be a {KEY_OCTETS}-byte key in base64")


SHORTEST_PAUSE: Final = 86_400.0
"""Seconds: a web session lasts a day, and its user isn't asked to log in meanwhile."""


def _oidc(static: Static) -> Iterator[Mistake]:
    if static.oidc is None:
        return
    if not static.oidc.issuer.startswith("https://") and not static.oidc.allow_internal:
        yield Mistake(("oidc", "issuer"), "must start with https://", "http is only allowed if `allow_internal` is set")
    if static.oidc.pause_app_passwords is not None and static.oidc.pause_app_passwords < SHORTEST_PAUSE:
        yield Mistake(("oidc", "pause_app_passwords"), "must be at least 1 day")
    words: dict[KeyPath, str | None] = {
        ("oidc", name): getattr(static.oidc, name) for name in ("client_id", "name", "admin_group")
    }
    words |= {("oidc", "shared_mailboxes", name): group for name, group in static.oidc.shared_mailboxes.items()}
    for path, word in words.items():
        if word is not None and not (word.strip() and is_visible(word)):
            yield Mistake(path, "can't be blank or contain control characters")


def _transport(path: KeyPath, transport: Transport) -> Iterator[Mistake]:
    methods = [name for name in METHODS if getattr(transport, name) is not None]
    if len(methods) > 1:
        yield Mistake((*path, methods[1]), f"can't be combined with {methods[0]}", "transports can only use one method")
    if transport.submissions is not None and (
        transport.submissions.no_starttls or transport.submissions.starttls_insecure_skip_verify
    ):
        yield Mistake((*path, "submissions"), "can't combine STARTTLS settings with implicit TLS")
    for name in ("submissions", "submission", "smtp"):
        relay = getattr(transport, name)
        if relay is not None and relay.auth is not None:
            yield from _mechanisms((*path, name, "auth", "mechanisms"), relay.auth.mechanisms)
    if transport.direct is not None and transport.direct.disable_ipv4 and transport.direct.disable_ipv6:
        yield Mistake((*path, "direct"), "can't disable both IPv4 and IPv6")
    if transport.socks is not None:
        yield from _socks((*path, "socks"), transport.socks)
    if transport.fail is not None and not 400 <= transport.fail.smtp_code <= 599:
        yield Mistake((*path, "fail", "smtp_code"), "must be between 400 and 599")


def _mechanisms(path: KeyPath, mechanisms: Sequence[str]) -> Iterator[Mistake]:
    if not mechanisms:
        yield Mistake(path, "must have at least one mechanism")
    if len(set(mechanisms)) < len(mechanisms):
        yield Mistake(path, "lists the same value twice")


def _socks(path: KeyPath, socks: SocksTransport) -> Iterator[Mistake]:
    host, colon, port = socks.address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        yield Mistake((*path, "address"), "must be HOST:PORT")
    if not socks.remote_ips:
        yield Mistake((*path, "remote_ips"), "must have at least one address")


def _initial_mailboxes(static: Static) -> Iterator[Mistake]:
    uses = static.initial_mailboxes.special_use
    path: KeyPath = ("initial_mailboxes",)
    seen: set[str] = set()
    names = [((*path, "special_use", field), getattr(uses, field)) for field in uses.__struct_fields__]
    names += [((*path, "regular", index), name) for index, name in enumerate(static.initial_mailboxes.regular)]
    for where, name in names:
        if not name:
            continue
        if name.casefold() == "inbox":
            yield Mistake(where, "can't be Inbox because every account has one")
        elif "/" in name:
            yield Mistake(where, "must be a top-level mailbox")
        elif len(name.encode()) > LONGEST_MAILBOX:
            yield Mistake(where, "is too long")
        elif name in seen:
            yield Mistake(where, f'"{name}" is listed twice')
        seen.add(name)


# domains.toml


def check_domains(domains: Domains) -> list[Mistake]:
    """Mistakes within domains.toml."""
    findings: list[Mistake] = []
    known: dict[str, DomainConfig] = {}
    for name, settings in domains.domains.items():
        problem = domain_name_problem(("domains", name), name)
        if problem is not None:
            findings.append(problem)
            continue
        findings += _numeric(("domains", name), Domain.parse(name))
        known[name] = settings
        findings += domain_findings(("domains", name), settings, domains)
    taken = report_owners(domains, known)
    for name, account in domains.accounts.items():
        findings += account_findings(name, account, known)
        findings += destination_findings(name, account, known, taken)
    findings += alias_findings(known, taken)
    findings += login_findings(domains, taken)
    for index, handler in enumerate(domains.web_handlers):
        findings += handler_findings(("web_handlers", index), handler)
    for name, target in domains.web_domain_redirects.items():
        for value in (name, target):
            problem = domain_name_problem(("web_domain_redirects", name), value)
            if problem is not None:
                findings.append(problem)
        if name == target:
            findings.append(Mistake(("web_domain_redirects", name), "can't redirect to itself"))
    return findings


# Both


def check_both(static: Static, domains: Domains) -> tuple[list[Mistake], list[Mistake]]:
    """References from one file to the other: mistakes of moxlite.toml, mistakes of domains.toml."""
    of_static: list[Mistake] = []
    accounts = domains.accounts
    for key in ("postmaster", "host_tlsrpt"):
        settings = getattr(static, key)
        if settings is not None and settings.account not in accounts:
            text = f'account "{settings.account}" isn\'t in domains.toml'
            of_static.append(
                Mistake((key, "account"), text, near(settings.account, accounts), ("accounts", settings.account))
            )
        elif settings is not None and accounts[settings.account].queue_mailbox and is_queue_mailbox(settings.mailbox):
            of_static.append(Mistake((key, "mailbox"), IS_QUEUE))
    trusted = static.oidc.trust_addresses if static.oidc else ()
    of_static += _trusted(trusted, domains)
    of_static += _shared_mailboxes(static.oidc.shared_mailboxes if static.oidc else (), domains)
    initial = static.initial_mailboxes
    names = (*initial.regular, *(getattr(initial.special_use, use) for use in initial.special_use.__struct_fields__))
    of_domains = list(_routes(("routes",), domains.routes, static))
    if any(name is not None and is_queue_mailbox(name) for name in names):
        of_domains += [
            Mistake(
                ("accounts", name, "queue_mailbox"),
                "can't be combined with a mailbox named Outgoing in initial_mailboxes",
            )
            for name, account in accounts.items()
            if account.queue_mailbox
        ]
    of_domains += [
        Mistake(("domains", name, "new_accounts"), "requires this domain in trust_addresses of [oidc]")
        for name, domain in domains.domains.items()
        if domain.new_accounts is not None and name not in {domain.unicode for domain in trusted}
    ]
    for name, domain in domains.domains.items():
        of_domains += _routes(("domains", name, "routes"), domain.routes, static)
        of_domains += _peer(("domains", name, "peer"), domain.peer, static)
    for name, account in accounts.items():
        of_domains += _routes(("accounts", name, "routes"), account.routes, static)
    listeners = static.listeners.values()
    if not any(listener.mtasts_https.enabled for listener in listeners):
        of_domains += [
            Mistake(("domains", name, "mtasts"), "requires a listener with mtasts_https", refers_to=("listeners",))
            for name, domain in domains.domains.items()
            if domain.mtasts is not None
        ]
    if not any(listener.webserver_http.enabled or listener.webserver_https.enabled for listener in listeners):
        of_domains += [
            Mistake((key,), "requires a listener with webserver_http or webserver_https", refers_to=("listeners",))
            for key, there in (
                ("web_handlers", domains.web_handlers),
                ("web_domain_redirects", domains.web_domain_redirects),
            )
            if there
        ]
    return of_static, of_domains


def _trusted(trusted: Iterable[Domain], domains: Domains) -> Iterator[Mistake]:
    """Domains whose addresses the provider of log-ins proves, that aren't here."""
    for index, domain in enumerate(trusted):
        if domain.unicode not in domains.domains:
            text = f'isn\'t a domain in domains.toml: "{domain.unicode}"'
            hint = near(domain.unicode, domains.domains)
            yield Mistake(("oidc", "trust_addresses", index), text, hint, ("domains", domain.unicode))


def _shared_mailboxes(accounts: Iterable[str], domains: Domains) -> Iterator[Mistake]:
    """Accounts that groups of the login provider get, and that aren't for that."""
    for name in accounts:
        path, account = ("oidc", "shared_mailboxes", name), domains.accounts.get(name)
        if account is None:
            text = f'account "{name}" isn\'t in domains.toml'
            yield Mistake(path, text, near(name, domains.accounts), ("accounts", name))
        elif not account.login_disabled:
            # A mistake here would hand a user's mail to a group.
            hint = f'run: moxlite config account disable {name} "This mailbox is shared."'
            yield Mistake(
                path, "can't be used as a shared mailbox because users can log in to it", hint, ("accounts", name)
            )


MAX_PEERS: Final = 5
"""Hosts of the server from which a domain moves; each may take half a minute when it is silent."""


def _peer(path: KeyPath, hosts: tuple[str, ...], static: Static) -> Iterator[Mistake]:
    if len(hosts) > MAX_PEERS:
        yield Mistake(path, f"can have up to {MAX_PEERS} hosts")
    own = {static.hostname, *(listener.hostname for listener in static.listeners.values())}
    names = {domain.unicode for domain in own if domain is not None}
    for index, host in enumerate(hosts):
        if host in names:
            hint = "enter the other server's address, if it had this name"
            yield Mistake((*path, index), f"can't be this server's own name, \"{host}\"", hint)


def _routes(path: KeyPath, routes: tuple[Route, ...], static: Static) -> Iterator[Mistake]:
    for index, route in enumerate(routes):
        if route.transport not in static.transports:
            text = f'transport "{route.transport}" isn\'t in moxlite.toml'
            yield Mistake(
                (*path, index, "transport"),
                text,
                near(route.transport, static.transports),
                ("transports", route.transport),
            )


# Warnings


def warn_static(static: Static) -> list[Mistake]:
    """Settings of moxlite.toml that are valid but rarely intended."""
    findings: list[Mistake] = []
    if static.log_level == "tracedata":
        findings.append(warning(("log_level",), "logs passwords and the content of every message"))
    findings += small_size(("quota_message_size",), static.quota_message_size)
    findings += small_size(("imap", "append_limit"), static.imap.append_limit)
    findings += small_size(("store", "import_max_size"), static.store.import_max_size)
    ports: dict[int, list[tuple[str, bool]]] = {}
    for name, listener in static.listeners.items():
        if listener.admin_https.enabled and any(ip.is_global for ip in (*listener.ips, *listener.nat_ips)):
            findings.append(
                warning(
                    ("listeners", name, "admin_https"),
                    "serves the admin app on public addresses",
                    "use an internal listener instead",
                )
            )
        findings += small_size(("listeners", name, "max_message_size"), listener.max_message_size)
        unspecified = any(ip.is_unspecified for ip in listener.ips)
        for _, _, port in enabled_services(listener):
            if (name, unspecified) not in ports.setdefault(port, []):
                ports[port].append((name, unspecified))
    for port, users in ports.items():
        wide = [name for name, unspecified in users if unspecified]
        if wide and len(users) > 1:
            others = ", ".join(name for name, _ in users if name != wide[0])
            text = f"listens on all addresses, including port {port}, which {others} already uses"
            findings.append(warning(("listeners", wide[0], "ips"), text, "list the addresses explicitly"))
    return findings


CHANGED_ON_THE_WAY: Final = frozenset({"dkim-signature", "received", "return-path"})
"""Header fields that no signature should cover (AUTH-43, RFC 6376 §5.4)."""


LEAST_SIZE: Final = 64_000
"""Octets of a limit below which hardly a message fits, and a unit was forgotten: a server must take messages of 64 KB
(RFC 5321 §4.5.3.1.7).
"""


def small_size(path: KeyPath, size: int | None) -> list[Mistake]:
    """A warning about a limit for mail in which no mail fits; 0 and None limit nothing."""
    if not 0 < (size or 0) < LEAST_SIZE:
        return []
    return [warning(path, "is too small for mail", 'for a unit, use a text like "5g"')]


def warn_domains(domains: Domains) -> list[Mistake]:
    """Settings of domains.toml that are valid but rarely intended."""
    findings = [
        warning(("accounts", name), "doesn't have any addresses, so it can't receive mail or log in")
        for name, account in domains.accounts.items()
        if not account.destinations
    ]
    findings += [
        warning(
            ("accounts", name, "from_id_login_addresses"),
            "doesn't affect delivery notifications because they're matched with finished messages, which aren't kept",
            'add keep_retired_message_period = "168h"',
        )
        for name, account in domains.accounts.items()
        if account.from_id_login_addresses and not account.keep_retired_message_period
    ]
    for name, account in domains.accounts.items():
        findings += small_size(("accounts", name, "quota_message_size"), account.quota_message_size)
        findings += [warning(("accounts", name, *path), text) for path, text in old_patterns(account)]
    for domain, settings in domains.domains.items():
        for name, selector in settings.dkim.selectors.items():
            for key in ("headers", "unsealed_headers"):
                findings += [
                    warning(
                        ("domains", domain, "dkim", "selectors", name, key),
                        f"includes {header}, which relaying servers add or change, so signatures will break",
                    )
                    for header in getattr(selector, key)
                    if header.lower() in CHANGED_ON_THE_WAY
                ]
    return findings
