"""The DNS records that a domain should have: a typed list, for printing and checking (ADMIN-47, AUTH-67, 74, 91)."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from moxlite.admin.dkimkeys import KeyUnreadable, read_key
from moxlite.admin.offer import DAV_PATH, agent_record, offer_for, public_first
from moxlite.autotls.files import account_uri, under_way, without_certificate
from moxlite.autotls.hostkeys import FOLDER, published_keys, read_host_state
from moxlite.autotls.names import wanted_names
from moxlite.config.domains import DMARC, TLSRPT, DomainConfig
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dkim.sign import PrivateKey as DKIMKey, key_record
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import CAA, MX, SRV, TLSA
from moxlite.net.tls.certificates import CertificateError, PrivateKey, load_private_key
from moxlite.proto.address import Domain
from moxlite.proto.publicsuffix import organizational_domain

Topic = Literal[
    "host",
    "dane",
    "spf-host",
    "host-tlsrpt",
    "mx",
    "dkim",
    "spf",
    "dmarc",
    "mtasts",
    "tlsrpt",
    "client-settings",
    "autoconfig",
    "autodiscover",
    "pacc",
    "srv",
    "caa",
]

MX_PREFERENCE: Final = 10
"""Preference of the one MX record: an owner may add hosts before it and after it without changing it."""

PACC_LABEL: Final = "_ua-auto-config"
"""Where the SHA-256 of the settings of mail programs is (draft-ietf-mailmaint-pacc-03)."""

LETSENCRYPT: Final = "letsencrypt.org"
"""Issuer name in CAA records; the host of Let's Encrypt's ACME directory is below it."""


Value: TypeAlias = str | MX | SRV | TLSA | CAA
Kind = Literal["A", "AAAA", "TXT", "CNAME", "MX", "SRV", "TLSA", "CAA"]

Group = Literal["mail", "signatures", "settings", "rules"]
"""Parts of a plan, in the order in which they are shown. `rules` bind others: receivers, other senders, other CAs."""

GROUPS: Final[Mapping[Group, str]] = {
    "mail": "Mail here",
    "signatures": "Signatures",
    "settings": "Settings",
    "rules": "Rules for other servers",
}

NEEDS: Final[Mapping[Group, str]] = {
    "mail": "Required, except DANE.",
    "signatures": "Required. Large providers reject mail that doesn't have SPF and DKIM, or treat it as junk.",
    "settings": "Recommended. Mail clients find their settings with some of these records.",
    "rules": "Optional. Receivers and certificate authorities follow these.",
}
"""Which records a server needs, by group."""


def group_of(name: str, kind: Kind, text: str) -> Group:
    """Group of a record by its name, type and data."""
    if kind == "CAA" or (name.startswith("_dmarc.") and (policy := POLICY.search(text)) and policy[1] != "none"):
        return "rules"
    if kind in ("A", "AAAA", "MX", "TLSA"):
        return "mail"
    return "signatures" if "._domainkey." in name or text.strip('"').lower().startswith("v=spf1") else "settings"


POLICY: Final = re.compile(r";\s*p\s*=\s*(\w+)", re.IGNORECASE)
"""Policy of a DMARC record (RFC 9989 §4.8)."""


class WantedRecord(msgspec.Struct, frozen=True):
    """A record that should exist. ``name`` is absolute; ``value`` as in `moxlite.net.resolver`.

    ``optional``: its absence is no fault. ``live``: False for a record that has an effect only after its zone is
    signed. ``joins``: wanted only beside records of others, because alone it would bind them.
    """

    topic: Topic
    name: str
    kind: Kind
    value: Value
    optional: bool = False
    live: bool = True
    joins: bool = False

    @property
    def group(self) -> Group:
        """Part of a plan that shows the record."""
        return group_of(self.name, self.kind, str(self.value))

    def merged(self, texts: Sequence[str]) -> "WantedRecord":
        """This record with what the texts at its name permit. There may be only one for SPF, and one for reports."""
        return self if self.merge is None else replace(self, value=self.merge(str(self.value), texts))

    @property
    def merge(self) -> Callable[[str, Sequence[str]], str] | None:
        """As `TopicFacts.merge`."""
        return TOPICS[self.topic].merge if self.kind == "TXT" else None


def merged_spf(wanted: str, found: Sequence[str]) -> str:
    """Merge SPF records into one that permits the same (RFC 7208 §3.2): the first that does so already, else the wanted
    one with the terms of the others appended. A ``redirect`` becomes an ``include``; ``exp`` is left out. The owner's
    own ``all`` stays, the strictest of several; one that permits all senders does not.
    """
    *own, last = wanted.split()
    terms = dict.fromkeys(own)
    ends = [term.lower() for text in found for term in text.split()[1:]]
    last = next((f"{qualifier}all" for qualifier in "-~?" if f"{qualifier}all" in ends), last)
    for text in found:
        for term in text.split()[1:]:
            bare = term.removeprefix("+")
            if bare.lower().startswith("redirect="):
                bare = f"include:{bare.partition('=')[2]}"
            if bare.lower().lstrip("-~?") != "all" and not bare.lower().startswith("exp="):
                terms[bare] = None
    for text in found:
        if terms.keys() <= set(text.split()):
            return text
    return " ".join([*terms, last])


def _reporting(address: str, found: Sequence[str]) -> str | None:
    """The first DMARC or TLSRPT record with an address of ours; URIs are compared without regard to case."""
    return next((text for text in found if address and address.lower() in report_addresses(text)), None)


def merged_report(wanted: str, found: Sequence[str]) -> str:
    """Merge DMARC or TLSRPT records: the first one that is there, with the report address of the wanted one; that one
    if none is there.
    """
    if not found:
        return wanted
    address = wanted.partition("rua=")[2]
    if not address:
        return found[0]
    return _reporting(address, found) or _with_address(found[0], address)


def _with_address(found: str, address: str) -> str:
    """Add a report address to a DMARC or TLSRPT record."""
    fields = [field.strip() for field in found.split(";") if field.strip()]
    for index, field in enumerate(fields):
        name, _, value = field.partition("=")
        if name.strip() == "rua":
            fields[index] = f"rua={','.join(filter(None, (value.strip(), address)))}"
            return "; ".join(fields)
    return "; ".join([*fields, f"rua={address}"])


def report_addresses(text: str) -> set[str]:
    """The report addresses of a TLSRPT or DMARC record (RFC 8460 §3, RFC 9989)."""
    for field in text.split(";")[1:]:
        name, _, value = field.partition("=")
        if name.strip() == "rua":
            return {uri.strip().lower() for uri in value.split(",") if uri.strip()}
    return set()


class TopicFacts(msgspec.Struct, frozen=True):
    """Facts that all records of a topic share.

    Attributes:
      about: what they are for, for the owner.
      start: beginning of their text; texts with another one may be at the same name.
      merge: the text with what other texts at its name permit, where there may be only one.
    """

    about: str
    start: str = ""
    merge: Callable[[str, Sequence[str]], str] | None = None


TOPICS: Final[Mapping[Topic, TopicFacts]] = {
    "host": TopicFacts("This machine's addresses. You only need to add these for your first domain."),
    "dane": TopicFacts(
        "DANE: other servers require one of these keys to send mail here. You only need to add these for your first "
        "domain."
    ),
    "spf-host": TopicFacts(
        "For bounces and other mail sent from this machine's own name.", start="v=spf1", merge=merged_spf
    ),
    "host-tlsrpt": TopicFacts(
        "Where other servers report TLS failures for this machine.", start="v=TLSRPTv1", merge=merged_report
    ),
    "mx": TopicFacts("Mail for the domain is delivered here. Remove any other MX records."),
    "dkim": TopicFacts("Public keys for DKIM signatures. Unused keys are for the next key rotation."),
    "spf": TopicFacts("Servers that send mail for the domain.", start="v=spf1", merge=merged_spf),
    "dmarc": TopicFacts(
        "Tells receivers how to handle and report mail from the domain if DKIM and SPF checks fail. With p=none, they "
        "only report it. Check a month of reports before you use p=reject, or you'll lose mail from any service you "
        "forgot.",
        start="v=DMARC1",
        merge=merged_report,
    ),
    "mtasts": TopicFacts(
        "MTA-STS: asks other servers to use TLS and a valid certificate when they send mail here. The ID changes "
        "with the policy.",
        start="v=STSv1",
    ),
    "tlsrpt": TopicFacts(
        "Where other servers report TLS failures for the domain.", start="v=TLSRPTv1", merge=merged_report
    ),
    "client-settings": TopicFacts(
        "Server name for mail clients. You can keep this name if you move the domain to another machine."
    ),
    "autoconfig": TopicFacts("Thunderbird and other mail clients find their settings here."),
    "autodiscover": TopicFacts("For automatic setup in Outlook."),
    "pacc": TopicFacts(
        "Newer mail clients find their settings here (PACC) and verify them with this text. Optional.", start="v=UAAC1"
    ),
    "srv": TopicFacts(
        "Services for the domain (RFC 6186, RFC 8314). A dot means a service isn't available. You can omit these "
        "records.",
        start="path=",
    ),
    "caa": TopicFacts(
        "With this, other authorities can't issue certificates for these names and their subdomains, such as www. "
        "Add the authorities of your other sites."
    ),
}


class Keys(msgspec.Struct, frozen=True):
    """Keys of a domain as far as they can be read: TXT values by selector, TLSA records of the host with ECDSA first,
    and texts about keys that could not be read. accounts: URIs of our accounts at certificate authorities, by their
    names in moxlite.toml. uncertified: as `uncertified` has them.
    """

    dkim: Mapping[str, str]
    tlsa: tuple[TLSA, ...]
    dkim_problems: tuple[str, ...] = ()
    host_problems: tuple[str, ...] = ()
    accounts: Mapping[str, str] = {}
    uncertified: Mapping[str, str] = {}


class HeldKeys(msgspec.Struct, frozen=True):
    """Keys that a server read before it gave up its privileges.

    dkim: returns the key of a file, None if it was never read. hosts: private keys by name of the listener.
    """

    dkim: Callable[[Path], DKIMKey | None]
    hosts: Mapping[str, Sequence[PrivateKey]]


def read_keys(snapshot: Snapshot, domain: Domain, held: HeldKeys | None = None) -> Keys:
    """Read the DKIM keys of a domain and the keys of the host, except those in `held`. Blocks."""
    dkim_problems: list[str] = []
    host_problems: list[str] = []
    dkim: dict[str, str] = {}
    settings = snapshot.domain(domain)
    for name, selector in ({} if settings is None else settings.dkim.selectors).items():
        try:
            key = None if held is None else held.dkim(selector.key_file)
            dkim[name] = key_record(key or read_key(selector.key_file)).replace("h=sha256", f"h={selector.hash}")
        except KeyUnreadable as error:
            dkim_problems.append(str(error))
    tlsa: list[tuple[bool, TLSA]] = []
    acme = snapshot.static.data_dir / "acme"
    for listener_name, listener in public_first(snapshot):
        if not listener.smtp.enabled or listener.tls is None:
            continue
        if held is not None and listener_name in held.hosts:
            configured = list(held.hosts[listener_name])
        else:
            configured = _configured(listener.tls.host_private_key_files, host_problems)
        try:
            state = read_host_state(acme, snapshot.hostname(listener_name).ascii)
            keys = published_keys(state, configured)
        except (OSError, ValueError) as error:
            host_problems.append(f"can't use {acme / FOLDER}: {getattr(error, 'strerror', None) or error}")
            keys = tuple(configured)
        tlsa += [one for one in map(_tlsa, keys) if one not in tlsa]
    ordered = [record for _, record in sorted(tlsa, key=lambda one: not one[0])]
    accounts = {name: uri for name in snapshot.static.acme if (uri := account_uri(acme, name))}
    return Keys(dkim, tuple(ordered), tuple(dkim_problems), tuple(host_problems), accounts, uncertified(snapshot))


def uncertified(snapshot: Snapshot) -> dict[str, str]:
    """The names that have no certificate yet, and why their order failed, "" if it is still under way. Blocks."""
    found: dict[str, str] = {}
    for name in snapshot.static.acme:
        found |= without_certificate(snapshot.static.data_dir / "acme", name)
    return found


def ordering(snapshot: Snapshot, since: float) -> list[str]:
    """The names that are wanted since then, seconds UTC, and whose first certificate is being ordered. Blocks."""
    folder = snapshot.static.data_dir / "acme"
    orders = ((name, wanted_names(snapshot, name)) for name in snapshot.static.acme)
    return [host for name, wanted in orders for host in under_way(folder, name, wanted, since)]


def _configured(paths: Iterable[Path], problems: list[str]) -> list[PrivateKey]:
    """The keys of files; a line in `problems` for each that cannot be read."""
    found: list[PrivateKey] = []
    for path in paths:
        try:
            found.append(load_private_key(path.read_bytes()))
        except (OSError, CertificateError) as error:
            problems.append(f"can't read {path}: {getattr(error, 'strerror', None) or error}")
    return found


def _tlsa(key: PrivateKey) -> tuple[bool, TLSA]:
    """Whether the key is ECDSA, and its TLSA record."""
    return isinstance(key, ec.EllipticCurvePrivateKey), public_key_record(key.public_key())


def public_key_record(key: PublicKeyTypes) -> TLSA:
    """The TLSA record ``3 1 1`` of a key (RFC 7671 §5.1)."""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TLSA(3, 1, 1, hashlib.sha256(spki).digest())


def tlsa_records(snapshot: Snapshot) -> list[WantedRecord]:
    """The TLSA records of the host's keys. Blocks: the keys are read."""
    first = next(iter(snapshot.domains.domains), None)
    return [] if first is None else records_of(snapshot, Domain.parse(first)).records("dane")


