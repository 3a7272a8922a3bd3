"""Facts about this machine from DNS and other hosts, gathered before anything is written (ADMIN-26..29)."""

import datetime as dt
import socket
from collections.abc import Sequence
from typing import Final

import msgspec
import trio

from moxlite.admin.quickstart.listeners import InterfaceAddress
from moxlite.mailauth.dnsbl import DNSBLStatus, check as check_list
from moxlite.mailauth.dnssec import Verifies, check_resolver
from moxlite.net.dial import DialError, dial
from moxlite.net.dnssec.resolver import validating
from moxlite.net.httpclient import HTTPClient
from moxlite.net.limits import IPAddress
from moxlite.net.rdap import NotRegistered, RDAPError, registered
from moxlite.net.resolver import DNSError, NotFound, Resolver
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.publicsuffix import organizational_domain

SECONDS: Final = 10.0
"""Seconds for all look-ups together, and seconds for the connections to port 25."""

TARGETS: Final = ("gmail.com", "outlook.com")
"""Domains whose mail hosts are tried: a single one may be down, or may refuse us."""

YOUNG: Final = dt.timedelta(weeks=6)
"""Age of a domain below which a warning is given: most junk comes from young domains, and large receivers distrust
them.
"""

BLOCKED: Final = "can't connect to port 25 on other servers"
"""How the warning begins."""

LISTS: Final = ("sbl.spamhaus.org", "bl.spamcop.net")


class Environment(msgspec.Struct, frozen=True):
    """Results of `look_around`. ``host_ips``: addresses of the hostname by DNS. ``signed``: DNSSEC verifies them.
    ``unnamed``: addresses without its name as their only reverse name. ``asked``: DNS answers.
    """

    host_ips: tuple[IPAddress, ...] = ()
    signed: bool = False
    warnings: tuple[str, ...] = ()
    unnamed: tuple[IPAddress, ...] = ()
    asked: bool = False


async def find_hostname(
    resolver: Resolver, machine: Sequence[InterfaceAddress], domain: Domain
) -> tuple[Domain, list[str]]:
    """The full name of this machine, and warnings. The name comes from the system, else from the reverse names of its
    addresses, else it is "mx" in the domain. Outside the domain, such a name is only a guess of the provider.
    """
    label = socket.gethostname().strip(".").lower()
    if "." in label and (found := _domain(label)) is not None and _is_within(found, domain):
        return found, []
    names: dict[str, None] = {}
    with trio.move_on_after(SECONDS):
        for interface_address in machine:
            if interface_address.ip.is_global:
                try:
                    names |= dict.fromkeys(
                        name.rstrip(".") for name in (await resolver.ptr(interface_address.ip)).records[:5]
                    )
                except DNSError:
                    continue
    hosts = [host for name in names if (host := _domain(name)) is not None and _is_within(host, domain)]
    if hosts:
        several = [
            f"this machine's addresses have more than one name; using {hosts[0]} (to change this, use --hostname)"
        ]
        return hosts[0], several if len(hosts) > 1 else []
    made = Domain.parse(f"mx.{domain.ascii}")
    return made, [f"this machine doesn't have a name in {domain}; using {made} (to change this, use --hostname)"]


def _is_within(host: Domain, domain: Domain) -> bool:
    return host == domain or host.ascii.endswith(f".{domain.ascii}")


def _domain(text: str) -> Domain | None:
    try:
        domain = Domain.parse(text, strict=True)
    except AddressError:
        return None
    return domain if "." in domain.ascii and not domain.ascii.endswith((".localdomain", ".local", ".lan")) else None


async def look_around(resolver: Resolver, hostname: Domain) -> Environment:
    """Ask DNS about DNSSEC and the hostname. Each failure becomes a warning."""
    warnings: list[str] = []
    found: tuple[IPAddress, ...] = ()
    unnamed: list[IPAddress] = []
    signed = False
    late = True
    with trio.move_on_after(SECONDS):
        verifies = await check_resolver(resolver)
        if verifies.problem and verifies.status is not Verifies.UNVERIFIED:  # without DNSSEC mail works, too
            warnings.append(verifies.problem)
        try:
            answer = await validating(resolver).ips(f"{hostname.ascii}.")
            found, signed = answer.records, answer.authentic
        except NotFound as error:
            signed = error.authentic
        except DNSError as error:
            warnings.append(f"couldn't look up {hostname}: {error}")
        for ip in found:
            if ip.is_loopback:
                warnings.append(
                    f"{hostname} resolves to {ip}; check /etc/hosts for a line like `{ip} {hostname}`, and check DNS"
                )
            elif ip.is_global and not await _is_named(resolver, ip, hostname, warnings):
                unnamed.append(ip)
        late = False
    if late:
        warnings.append(f"DNS lookups timed out after {SECONDS:.0f} s")
    return Environment(found, signed, tuple(warnings), tuple(unnamed), asked=True)


