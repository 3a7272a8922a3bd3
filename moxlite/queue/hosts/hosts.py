"""Look-up of the hosts for direct delivery: from the recipient's domain over CNAMEs and MX records to addresses
(QUEUE-40..47, QUEUE-152, QUEUE-153).
"""

import logging
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from random import Random
from typing import Final, Literal

import msgspec
import trio

from moxlite.mailauth import iprev
from moxlite.mailauth.results import IPRevStatus
from moxlite.metrics import Gauge
from moxlite.net.addresses import is_address_text, is_internal
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import (
    MX,
    Answer,
    DNSError,
    NotFound,
    PermError,
    Resolver,
    TempError,
    TooManyAliases,
    absolute,
)
from moxlite.proto.address import AddressError, Domain, is_local_name
from moxlite.proto.smtp.errors import SMTPError

logger = logging.getLogger("moxlite.queue.hosts.hosts")

LOOKUP_SECONDS: Final = 30.0
"""Seconds for each look-up (QUEUE-41)."""

MAX_HOST_CNAMES: Final = 10
"""Maximum length of a host's CNAME chain (QUEUE-46)."""

MAX_HOSTS: Final = 20
MAX_ADDRESSES: Final = 10
"""Addresses tried per attempt (QUEUE-153)."""


class NoHosts(SMTPError):
    """The domain has no host to deliver to, or the look-up in DNS failed."""

    def __init__(self, text: str, *, permanent: bool = False, code: int = 0, ecode: str = "") -> None:
        super().__init__(permanent, code, ecode, "mx", text)


class Hosts(msgspec.Struct, frozen=True):
    """Names of hosts in the order to try them (A-labels, without final dot).

    ``authentic``: DNSSEC vouches for the whole way from the domain to these names. ``implicit``: there is no MX record,
    the domain itself is the host. ``expanded``: target of the domain's CNAMEs.
    """

    names: tuple[str, ...]
    authentic: bool
    implicit: bool = False
    expanded: str = ""


class Addresses(msgspec.Struct, frozen=True):
    """Addresses of a host in the order to try them.

    ``answer``: the answer of DNS, which may hold further addresses; None without a look-up.
    """

    ips: tuple[IPAddress, ...]
    answer: Answer[IPAddress] | None = None


async def hosts_of(
    domain: Domain,
    resolver: Resolver,
    random: Random,
    own_names: frozenset[str] = frozenset(),
    *,
    allow_private: bool = False,
) -> Hosts:
    """Look up the hosts that take mail for a domain.

    Args:
      domain: of the recipient; not one of ours.
      resolver: asked for MX; it follows the CNAMEs on the way (QUEUE-41).
      random: orders hosts of equal preference (RFC 5321 §5.1).
      own_names: names of this server; a host among them ends the list, or mail would go round in circles (QUEUE-44).
      allow_private: take names of inner networks too, but for ``localhost`` (QUEUE-152).

    Raises NoHosts.
    """
    try:
        with trio.fail_after(LOOKUP_SECONDS):
            answer = await resolver.mx(absolute(domain.ascii))
    except NotFound as exc:
        expanded = exc.name.rstrip(".")
        return Hosts((expanded,), exc.authentic, implicit=True, expanded=expanded)
    except (TempError, PermError, trio.TooSlowError) as exc:
        ecode = "4.4.6" if isinstance(exc, TooManyAliases) else "4.4.3"
        raise NoHosts(f"MX lookup for {domain} failed: {_why(domain.ascii, exc)}", ecode=ecode) from exc
    if len(answer.records) == 1 and answer.records[0].host == ".":
        raise NoHosts(f"{domain} doesn't accept mail", permanent=True, code=556, ecode="5.1.10")  # RFC 7505 §3
    names = _order(answer.records, random, allow_private=allow_private)
    usable: list[str] = []
    for host in names:
        if host in own_names:
            # Less preferred hosts are dropped as well: they would hand the message to the more preferred ones, that is,
            # to us (RFC 5321 §5.1).
            if not usable:
                raise NoHosts(f"mail for {domain} would loop back to this server", permanent=True, ecode="5.4.6")
            break
        usable.append(host)
    if not usable:
        raise NoHosts(f"{domain} doesn't have a valid MX host", ecode="4.4.4")
    return Hosts(tuple(usable[:MAX_HOSTS]), answer.authentic, expanded=answer.name.rstrip("."))