def own_ips(snapshot: Snapshot) -> tuple[IPAddress, ...] | None:
    """The addresses by which others know this server, in the order of the file; None if unknown (NAT, or listeners on
    all addresses).

    They come from the listener ``public``, or else from all listeners with SMTP. Behind NAT they are the outside
    addresses.
    """
    listeners = [one for name, one in public_first(snapshot) if name == "public"]
    listeners = listeners or [one for _, one in public_first(snapshot) if one.smtp.enabled]
    found: dict[IPAddress, None] = {}
    for listener in listeners:
        if listener.ips_natted or (not listener.nat_ips and any(ip.is_unspecified for ip in listener.ips)):
            return None
        found.update(dict.fromkeys(listener.nat_ips or listener.ips))
    return tuple(found)


def socks_ips(snapshot: Snapshot) -> tuple[IPAddress, ...]:
    """Addresses of the SOCKS proxies through which mail is sent."""
    transports = snapshot.static.transports.values()
    return tuple(
        dict.fromkeys(
            ip for transport in transports if transport.socks is not None for ip in transport.socks.remote_ips
        )
    )


def report_address(domain: Domain, report: DMARC | TLSRPT) -> str:
    """The address for reports about a domain, as a URI."""
    at = report.domain or domain
    return f"mailto:{quote(report.localpart, safe='!$&*+-._~')}@{at.ascii}".replace("!", "%21")


