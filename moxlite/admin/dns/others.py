"""Others that use a domain, by its DNS: senders, mail hosts, sites and CAs that aren't ours. Rules for the whole domain
would bind them (ADMIN-47a).
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
import trio

from moxlite.admin.dns.plan import text_of
from moxlite.admin.dns.wanted import issuers_of, own_ips
from moxlite.admin.dnsproviders.messages import Record, data_of
from moxlite.config.snapshot import CurrentConfig
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import CAA, MX, DNSError, NotFound, RecordType, Resolver
from moxlite.proto.address import Domain

SECONDS: Final = 10.0
"""Seconds for all look-ups together."""

ASKED: Final = (
    ("", RecordType.TXT),
    ("", RecordType.MX),
    ("", RecordType.CAA),
    *((prefix, kind) for prefix in ("", "www.") for kind in (RecordType.A, RecordType.AAAA)),
)
"""Names, by what comes before the domain's, and types that DNS is asked for: it can't be listed."""

UNKNOWN: Final = "the DNS servers aren't responding"
"""Given in place of others: what can't be seen may be bound, too."""

MAX_SHOWN: Final = 5
"""Others that are named."""


class ServerIdentity(msgspec.Struct, frozen=True):
    """Names and addresses of this server, and the CAs of its certificates."""

    hosts: Collection[Domain]
    ips: Collection[IPAddress]
    issuers: Collection[str]


async def others_of(
    resolver: Resolver, domain: Domain, own: ServerIdentity, listed: Iterable[Record] = ()
) -> list[str]:
    """Others that use a domain, in words; none if only we do.

    Args:
      listed: all records of the zone, where its provider lists them.
    """
    records = [msgspec.structs.replace(record, data=_listed_text(record)) for record in listed]
    try:
        with trio.fail_after(SECONDS):
            for prefix, kind in ASKED:
                records += await _records(resolver, f"{prefix}{domain.ascii}.", kind)
    except (DNSError, trio.TooSlowError):
        return [UNKNOWN]
    return list(dict.fromkeys(_others_in(records, domain, own)))[:MAX_SHOWN]


async def others_of_new(config: CurrentConfig, resolver: Resolver, domain: Domain) -> list[str]:
    """As `others_of`, for a domain that comes to this server."""
    snapshot = config.current
    own = ServerIdentity((snapshot.static.hostname,), own_ips(snapshot) or (), tuple(issuers_of(snapshot, {})))
    return await others_of(resolver, domain, own)


async def _records(resolver: Resolver, name: str, kind: RecordType) -> list[Record]:
    try:
        answer = await resolver.lookup(name, kind)
    except NotFound:
        return []
    return [Record(name, kind, _text(data)) for data in answer.records]


def _text(value: object) -> str:
    match value:
        case MX():
            return value.host
        case CAA():
            return f"{value.tag} {value.value}"
        case _:
            return str(value)


def _listed_text(record: Record) -> str:
    """Data of a listed record in the form of `_text`."""
    match record.kind:
        case "TXT":
            return text_of(data_of("TXT", record.data))
        case "CAA":
            _, tag, value = record.data.split(None, 2)
            return f"{tag} " + value.strip('"')
        case _:
            return record.data.split()[-1]


def _others_in(records: Iterable[Record], domain: Domain, own: ServerIdentity) -> Iterable[str]:
    own_names = {f"{host.ascii}." for host in own.hosts}
    own_ips = set(map(str, own.ips))
    apex = f"{domain.ascii}."
    for record in records:
        name, text = record.name.lower(), record.data.lower()
        if name != apex and not name.endswith(f".{apex}"):
            continue
        match record.kind:
            case "TXT" if name == apex:
                yield from _senders(text, own_ips)
            case "TXT" | "CNAME" if "._domainkey." in name:
                yield f"DKIM key {name.rstrip('.')}"
            case "MX" if text not in own_names and text != ".":
                yield f"mail host {text.rstrip('.')}"
            case "CAA":
                tag, _, value = text.partition(" ")
                issuer = value.partition(";")[0].strip()
                if tag in ("issue", "issuewild") and issuer not in own.issuers:
                    yield f"CA {issuer}" if issuer else "CAA record against all CAs"
            case "A" | "AAAA" if text not in own_ips and name not in own_names:
                yield f"site {name.rstrip('.')} at {text}"
            case "CNAME" if text not in own_names and text != apex and not text.endswith(f".{apex}"):
                yield f"site {name.rstrip('.')} at {text.rstrip('.')}"


def _senders(text: str, own_ips: Collection[str]) -> Iterable[str]:
    """Terms of an SPF record that let others send."""
    version, *terms = text.split() or [""]
    if version != "v=spf1":
        return
    for term in terms:
        bare = term.lstrip("+-~?")
        address = bare.partition(":")[2] if bare.startswith(("ip4:", "ip6:")) else ""
        if bare not in ("all", "a", "mx") and not bare.startswith("exp=") and address not in own_ips:
            yield f"sender {bare}"
