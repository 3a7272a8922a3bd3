"""The addresses on which mail is accepted, and on which the administrator's pages are served (ADMIN-27, 28, 30, 32)."""

import ctypes
import ctypes.util
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import msgspec

from moxlite.net.limits import IPAddress

PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
"""Networks that cannot be reached from the internet: RFC 1918, RFC 6598, RFC 4193."""

LOOPBACK: Final = ("127.0.0.1", "::1")

WILD: Final = ("0.0.0.0", "::")  # noqa: S104 - it is to be replaced
"""Addresses of ``public`` on a machine that has no address of its own."""


class Places(msgspec.Struct, frozen=True):
    """Addresses of the listeners.

    ``nat``: the outside addresses of ``public``, if a router translates them. ``natted``: a router translates them, but
    they are not known yet. ``private``: all addresses of the machine in private networks. ``warnings``: lines for
    people.
    """

    public: tuple[str, ...]
    internal: tuple[str, ...]
    nat: tuple[str, ...] = ()
    natted: bool = False
    private: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def loopback(self) -> tuple[str, ...]:
        """Loopback addresses of ``internal``."""
        return tuple(ip for ip in self.internal if ip in LOOPBACK)

    @property
    def wild(self) -> bool:
        """Whether ``public`` listens on all addresses, so that ``internal`` needs ports of its own."""
        return self.public == WILD


class InterfaceAddress(msgspec.Struct, frozen=True):
    """An address of an interface."""

    interface: str
    ip: IPAddress


def choose_places(
    machine: Sequence[InterfaceAddress],
    host: Sequence[IPAddress],
    *,
    outgoing: Sequence[IPAddress] = (),
    other_web: bool = False,
) -> Places:
    """Choose the addresses.

    Args:
      machine: all addresses of this machine.
      host: the addresses that DNS gives the hostname.
      outgoing: the addresses from which this machine connects to the internet. Behind NAT, they decide which of several
        interfaces is used.
      other_web: another web server keeps ports 80 and 443.
    """
    private = _texts(
        interface_address.ip
        for interface_address in machine
        if not interface_address.ip.is_loopback and _is_private(interface_address.ip)
    )
    places = _choose(machine, host, outgoing, other_web=other_web)
    return msgspec.structs.replace(places, private=private)


def _choose(
    machine: Sequence[InterfaceAddress],
    host: Sequence[IPAddress],
    outgoing: Sequence[IPAddress],
    *,
    other_web: bool,
) -> Places:
    own = [interface_address for interface_address in machine if not interface_address.ip.is_loopback]
    have = {interface_address.ip for interface_address in machine}
    loopback = tuple(ip for ip in LOOPBACK if ip in map(str, have)) or LOOPBACK[:1]
    public = [interface_address.ip for interface_address in own if not _is_private(interface_address.ip)]
    private = [interface_address for interface_address in own if _is_private(interface_address.ip)]
    named = [ip for ip in host if not ip.is_loopback]
    if named and not public and set(named) <= have:
        return Places(_texts(named), loopback)  # a closed net
    behind = _behind_nat(private, public, named, outgoing)
    inner = _texts(interface_address.ip for interface_address in private if interface_address.ip not in behind)
    warnings: list[str] = []
    outside = [ip for ip in named if ip not in have]
    if not behind:
        warnings += [f"the hostname's address {ip} in DNS isn't on this machine" for ip in outside if public]
    # receivers treat mail as spam if the hostname does not lead back to its sending address
    chosen = [ip for ip in public if ip in named] or public
    warnings += [
        f"{ip} isn't in DNS for the hostname, so the public listener doesn't use it. To use it, add it to DNS"
        f" ({('A' if ip.version == 4 else 'AAAA')}), set reverse DNS, and add it to ips"
        for ip in public
        if ip not in chosen
    ]
    # no address to bind by name: all of them, and the owner is told
    if not behind and not public:
        warnings.append("this machine only has loopback addresses; add its addresses to the public listener's ips")
        return Places(WILD, (*inner, *loopback), warnings=tuple(warnings))
    if not behind:
        return Places(_texts(chosen), (*inner, *loopback), warnings=tuple(warnings))
    web = "" if other_web else "80, 443, "
    forward = (
        f"Forward ports 25, {web}465, 993, and 4190, and keep the client addresses, because rate limits and"
        " sender checks need them"
    )
    listened = _texts((*behind, *chosen))
    if outside:
        text = f"{_listing(behind)} is behind NAT, so nat_ips was set to the hostname's addresses in DNS. {forward}"
        nat = _texts((*outside, *chosen))
        return Places(listened, (*inner, *loopback), nat, warnings=(*warnings, text))
    text = (
        f"{_listing(behind)} is a private address, so this machine is behind NAT, and your router's address isn't in "
        f"DNS for the hostname yet. Add that address to DNS, and to the public listener's nat_ips instead of "
        f"ips_natted. {forward}"
    )
    return Places(listened, (*inner, *loopback), natted=True, warnings=(*warnings, text))


