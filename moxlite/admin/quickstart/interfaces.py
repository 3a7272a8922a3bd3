"""The addresses of this machine's network interfaces, by getifaddrs(3), which Linux, the BSDs and macOS share."""

import ctypes
import ctypes.util
import os
import socket
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec

from moxlite.net.limits import IPAddress

OUTSIDE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that no interface has (RFC 5737, RFC 3849); their route is the one to the internet."""

MAX_ADDRESSES: Final = 10_000
"""Limit for the length of the system's list."""


class InterfaceAddress(msgspec.Struct, frozen=True):
    """An address of an interface."""

    interface: str
    ip: IPAddress


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
        raise OSError("the addresses of this machine can be asked for on Unix only")
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