def _why(name: str, exc: DNSError | trio.TooSlowError) -> str:
    """The reason for the sender, who reads it in bounces and the Outbox; the log has what the DNS server did."""
    if isinstance(exc, trio.TooSlowError):
        return "timeout"
    logger.info("DNS lookup failed", extra={"kv": {"host": name, "err": str(exc)}})
    return exc.outside


def _order(records: Sequence[MX], random: Random, *, allow_private: bool) -> list[str]:
    """Valid host names by preference, shuffled among equals, each once. Names that cannot be a host on the internet are
    skipped; delivery goes on with the others (RFC 5321 §5.1).
    """
    shuffled = sorted(records, key=lambda record: (record.preference, random.random()))
    names: dict[str, None] = {}
    for record in shuffled:
        problem = ""
        try:
            name = Domain.parse(record.host.rstrip(".")).ascii
            problem = _problem(name, allow_private=allow_private)
        except AddressError:
            problem = "not a valid name"
        if problem:
            logger.info("skipped MX host", extra={"kv": {"host": record.host, "err": problem}})
        else:
            names[name] = None
    return list(names)


def _problem(name: str, *, allow_private: bool) -> str:
    """Why a name from foreign DNS is not looked up as a host; "" for a good name (QUEUE-152)."""
    if is_address_text(name):
        return "an IP address, not a name"
    if f".{name}".endswith((".localhost", ".localdomain")) or (not allow_private and is_local_name(name)):
        return "a name for this machine or its network"
    return ""


async def addresses_of(
    host: str,
    resolver: Resolver,
    random: Random,
    *,
    family: Literal[4, 6] | None = None,
    dialed: Sequence[str] = (),
    allow_private: bool = False,
    configured: bool = False,
    implicit: bool = False,
    avoid_ipv6: bool = False,
) -> Addresses:
    """Look up the addresses of a host, in the order to try them.

    Args:
      host: name without final dot; where it is `configured` also an IP address or ``localhost`` (RFC 6761 §6.3),
        neither of which is looked up.
      family: only addresses of this family (transport `direct`).
      dialed: those connected to in earlier attempts, the latest last (QUEUE-47).
      allow_private: take private networks and loopback too (QUEUE-152).
      configured: the host is a smarthost or proxy named in the configuration; any address is allowed.
      implicit: there is no MX record; a domain without addresses then takes no mail at all, which is final.
      avoid_ipv6: leave out IPv6 addresses of a host that has others.

    Raises NoHosts.
    """
    if configured and (known := _known(host)) is not None:
        return Addresses(tuple(ip for ip in known if family in (None, ip.version)))
    allow_private = allow_private or configured
    if not configured and (problem := _problem(host, allow_private=allow_private)):
        raise NoHosts(f"{host} is {problem}", permanent=implicit, ecode="5.1.2" if implicit else "4.4.4")
    try:
        with trio.fail_after(LOOKUP_SECONDS):
            answer = await resolver.ips(absolute(host), family)
    except NotFound as exc:
        if implicit:
            raise NoHosts(f"{host} doesn't exist or doesn't have a mail server", permanent=True, ecode="5.1.2") from exc
        raise NoHosts(f"address lookup for {host} failed: {exc.outside}", ecode="4.4.4") from exc
    except (DNSError, trio.TooSlowError) as exc:
        raise NoHosts(f"address lookup for {host} failed: {_why(host, exc)}", ecode="4.4.3") from exc
    if len(answer.chain) > MAX_HOST_CNAMES:
        raise NoHosts(f"CNAME chain for {host} is too long (limit {MAX_HOST_CNAMES})", ecode="4.4.6")
    usable = [ip for ip in answer.records if allow_private or not is_internal(ip)]
    if avoid_ipv6:
        usable = [ip for ip in usable if ip.version == 4] or usable
    if not usable:
        raise NoHosts(
            f"can't connect to {host}: its address is private. To allow this, set `allow_private_mx = true` at the top "
            "of moxlite.toml, above the first [section]",
            ecode="4.4.4",
        )
    return Addresses(tuple(order_addresses(usable, dialed, random)[:MAX_ADDRESSES]), answer)