def _behind_nat(
    private: Sequence[InterfaceAddress],
    public: Sequence[IPAddress],
    named: Sequence[IPAddress],
    outgoing: Sequence[IPAddress],
) -> list[IPAddress]:
    """The private addresses at which connections from the internet arrive.

    Without a public address: the addresses of the interface that leads to the internet. With only public IPv6
    addresses, as at home: the IPv4 addresses of the same interface, if DNS names an address that the machine does not
    have, or no address yet.
    """
    leading = {interface_address.interface for interface_address in private if interface_address.ip in outgoing}
    if public:
        outside = any(ip.version == 4 and ip not in public for ip in named)
        if any(ip.version == 4 for ip in public) or (named and not outside):
            return []
        return [
            interface_address.ip
            for interface_address in private
            if interface_address.ip.version == 4 and interface_address.ip in outgoing
        ]
    return [
        interface_address.ip for interface_address in private if not leading or interface_address.interface in leading
    ]


def _is_private(ip: IPAddress) -> bool:
    return any(ip in network for network in PRIVATE if network.version == ip.version)


def _texts(ips: Iterable[IPAddress]) -> tuple[str, ...]:
    return tuple(map(str, ips))


def _listing(ips: Sequence[IPAddress]) -> str:
    return ", ".join(map(str, ips))


# The addresses of this machine's network interfaces, by getifaddrs(3), which Linux, the BSDs and macOS share.


OUTSIDE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that no interface has (RFC 5737, RFC 3849); their route is the one to the internet."""

MAX_ADDRESSES: Final = 10_000
"""Limit for the length of the system's list."""


class _IfAddrs(ctypes.Structure):
    """The head of struct ifaddrs, which is the same on all systems; the union and data at its end are not read."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]

IPV4_AT: Final = 4
"""Offset in struct sockaddr_in, after family (with a length on BSD) and port."""
IPV6_AT: Final = 8
"""Offset in struct sockaddr_in6, after family, port and flow label."""


def machine_addresses() -> list[InterfaceAddress]:
    """All addresses for listening, except link-local and multicast ones, in the order of the system.

    Raises OSError.
    """
    if os.name != "posix":
        raise OSError("looking up this machine's addresses is only supported on Unix")
    libc = ctypes.CDLL(ctypes.util.find_library("c") or None, use_errno=True)
    head = ctypes.POINTER(_IfAddrs)()
    if libc.getifaddrs(ctypes.byref(head)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    found: dict[InterfaceAddress, None] = {}
    try:
        at = head
        for _ in range(MAX_ADDRESSES):
            if not at:  # type: ignore[truthy-bool]  # a null pointer is false
                break
            entry = at.contents
            ip = _address(entry.address) if entry.address else None
            if ip is not None and not ip.is_link_local and not ip.is_multicast and not ip.is_unspecified:
                found[InterfaceAddress(entry.name.decode(errors="replace"), ip)] = None
            at = entry.next
    finally:
        libc.freeifaddrs(head)
    return list(found)


def outgoing_addresses() -> list[IPAddress]:
    """The addresses from which this machine connects to the internet, one of each family that has a route."""
    found: list[IPAddress] = []
    for family, there in OUTSIDE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((there, 9))  # sends nothing
                found.append(ip_address(sock.getsockname()[0].partition("%")[0]))
        except OSError:
            continue
    return found


def _address(pointer: int) -> IPAddress | None:
    """The address in a struct sockaddr, None for another family. On BSD, a length is before the family."""
    two = ctypes.string_at(pointer, 2)
    family = int.from_bytes(two, sys.byteorder) if sys.platform == "linux" else two[1]
    if family == socket.AF_INET:
        return IPv4Address(ctypes.string_at(pointer + IPV4_AT, 4))
    if family == socket.AF_INET6:
        return IPv6Address(ctypes.string_at(pointer + IPV6_AT, 16))
    return None