class DomainRecords(msgspec.Struct, frozen=True, kw_only=True):
    """The records that a domain and its host should have, with what they were made of. `host`: the machine's name for
    the domain.
    """

    snapshot: Snapshot
    domain: Domain
    settings: DomainConfig
    host: Domain
    keys: Keys
    wanted: Sequence[WantedRecord]

    def records(self, topic: Topic) -> list[WantedRecord]:
        """The wanted records of one topic."""
        return [record for record in self.wanted if record.topic == topic]


def records_of(snapshot: Snapshot, domain: Domain, held: HeldKeys | None = None) -> DomainRecords:
    """The records of a configured domain. Blocks: the keys are read, except those in `held`."""
    settings, keys = snapshot.domain(domain), read_keys(snapshot, domain, held)
    assert settings is not None
    return DomainRecords(
        snapshot=snapshot,
        domain=domain,
        settings=settings,
        host=offer_for(snapshot, domain).host,
        keys=keys,
        wanted=wanted_records(snapshot, domain, settings, keys),
    )


def wanted_records(snapshot: Snapshot, domain: Domain, settings: DomainConfig, keys: Keys) -> list[WantedRecord]:
    """All records of a domain and of its host, in the order of ADMIN-47."""
    host = offer_for(snapshot, domain).host
    records = [
        *_host(snapshot, domain, host, keys),
        WantedRecord("mx", _dot(domain), "MX", MX(MX_PREFERENCE, _dot(host))),
        *(
            WantedRecord("dkim", f"{selector}._domainkey.{_dot(domain)}", "TXT", text)
            for selector, text in sorted(keys.dkim.items())
        ),
        WantedRecord("spf", _dot(domain), "TXT", spf_text(snapshot)),
    ]
    if settings.dmarc is not None:
        rua = report_address(domain, settings.dmarc)
        policy = "reject" if settings.strict_records else "none"
        records.append(WantedRecord("dmarc", f"_dmarc.{_dot(domain)}", "TXT", f"v=DMARC1;p={policy};rua={rua}"))
        at = settings.dmarc.domain
        if at is not None and organizational_domain(at.ascii) != organizational_domain(domain.ascii):
            # RFC 9990 §3: a domain that receives reports about another one's says that it accepts them
            records.append(WantedRecord("dmarc", f"{domain.ascii}._report._dmarc.{_dot(at)}", "TXT", "v=DMARC1"))
    if settings.mtasts is not None:
        records.append(WantedRecord("mtasts", f"mta-sts.{_dot(domain)}", "CNAME", _dot(host)))
        text = f"v=STSv1; id={settings.mtasts.policy_id}"
        records.append(WantedRecord("mtasts", f"_mta-sts.{_dot(domain)}", "TXT", text))
    if settings.tlsrpt is not None:
        text = f"v=TLSRPTv1; rua={report_address(domain, settings.tlsrpt)}"
        records.append(WantedRecord("tlsrpt", f"_smtp._tls.{_dot(domain)}", "TXT", text))
    records += [*_clients(snapshot, domain, settings, host), *_authorities(snapshot, domain, settings, host, keys)]
    return sorted(records, key=lambda wanted_record: list(GROUPS).index(wanted_record.group))


