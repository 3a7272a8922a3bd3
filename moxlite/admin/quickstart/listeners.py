"""On which addresses mail is taken, and on which the administrator's pages are (ADMIN-27, 28, 30, 32)."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

import msgspec

from moxlite.admin.quickstart.interfaces import InterfaceAddress
from moxlite.net.limits import IPAddress

__all__ = ["Places", "choose_places"]

PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
"""Addresses that the internet does not reach: RFC 1918, RFC 6598, RFC 4193."""

LOOPBACK: Final = ("127.0.0.1", "::1")


class Places(msgspec.Struct, frozen=True):
    """Addresses of the listeners.

    ``nat``: by which the internet knows those of ``public``, where that is not the machine's own. ``warnings``: what to
    look at.
    """

    public: tuple[str, ...]
    internal: tuple[str, ...]
    nat: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def loopback(self) -> tuple[str, ...]:
        """Those of ``internal`` that only this machine reaches."""
        return tuple(ip for ip in self.internal if ip in LOOPBACK)


def choose_places(machine: Sequence[InterfaceAddress], host: Sequence[IPAddress], *, other_web: bool = False) -> Places:
    """Choose the addresses.

    Args:
      machine: all addresses of this machine.
      host: what DNS says of the hostname.
      other_web: another web server keeps ports 80 and 443.
    """
    inner = {one.interface for one in machine if _is_private(one.ip)}
    own = [one for one in machine if not one.ip.is_loopback]
    public = [str(one.ip) for one in own if one.interface not in inner]
    private = [str(one.ip) for one in own if one.interface in inner]
    have = {str(one.ip) for one in machine}
    loopback = tuple(ip for ip in LOOPBACK if ip in have) or LOOPBACK[:1]
    named = [str(ip) for ip in host if not ip.is_loopback]
    if public:
        outside = [ip for ip in named if ip not in public]
        warnings = [f"DNS gives the hostname the address {ip}, which this machine has not" for ip in outside]
        # receivers hold mail from an address that the hostname does not lead back to for spam
        chosen = [ip for ip in public if ip in named] or public
        warnings += [
            f"DNS does not give the hostname the address {ip}, so the listener public leaves it out: to use it, add it "
            f"to DNS ({'A' if '.' in ip else 'AAAA'}), set its reverse name, and add it to ips"
            for ip in public
            if ip not in chosen
        ]
        return Places(tuple(chosen), (*private, *loopback), warnings=tuple(warnings))
    if named and set(named) <= set(private):
        return Places(tuple(named), loopback)  # a closed net
    if named and private:
        web = "" if other_web else "80, 443, "
        text = (
            "this machine has private addresses only, so it is behind NAT: the addresses that DNS gives the hostname "
            f"stand as nat_ips. Forward ports 25, {web}465 and 993, and do so without hiding the addresses of clients: "
            "limits and the judgement of senders depend on them"
        )
        return Places(tuple(private), loopback, tuple(named), (text,))
    unknown = "no public address was found. The listener public has 0.0.0.0 and ::, with which "
    what = (
        "checks cannot tell its addresses. "
        if other_web
        else "the server will not start: ports that internal has already (80) are in use. "
    )
    mend = "Put the public addresses there; behind NAT the private ones, with nat_ips"
    text = unknown + what + mend + ("" if other_web else ". It needs port 80, for ACME")
    return Places(("0.0.0.0", "::"), (*private, *loopback), warnings=(text,))  # noqa: S104 - it is to be replaced


def _is_private(ip: IPAddress) -> bool:
    return any(ip in network for network in PRIVATE if network.version == ip.version)