def _known(host: str) -> list[IPAddress] | None:
    if host == "localhost":
        return [ip_address("127.0.0.1"), ip_address("::1")]
    try:
        return [ip_address(host)]
    except ValueError:
        return None


def order_addresses(addresses: Sequence[IPAddress], dialed: Sequence[str], random: Random) -> list[IPAddress]:
    """Order the addresses of a host (QUEUE-47): without earlier attempts IPv6 first, each family in random order.

    After earlier attempts, the family that was not used last comes first, in case the other one is blocked. Within a
    family, the address used last comes first if the family was used exactly once: a greylisting host expects the same
    pair of addresses again.
    """
    shuffled = list(addresses)
    random.shuffle(shuffled)
    history = [ip_address(text) for text in dialed]
    last = history[-1] if history else None
    used_once = last is not None and sum(ip.version == last.version for ip in history) == 1
    first_family = 6 if last is None else 10 - last.version

    def rank(ip: IPAddress) -> tuple[bool, bool]:
        return ip.version != first_family, not (used_once and ip == last)

    return sorted(shuffled, key=rank)


# Check of our IPv6 address: large providers refuse mail from one without a confirmed reverse name (QUEUE-47).


source_logger = logging.getLogger("moxlite.queue.source")

CHECK_SECONDS: Final = 6 * 3600.0
"""Seconds between two checks of the name (QUEUE-47)."""

AGAIN_SECONDS: Final = 300.0
"""Seconds until the next check if DNS failed."""

SOMEWHERE: Final = ("2001:4860:4860::8888", 9)
"""An address on the internet, used to find the source address that the system would choose; nothing is sent to it."""

good_source: Final = Gauge(
    "moxlite_queue_ipv6_source", "1 if mail is sent over IPv6 because its address has reverse DNS."
)


class IPv6Source:
    """Result of the checks: `good`, as given before the first `check`. `address`: the configured one, None if the
    system chooses it. `resolver`: None if no mail leaves this machine, and nothing is checked.
    """

    def __init__(self, resolver: Resolver | None, address: IPAddress | None = None, *, good: bool = False) -> None:
        self.good = good
        self._resolver = resolver
        self._address = address
        self._warned = False

    async def serve(self) -> None:
        """Check every six hours, for ever. Raises nothing."""
        while True:
            known = await self.check()
            await trio.sleep(CHECK_SECONDS if known else AGAIN_SECONDS)

    async def check(self) -> bool:
        """Check the reverse name of our source address. Returns False if DNS failed; `good` then keeps its value."""
        if self._resolver is None:
            return True
        address = self._address or own_address()
        if address is None:
            self._set(good=False)
            return True
        result = await iprev.check(self._resolver, address)
        if result.status is IPRevStatus.TEMPERROR:
            return False
        self._set(good=result.status is IPRevStatus.PASS)
        if not self.good and not self._warned:
            self._warned = True
            source_logger.warning(
                "preferring IPv4 for outgoing mail: IPv6 address without matching reverse DNS",
                extra={"kv": {"ip": address, "problem": result.problem}},
            )
        return True

    def _set(self, *, good: bool) -> None:
        self.good = good
        good_source.set(int(good))


def own_address() -> IPv6Address | None:
    """The address from which the system would connect to the internet; None without IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect(SOMEWHERE)
            return IPv6Address(sock.getsockname()[0].partition("%")[0])
    except OSError:
        return None