def spf_text(snapshot: Snapshot) -> str:
    """The SPF record of all domains. It names each address, which costs receivers no look-up (AUTH-91)."""
    ips = dict.fromkeys((*(own_ips(snapshot) or ()), *socks_ips(snapshot)))
    return " ".join(["v=spf1", *map(_mechanism, ips), "mx", "~all"])


def _mechanism(ip: IPAddress) -> str:
    return f"ip{ip.version}:{ip}"


def _host(snapshot: Snapshot, domain: Domain, host: Domain, keys: Keys) -> Iterable[WantedRecord]:
    for ip in own_ips(snapshot) or ():
        yield WantedRecord("host", _dot(host), "A" if ip.version == 4 else "AAAA", str(ip))
    for record in keys.tlsa:
        yield WantedRecord("dane", f"_25._tcp.{_dot(host)}", "TLSA", record, live=False)
    if host == domain:
        return
    # name each address: DNS may give the host fewer than this machine sends from
    text = " ".join(["v=spf1", *map(_mechanism, own_ips(snapshot) or ()), "a", "-all"])
    yield WantedRecord("spf-host", _dot(host), "TXT", text)
    report = snapshot.static.host_tlsrpt
    if report is not None:
        address = f"mailto:{quote(report.localpart, safe='$&*+-._~')}@{snapshot.static.hostname.ascii}"
        yield WantedRecord("host-tlsrpt", f"_smtp._tls.{_dot(host)}", "TXT", f"v=TLSRPTv1; rua={address}")


