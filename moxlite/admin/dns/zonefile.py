"""Wanted records as lines of a zone file (ADMIN-47, RFC 1035 §5)."""

import textwrap
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import groupby
from typing import Final

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from moxlite.admin.dns.wanted import GROUPS, NEEDS, TOPICS, DomainRecords, Keys, Kind, Value, WantedRecord
from moxlite.config.domains import DomainConfig
from moxlite.net.resolver import CAA, MX, SRV, TLSA

TTL: Final = 300
"""Seconds; short while the records may still change."""

WIDTH: Final = 110
"""Characters of a comment line."""

SPLIT: Final = (
    "Longer than 255 bytes, so this is split into two strings. If your provider's form has a single field, enter them "
    "as one, with no quotation marks or space in between."
)

JOINS: Final = (
    "These lines are comments, because they'd block any authority that isn't listed. If the name already has CAA "
    "records, add them without the semicolon."
)


UNADDRESSED: Final = (
    "This machine's public addresses. To list them here, add them to the configuration (ips and nat_ips for the "
    "public listener). Set reverse DNS to the machine's name."
)

REVERSE: Final = "Reverse DNS. Set this at your server provider. An address can only have this name."


def zone_file(domain: DomainRecords, *, signed: bool) -> str:
    """The text of a zone file with all records, names absolute. `signed`: the host's zone has DNSSEC, which TLSA
    records need; otherwise they are written as comments.
    """
    host = domain.host
    lines = [f"; DNS records for {domain.domain.ascii}. If you can paste a zone file, paste all lines.", f"$TTL {TTL}"]
    ips = [ip_address(str(record.value)) for record in domain.records("host")]
    if not ips:
        lines += ["", *_comment(UNADDRESSED), f"; {host.ascii}. A ADDRESS", f"; {host.ascii}. AAAA ADDRESS"]
    heading, split = "", False
    for topic, group in groupby(domain.wanted, key=lambda record: record.topic):
        of_topic = list(group)
        if heading != (heading := GROUPS[of_topic[0].group]):
            lines += ["", f"; --- {heading} ---", *_comment(NEEDS[of_topic[0].group])]
        lines += ["", *_comment(TOPICS[topic].about)]
        if of_topic[0].joins:
            lines += _comment(JOINS)
        if topic == "dane" and not signed:
            lines += _comment(
                "DNSSEC isn't set up for this zone, or the local resolver removes signatures. These records require "
                "DNSSEC. When it's set up, remove the semicolons at the start of the lines."
            )
        for record in of_topic:
            line = zone_line(record)
            if record.kind == "TXT" and len(str(record.value)) > MAX_STRING and not split:
                lines += _comment(SPLIT)
                split = True
            lines.append(line if (record.live or signed) and not record.joins else f"; {line}")
        if topic == "host":
            lines += ["", *_comment(REVERSE), *(f"; {ip.reverse_pointer}. PTR {host.ascii}." for ip in ips)]
    lines += _notes(domain.settings, domain.keys)
    return "\n".join(lines) + "\n"


def zone_line(record: WantedRecord) -> str:
    """A record as one line of a zone file."""
    return record_line(record.name, record.kind, record.value)


def record_value(record: WantedRecord) -> str:
    """The value as it is typed into the form of a DNS provider: a text as a whole, without quotes."""
    if record.kind == "TXT" and isinstance(record.value, str):
        return record.value
    return rdata_of(record.kind, record.value).to_text()


def record_line(name: str, kind: Kind, value: Value) -> str:
    """Any DNS record as one line of a zone file."""
    return f"{name} {kind} {rdata_of(kind, value).to_text()}"


def txt_strings(text: str) -> str:
    """A text as the value of a TXT record: quoted strings of at most 255 octets."""
    return rdata_of("TXT", text).to_text()


def _notes(settings: DomainConfig, keys: Keys) -> Iterator[str]:
    """Comments about records that are missing, each with the reason."""
    missing = [f"Not complete: {problem}" for problem in (*keys.dkim_problems, *keys.host_problems)]
    if not settings.dkim.selectors:
        missing.append("Outgoing mail isn't signed because DKIM isn't set up.")
    if settings.dmarc is None:
        missing.append("To get a DMARC record, set a report address for this domain.")
    if settings.mtasts is None:
        missing.append("To get MTA-STS records, set a policy for this domain.")
    if settings.tlsrpt is None:
        missing.append("To get a TLSRPT record, set a report address for this domain.")
    if not keys.tlsa:
        missing.append("To get TLSA records for DANE, set host_private_key_files for a listener with SMTP.")
    for text in missing:
        yield ""
        yield from _comment(text)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="; ", subsequent_indent="; ")


# Records as values of dnspython, for zone files and updates (RFC 1035 §3.3, §5.1).


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
            return _decode(kind, b"".join(bytes((len(string),)) + string for string in strings or [b""]))
        case str(text):
            return _read(kind, text)


def octets_of(text: str) -> bytes:
    """The octets of a text record; those outside of ASCII are surrogates where it was looked up."""
    return text.encode("utf-8", "surrogateescape")


def _read(kind: Kind, text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def _decode(kind: Kind, octets: bytes) -> dns.rdata.Rdata:
    return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.from_text(kind), octets, 0, len(octets))
