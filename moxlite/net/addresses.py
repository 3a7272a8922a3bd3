"""Check that a name or address from a stranger does not lead into the inner network (QUEUE-92, QUEUE-152, AUTH-106)."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from moxlite.net.limits import IPAddress

_AT_THE_END: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
"""IPv6 networks whose last four octets are an IPv4 address: NAT64 (RFC 6052 §2.1), IPv4-compatible (RFC 4291 §2.5.5.1)
and IPv4-translated (RFC 2765 §2.1) addresses.
"""

_GLOBAL: Final = IPv6Network("2000::/3")
"""The IPv6 space that IANA allocates to networks of the internet. Outside it are unique local (fc00::/7), link-local
(fe80::/10) and site-local (fec0::/10, RFC 3879) addresses, multicast, and a network's own NAT64 prefix (64:ff9b:1::/48,
RFC 8215).
"""

_NOT_GLOBAL: Final = (
    IPv4Network("100.64.0.0/10"),  # shared by customers of a provider: RFC 6598
    IPv4Network("192.0.0.0/24"),  # RFC 6890 §2.1
    IPv4Network("192.88.99.0/24"),  # relays of 6to4: RFC 7526
    IPv6Network("2001:db8::/32"),  # documentation: RFC 3849
    IPv6Network("3fff::/20"),  # documentation: RFC 9637
)
"""Networks from IANA's special-purpose registries for which the tables of Python versions differ."""

_NUMBER: Final = re.compile(r"[0-9]++|0x[0-9a-f]*+", re.IGNORECASE)
"""The last label of an address as inet_aton(3) reads it, decimal, octal or hexadecimal. No top-level domain is a
number (RFC 3696 §2).
"""


def is_internal(ip: IPAddress) -> bool:
    """Whether an address is not on the internet: private, loopback, link-local, multicast, or an IPv6 form that leads
    to such an IPv4 address. Hosts there trust this machine, so a name from a stranger must not make it connect to them.
    """
    ip = _inner(ip)
    if ip.version == 6 and ip not in _GLOBAL:
        return True
    return not ip.is_global or ip.is_multicast or any(ip in network for network in _NOT_GLOBAL)


def _inner(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one leads to, also mapped (RFC 4291 §2.5.5.2) or by 6to4 (RFC 3056 §2); else the
    address itself.
    """
    if isinstance(ip, IPv6Address):
        if any(ip in network for network in _AT_THE_END):
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def is_address_text(name: str) -> bool:
    """Whether a host's name is the text of an address in any form: ``127.0.0.1``, ``127.1``, ``0177.0.0.1``,
    ``0x7f000001``, ``2130706433``, ``::1``, ``[::1]``, each with a final dot too.
    """
    text = name.removesuffix(".")
    return ":" in text or "[" in text or _NUMBER.fullmatch(text.rpartition(".")[2]) is not None