def _clients(snapshot: Snapshot, domain: Domain, settings: DomainConfig, host: Domain) -> Iterable[WantedRecord]:
    """Records with which mail programs find their settings and services."""
    offer = offer_for(snapshot, domain)
    for own in settings.client_hosts:
        if own not in (host, domain):
            yield WantedRecord("client-settings", _dot(own), "CNAME", _dot(host))
    if any(listener.autoconfig_https.enabled for _, listener in public_first(snapshot)):
        yield WantedRecord("autoconfig", f"autoconfig.{_dot(domain)}", "CNAME", _dot(host))
        yield WantedRecord("autodiscover", f"autodiscover.{_dot(domain)}", "CNAME", _dot(host), optional=True)
        yield WantedRecord("autodiscover", f"_autodiscover._tcp.{_dot(domain)}", "SRV", SRV(0, 1, 443, _dot(host)))
        yield WantedRecord("pacc", f"ua-auto-config.{_dot(domain)}", "CNAME", _dot(host), optional=True)
        yield WantedRecord("pacc", f"{PACC_LABEL}.{_dot(domain)}", "TXT", agent_record(offer), optional=True)
    for service, servers, security in (
        ("_imaps", offer.imap, "tls"),
        ("_submissions", offer.submission, "tls"),
        ("_imap", offer.imap, "starttls"),
        ("_submission", offer.submission, "starttls"),
        ("_pop3", (), "starttls"),
        ("_pop3s", (), "tls"),
    ):
        found = [server for server in servers if server.security == security and not server.on_https]
        value = SRV(0, 1, found[0].port, _dot(found[0].host)) if found else SRV(0, 0, 0, ".")
        yield WantedRecord(
            "srv", f"{service}._tcp.{_dot(domain)}", "SRV", value, optional=security != "tls" or not found
        )
    if offer.managesieve:  # RFC 5804 §1.8
        first = offer.managesieve[0]
        record = SRV(0, 1, first.port, _dot(first.host))
        yield WantedRecord("srv", f"_sieve._tcp.{_dot(domain)}", "SRV", record, optional=True)
    if offer.jmap:  # RFC 8620 §2.2
        first = offer.jmap[0]
        record = SRV(0, 1, first.port, _dot(first.host))
        yield WantedRecord("srv", f"_jmap._tcp.{_dot(domain)}", "SRV", record, optional=True)
    for service in ("_caldavs", "_carddavs") if offer.dav else ():  # RFC 6764 §3, §4
        first, name = offer.dav[0], f"{service}._tcp.{_dot(domain)}"
        yield WantedRecord("srv", name, "SRV", SRV(0, 1, first.port, _dot(first.host)), optional=True)
        yield WantedRecord("srv", name, "TXT", f"path={DAV_PATH}", optional=True)


