"""Records as values of dnspython, for zone files and updates (RFC 1035 §3.3, §5.1)."""

from typing import Final

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from moxlite.admin.dns.wanted import CAA, Kind, Value
from moxlite.net.resolver import MX, SRV, TLSA

MAX_STRING: Final = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3)."""


def rdata_of(kind: Kind, value: Value) -> dns.rdata.Rdata:
    """The data of a record. A long text becomes several strings.

    Raises dns.exception.DNSException, ValueError: `value` cannot be the data of such a record.
    """
    match value:
        case MX(preference, host):
            return _read(kind, f"{preference} {host}")
        case SRV(priority, weight, port, target):
            return _read(kind, f"{priority} {weight} {port} {target}")
        case TLSA(usage, selector, matching, data):
            return _read(kind, f"{usage} {selector} {matching} {data.hex()}")
        case CAA(flags, tag, text):
            return _decode(kind, bytes((flags, len(tag))) + tag.encode() + text.encode())
        case str(text) if kind == "TXT":
            octets = octets_of(text)
            strings = [octets[at : at + MAX_STRING] for at in range(0, len(octets), MAX_STRING)]
            return _decode(kind, b"".join(bytes((len(one),)) + one for one in strings or [b""]))
        case str(text):
            return _read(kind, text)


def octets_of(text: str) -> bytes:
    """The octets of a text record; those outside of ASCII are surrogates where it was looked up."""
    return text.encode("utf-8", "surrogateescape")


def _read(kind: Kind, text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def _decode(kind: Kind, octets: bytes) -> dns.rdata.Rdata:
    return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.from_text(kind), octets, 0, len(octets))
