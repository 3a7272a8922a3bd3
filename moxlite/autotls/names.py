"""The names that get certificates of a CA (WEB-114), and whether DNS points them here (WEB-119)."""

from collections.abc import Iterable, Iterator

import msgspec

from moxlite.config.domains import DomainConfig
from moxlite.config.listeners import Listener
from moxlite.config.snapshot import Snapshot
from moxlite.findings import Finding, address_cause
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.proto.address import Domain


def listeners_of(snapshot: Snapshot, authority: str) -> dict[str, Listener]:
    """The listeners whose certificates come from ``[acme.NAME]``."""
    return {
        name: listener
        for name, listener in snapshot.static.listeners.items()
        if listener.tls is not None and listener.tls.acme == authority
    }


def wanted_names(snapshot: Snapshot, authority: str) -> tuple[str, ...]:
    """The names that get a certificate, as A-labels. Names that mail programs and servers connect to come first:
    hostnames of listeners, then client settings. None without a listener that uses them.

    Left out: domains that are disabled or only receive reports, and names that no public CA certifies (without a dot).
    """
    listeners = listeners_of(snapshot, authority)
    if not listeners:
        return ()
    names = [snapshot.hostname(name).ascii for name in listeners]
    domains = list(_served(snapshot))
    names += [host.ascii for _, domain_config in domains for host in domain_config.client_hosts]
    names += _for_settings(domains, listeners.values())
    if any(listener.webserver_https.enabled for listener in listeners.values()):
        names += [*snapshot.derived.web_rules, *snapshot.derived.web_redirects]
    return tuple(dict.fromkeys(name for name in names if "." in name and not name.endswith(".localhost")))


def _served(snapshot: Snapshot) -> Iterator[tuple[str, DomainConfig]]:
    """Domains that are neither disabled nor for reports only, as A-labels."""
    for text, settings in snapshot.domains.domains.items():
        domain = Domain.parse(text).ascii
        if not settings.disabled and domain not in snapshot.derived.reports_only:
            yield domain, settings


def _for_settings(domains: Iterable[tuple[str, DomainConfig]], listeners: Iterable[Listener]) -> Iterator[str]:
    """Host names where other servers find the MTA-STS policy, and mail programs their settings."""
    listeners = tuple(listeners)
    autoconfig = any(
        listener.autoconfig_https.enabled and not listener.autoconfig_https.non_tls for listener in listeners
    )
    policies = any(listener.mtasts_https.enabled and not listener.mtasts_https.non_tls for listener in listeners)
    for domain, settings in domains:
        if policies and settings.mtasts is not None:
            yield f"mta-sts.{domain}"
        if autoconfig:
            yield from (f"autoconfig.{domain}", f"autodiscover.{domain}", f"ua-auto-config.{domain}")


def order_finding(snapshot: Snapshot, host: str, text: str, *, astray: bool = False) -> Finding:
    """A certificate that can't be had. astray: because DNS doesn't point the name here."""
    commands = ["journalctl -u moxlite | grep autotls"]
    if domain := domain_of(snapshot, host):
        commands.append(f"moxlite config dnscheck {domain}")
    cause = address_cause(host) if astray else _cause(host, text)
    return Finding(
        grade="error", code="certificate-order", about=host, text=text, commands=tuple(commands), cause=cause
    )


def no_certificate(snapshot: Snapshot, host: str, why: str, *, astray: bool = False) -> Finding:
    """A name that has no certificate yet: why its order failed, or "" while it is under way. astray: as above."""
    if why:
        return order_finding(snapshot, host, f"no certificate for {host}: {why}", astray=astray)
    text = f"couldn't check TLS: still waiting for a certificate for {host}; try again in a few minutes"
    return Finding(grade="note", code="not-checked", about=host, text=text, cause=_cause(host, text))


def _cause(host: str, text: str) -> str:
    """The cause of a missing certificate: the same reason, whatever the name."""
    return f"certificate {text.replace(host, '')}"


def domain_of(snapshot: Snapshot, host: str) -> str:
    """The domain whose records have a host: the one that it is in, or else the first; "" without any."""
    domains = [Domain.parse(text).ascii for text in snapshot.domains.domains]
    within = [domain for domain in domains if f".{host}".endswith(f".{domain}")]
    return max(within, key=len, default=next(iter(domains), ""))


def own_ips(snapshot: Snapshot, authority: str) -> frozenset[IPAddress] | None:
    """The addresses at which a CA reaches us; None if unknown (NAT, or listeners on all addresses)."""
    found: set[IPAddress] = set()
    for listener in listeners_of(snapshot, authority).values():
        if listener.ips_natted or (not listener.nat_ips and any(ip.is_unspecified for ip in listener.ips)):
            return None
        found.update(listener.nat_ips or listener.ips)
    return frozenset(found)


class NameCheck(msgspec.Struct, frozen=True):
    """Result of looking a name up. order: a CA can reach this server by it. words: the problem, or "". ips: all
    addresses of the name, sorted.
    """

    order: bool
    words: str
    ips: tuple[str, ...] = ()


async def check_dns(name: str, resolver: Resolver, own: frozenset[IPAddress] | None) -> NameCheck:
    """Look up whether DNS points a name here. Does not raise."""
    try:
        answer = await resolver.ips(absolute(name))
    except NotFound:
        return NameCheck(False, f"{name} doesn't have an address in DNS")
    except DNSError as error:
        return NameCheck(False, f"couldn't look up {name}: {error}")
    ips = tuple(sorted(map(str, answer.records)))
    others = sorted(str(ip) for ip in answer.records if own is not None and ip not in own)
    if len(others) == len(answer.records):
        return NameCheck(False, f"{name} points to {', '.join(others)}, where this server doesn't listen", ips)
    words = f"{name} also points to {', '.join(others)}, where this server doesn't listen" if others else ""
    return NameCheck(True, words, ips)
