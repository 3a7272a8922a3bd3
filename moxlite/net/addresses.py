"""Which addresses a stranger's name may lead us to: none of the inner network (QUEUE-92, QUEUE-152, AUTH-106)."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from moxlite.net.limits import IPAddress

__all__ = ["is_internal"]

_AT_THE_END: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv4 addresses in the last four octets: of NAT64 (RFC 6052 §2.1), and compatible ones (RFC 4291 §2.5.5.1)."""

_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
"""A network's own, RFC 8215: where in it an IPv4 address stands only that network knows."""


def is_internal(ip: IPAddress) -> bool:
    """Whether an address is not one of the internet: private, loopback, link-local, multicast, or an IPv6 form that
    leads to such an IPv4 address. Neighbours there trust us, and a stranger's name must not make us speak with them.
    """
    ip = _inner(ip)
    return not ip.is_global or ip.is_multicast or ip in _LOCAL_NAT64


def _inner(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one leads to, also mapped (RFC 4291 §2.5.5.2) or by 6to4 (RFC 3056 §2); else the
    address itself.
    """
    if isinstance(ip, IPv6Address):
        if any(ip in network for network in _AT_THE_END):
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip
