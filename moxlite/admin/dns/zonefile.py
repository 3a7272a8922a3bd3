"""Wanted records as lines of a zone file (ADMIN-47, RFC 1035 §5)."""

import textwrap
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import groupby
from typing import Final

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from moxlite.admin.dns.wanted import GROUPS, Keys, Kind, Topic, Value, WantedRecord
from moxlite.config.domains import DomainConfig
from moxlite.net.resolver import CAA, MX, SRV, TLSA
from moxlite.proto.address import Domain

TTL: Final = 300
"""Seconds; short while the records may still change."""

WIDTH: Final = 110
"""Characters of a comment line."""

ABOUT: Final[dict[Topic, str]] = {
    "host": "Addresses of this machine. Add them once per machine.",
    "dane": "DANE: other servers only send mail here if one of these keys is used. Add them once per machine.",
    "spf-host": "For mail that this machine sends under its own name, like bounces.",
    "host-tlsrpt": "Where others report failures of TLS to this machine.",
    "mx": "Where mail for the domain is delivered. There must be no other MX records.",
    "dkim": "Keys for signatures on outgoing mail. Keys that aren't used yet are for the next key rotation.",
    "spf": "From where mail of the domain comes.",
    "dmarc": "Tells receivers what to do with mail from the domain that DKIM and SPF can't verify, and where to report "
    "it. With p=reject, you'll lose mail from any service you forgot, so check a month of reports first (p=none).",
    "mtasts": "MTA-STS: servers that send mail here must use TLS with a valid certificate. New policies need a new ID.",
    "tlsrpt": "Where others report failures of TLS to the domain.",
    "client-settings": "Name in mail client settings. It stays the same if you move the domain to another machine.",
    "autoconfig": "Thunderbird and others find their settings there.",
    "autodiscover": "Outlook finds its settings here.",
    "pacc": "Newer mail clients find their settings here (PACC) and verify them with this text. Optional.",
    "srv": "The domain's services (RFC 6186, RFC 8314). A dot means the service isn't available; those records are "
    "optional.",
    "caa": "Only these authorities may issue certificates, also for all names below, such as www. May be left out. Add "
    "the authorities of your other sites.",
}


JOINS: Final = (
    "Not included, because on its own it would block all other authorities. Add it if the name already has CAA records."
)


UNADDRESSED: Final = (
    "This machine's public addresses. They aren't in the configuration (ips and nat_ips of the public listener). "
    "The reverse DNS of each must be the machine's name."
)

REVERSE: Final = "Reverse DNS, which you set at the machine's provider. Each address must have only this name."


def zone_file(
    domain: Domain, host: Domain, settings: DomainConfig, records: Sequence[WantedRecord], keys: Keys, *, signed: bool
) -> str:
    """The text of a zone file with all records, names absolute.

    Args:
      host: the name of the machine for this domain.
      signed: the host's zone has DNSSEC, which TLSA records need; otherwise they are written as comments.
    """
    lines = [f"; DNS records for {domain.ascii}", f"$TTL {TTL}"]
    ips = [ip_address(str(wanted_record.value)) for wanted_record in records if wanted_record.topic == "host"]
    if not ips:
        lines += ["", *_comment(UNADDRESSED), f"; {host.ascii}. A ADDRESS", f"; {host.ascii}. AAAA ADDRESS"]
    heading = ""
    for topic, group in groupby(records, key=lambda wanted_record: wanted_record.topic):
        of_topic = list(group)
        if heading != (heading := GROUPS[of_topic[0].group]):
            lines += ["", f"; --- {heading} ---"]
        lines += ["", *_comment(ABOUT[topic])]
        if of_topic[0].joins:
            lines += _comment(JOINS)
        if topic == "dane" and not signed:
            lines += _comment(
                "The zone doesn't have DNSSEC, or the local resolver leaves out signatures. These records have "
                "no effect without DNSSEC. Remove the first semicolons when the zone has it."
            )
        for record in of_topic:
            line = zone_line(record)
            if record.kind == "TXT" and len(str(record.value)) > MAX_STRING:
                lines.append(
                    "; Split into strings because each can only have 255 bytes. A web form may need it as one text."
                )
            lines.append(line if (record.live or signed) and not record.joins else f"; {line}")
        if topic == "host":
            lines += ["", *_comment(REVERSE), *(f"; {ip.reverse_pointer}. PTR {host.ascii}." for ip in ips)]
    lines += _notes(settings, keys)
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
        missing.append("No DKIM keys are set up, so outgoing mail isn't signed.")
    if settings.dmarc is None:
        missing.append("No DMARC record, because no report address is set for this domain.")
    if settings.mtasts is None:
        missing.append("No MTA-STS records, because no policy is set for this domain.")
    if settings.tlsrpt is None:
        missing.append("No TLSRPT record, because no report address is set for this domain.")
    if not keys.tlsa:
        missing.append("No TLSA records for DANE, because no listener with SMTP has host_private_key_files.")
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