def _authorities(
    snapshot: Snapshot, domain: Domain, settings: DomainConfig, host: Domain, keys: Keys
) -> Iterable[WantedRecord]:
    """CAA records: the authorities that may issue certificates for the domain, and, for the host and names that lead to
    it, our account there (RFC 8657 §3). Other hosts of the domain may have accounts of their own.
    """
    issuers, joins = issuers_of(snapshot, keys.accounts), not settings.strict_records
    for issuer in issuers:
        yield WantedRecord("caa", _dot(domain), "CAA", CAA(0, "issue", issuer), optional=True, joins=joins)
    for issuer, account in issuers.items() if host != domain and any(issuers.values()) else ():
        value = f"{issuer};accounturi={account}" if account else issuer
        yield WantedRecord("caa", _dot(host), "CAA", CAA(0, "issue", value), optional=True, joins=joins)


def issuers_of(snapshot: Snapshot, accounts: Mapping[str, str]) -> dict[str, str]:
    """CAs of our certificates, by their names in CAA records, each with the URI of our account, or "".

    Args:
      accounts: as in `Keys`.
    """
    issuers: dict[str, str] = {}
    for _, listener in public_first(snapshot):
        name = None if listener.tls is None else listener.tls.acme
        acme = None if name is None else snapshot.static.acme.get(name)
        if acme is None or name is None:
            continue
        issuer = acme.issuer_domain_name or (LETSENCRYPT if f".{LETSENCRYPT}/" in str(acme.directory_url) else None)
        if issuer:
            issuers[issuer] = issuers.get(issuer) or accounts.get(name, "")
    return issuers


def _dot(domain: Domain) -> str:
    return f"{domain.ascii}."