async def _is_named(resolver: Resolver, ip: IPAddress, hostname: Domain, warnings: list[str]) -> bool:
    """Whether an address has the hostname as its reverse name, or that is not known."""
    try:
        names = [name.rstrip(".").lower() for name in (await resolver.ptr(ip)).records]
    except NotFound:
        warnings.append(
            f"no reverse DNS name found for {ip}; ask your provider to set {hostname}, because many servers require it"
        )
        return False
    except DNSError as error:
        warnings.append(f"couldn't look up the reverse DNS name for {ip}: {error}")
        return True
    if names != [hostname.ascii]:
        warnings.append(f"the reverse DNS name for {ip} is {', '.join(names[:3])}; ask your provider to set {hostname}")
        return False
    return True


async def try_targets(resolver: Resolver) -> tuple[str, str]:
    """Try port 25 of other servers. Returns why it seems to be blocked, and why that is unknown; each "" if it is not
    so.
    """
    reached: list[str] = []
    blocked: list[str] = []

    async def reach(domain: str) -> None:
        try:
            host = min((await resolver.mx(f"{domain}.")).records).host
            addresses = (await resolver.ips(host)).records
        except DNSError:
            return
        try:
            dialed = await dial(addresses[:2], 25, inside=False, seconds=SECONDS)
        except DialError as error:
            blocked.append(f"{host} ({error})")
            return
        reached.append(host)
        await trio.aclose_forcefully(dialed.stream)

    with trio.move_on_after(2 * SECONDS):
        async with trio.open_nursery() as nursery:
            for target in TARGETS:
                nursery.start_soon(reach, target)
    if reached:
        return "", ""
    if blocked:
        text = (
            f"{BLOCKED}: {'; '.join(blocked)}. Many providers unblock this port on request. "
            "Otherwise, use a smarthost to send mail (moxlite config example transport)"
        )
        return text, ""
    return "", f"couldn't check outgoing connections to port 25: {', '.join(TARGETS)} not found in DNS"


async def try_port_25(resolver: Resolver, ips: Sequence[IPAddress]) -> list[str]:
    """Warnings about outgoing mail: port 25 is blocked, or block lists have our addresses."""
    warnings: list[str] = []

    async def targets() -> None:
        warnings.extend(filter(None, await try_targets(resolver)))

    async def listed(zone: str, ip: IPAddress) -> None:
        result = await check_list(resolver, zone, ip)  # 127.255.255.0/24 says nothing about the address
        if result.status == DNSBLStatus.FAIL:
            warnings.append(f"{ip} is on the block list {zone}: {result.explanation}".rstrip(": "))

    with trio.move_on_after(2 * SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(targets)
            for ip in ips:
                for zone in LISTS:
                    if ip.is_global:
                        nursery.start_soon(listed, zone, ip)
    return warnings


async def ask_registry(http: HTTPClient, domain: Domain, server: str = "") -> list[str]:
    """Ask a registry whether it knows the organizational domain, and since when; at most one warning. A registry that
    does not respond, or has no RDAP, gives no warning.

    Args:
      server: as in `moxlite.net.rdap.registered`.
    """
    owned = Domain.parse(organizational_domain(domain.ascii))
    with trio.move_on_after(SECONDS):
        try:
            age = dt.datetime.now(dt.UTC) - await registered(http, owned, server)
        except NotRegistered:
            return [f"{owned} isn't registered, so it can't receive mail yet"]
        except RDAPError:
            return []
        if age < YOUNG:
            since = f"{owned} was registered {max(age.days, 0)} days ago"
            return [f"{since}; many receivers treat mail from new domains as junk, so start with a few messages"]
    return []
