"""Others that use a domain, and rules that would bind them: found, left out of plans, shown apart (ADMIN-47a)."""

from ipaddress import ip_address

import dns.rdata
import dns.rdataclass
import pytest

from moxlite.admin.accounts import Refused
from moxlite.admin.dns.others import UNKNOWN, ServerIdentity, others_of
from moxlite.admin.dns.plan import Change, Data, Note, Published, Slot, make_plan
from moxlite.admin.dns.wanted import Kind, WantedRecord
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.admin.dnsproviders.messages import Record
from moxlite.admin.domains.changes import refuse_public
from moxlite.net.resolver import CAA, MX, FakeResolver, RecordType, TempError
from moxlite.proto.address import Domain

DOMAIN = Domain.parse("example.org")
OWN = ServerIdentity((Domain.parse("mx.example.org"),), (ip_address("192.0.2.1"),), ("letsencrypt.org",))


@pytest.mark.parametrize(
    ("kind", "name", "data", "others"),
    [
        ("TXT", "example.org.", "v=spf1 ip4:192.0.2.1 a mx ~all", []),
        ("TXT", "example.org.", "v=spf1 include:spf.news.example ~all", ["sender include:spf.news.example"]),
        ("TXT", "example.org.", "v=spf1 ip4:192.0.2.7 -all", ["sender ip4:192.0.2.7"]),
        ("TXT", "example.org.", "v=spf1 redirect=all.example", ["sender redirect=all.example"]),
        ("MX", "example.org.", "10 mx.example.org.", []),
        ("MX", "example.org.", "10 mx.old.example.", ["mail host mx.old.example"]),
        ("A", "example.org.", "192.0.2.1", []),
        ("A", "www.example.org.", "192.0.2.80", ["site www.example.org at 192.0.2.80"]),
    ],
)
async def test_others_are_found_in_dns(kind: str, name: str, data: str, others: list[str]) -> None:
    """ADMIN-47a: senders by SPF, mail hosts, sites; what is ours is not among them."""
    assert await others_of(FakeResolver({kind: {name: [data]}}), DOMAIN, OWN) == others


def test_notes_tell_what_a_replacement_would_change() -> None:
    """ADMIN-71a: mail hosts of others, which stay, not an alias in the way, which only the owner can remove."""
    key, alias, mail = "a._domainkey.example.org.", "www.example.org.", "example.org."
    wanted = [
        WantedRecord("dkim", key, "TXT", "v=DKIM1; p=BB"),
        WantedRecord("mx", mail, "MX", MX(10, "mx.example.org.")),
        WantedRecord("autoconfig", alias, "CNAME", "mx.example.org."),
    ]
    found: dict[Slot, list[Data]] = {
        (key, "TXT"): [rdata_of("TXT", "v=DKIM1; n= MX ; p=AA")],
        (mail, "MX"): [rdata_of("MX", MX(5, "mx.old.example."))],
        (alias, "A"): [rdata_of("A", "192.0.2.80")],
    }
    assert make_plan(wanted, found).left == (
        Note(f'keeping {key} TXT "v=DKIM1; n= MX ; p=AA"', "TXT", replaceable=True),
        Note(f"keeping {mail} MX 5 mx.old.example.", "MX", replaceable=True),
        Note(f"skipping {alias} CNAME because other records already exist", "CNAME"),
    )
    replacing = make_plan(wanted, found, replace=True)
    assert [note.kind for note in replacing.left] == ["CNAME"]
    assert {change.kind for change in replacing.changes} == {"TXT", "MX"}


async def test_other_cas_and_what_a_provider_lists_are_found() -> None:
    """ADMIN-47a: CAs by CAA; from the whole zone also other sites, and signatures of services."""
    resolver = FakeResolver()
    resolver.set(
        "example.org.", RecordType.CAA, [CAA(0, "issue", "ca.example; x=y"), CAA(0, "issue", "letsencrypt.org")]
    )
    listed = [
        Record("shop.example.org.", "CNAME", "shops.example."),
        Record("mail.example.org.", "CNAME", "mx.example.org."),
        Record("k1._domainkey.example.org.", "CNAME", "dkim.news.example."),
        Record("example.org.", "TXT", '"v=spf1 " "ip4:192.0.2.9 -all"'),
        Record("elsewhere.example.", "A", "192.0.2.8"),
    ]
    assert await others_of(resolver, DOMAIN, OWN, listed) == [
        "site shop.example.org at shops.example",
        "DKIM key k1._domainkey.example.org",
        "sender ip4:192.0.2.9",
        "CA ca.example",
    ]


async def test_silence_is_not_taken_for_nobody() -> None:
    """ADMIN-47a: where DNS doesn't answer, others may be there."""
    resolver = FakeResolver(failing={"www.example.org.": TempError("no answer")})
    assert await others_of(resolver, DOMAIN, OWN) == [UNKNOWN]


def data(kind: Kind, text: str) -> Data:
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def txt(text: str) -> Data:
    return data("TXT", f'"{text}"')


@pytest.mark.parametrize(
    ("kind", "name", "before", "add", "group"),
    [
        ("MX", "example.org.", "", "10 mx.example.org.", "mail"),
        ("TXT", "a._domainkey.example.org.", "", '"v=DKIM1;p=x"', "signatures"),
        ("TXT", "example.org.", "", '"v=spf1 mx ~all"', "signatures"),
        ("SRV", "_imaps._tcp.example.org.", "", "0 1 993 mx.example.org.", "settings"),
        ("TXT", "_dmarc.example.org.", "", '"v=DMARC1;p=none;rua=mailto:a@example.org"', "settings"),
        ("TXT", "_dmarc.example.org.", "", '"v=DMARC1;p=reject"', "rules"),
        ("TXT", "_dmarc.example.org.", '"v=DMARC1; p=none"', '"v=DMARC1; p=quarantine"', "rules"),
        (
            "TXT",
            "_dmarc.example.org.",
            '"v=DMARC1; p=reject"',
            '"v=DMARC1; p=reject; rua=mailto:a@b.example"',
            "settings",
        ),
        ("CAA", "example.org.", "", '0 issue "letsencrypt.org"', "rules"),
        ("CAA", "example.org.", '0 issue "ca.example"', '0 issue "letsencrypt.org"', "settings"),
    ],
)
def test_rules_that_bind_others_are_a_group_of_their_own(
    kind: Kind, name: str, before: str, add: str, group: str
) -> None:
    """ADMIN-71c: what binds nobody anew is not among them."""
    there = (data(kind, before),) if before else ()
    assert Change(name, kind, there, there, (data(kind, add),)).group == group


def caa(*, joins: bool) -> WantedRecord:
    return WantedRecord("caa", "example.org.", "CAA", CAA(0, "issue", "letsencrypt.org"), joins=joins)


def test_a_ca_joins_others_and_never_forbids_them() -> None:
    """ADMIN-71a: without the rule, our CA is added only where others are listed, and taken back once it is alone; no
    record of another CA goes, not even by --replace.
    """
    slot: Slot = ("example.org.", "CAA")
    ours, other = data("CAA", '0 issue "letsencrypt.org"'), data("CAA", '0 issue "ca.example"')
    assert make_plan([caa(joins=True)], {}).changes == ()
    for joins in (True, False):
        [change] = make_plan([caa(joins=joins)], {slot: [other]}, replace=True).changes
        assert (change.remove, change.add) == ((), (ours,))
    [change] = make_plan([caa(joins=True)], {slot: [ours]}, {slot: [Published(ours)]}).changes
    assert (change.remove, change.add) == ((ours,), ())


def test_the_policy_of_our_own_record_follows_the_configuration() -> None:
    """ADMIN-71c: later p=reject replaces our p=none; the policy in a record of the owner stays."""
    slot: Slot = ("_dmarc.example.org.", "TXT")
    none, reject = (f"v=DMARC1;p={policy};rua=mailto:d@example.org" for policy in ("none", "reject"))
    wanted = [WantedRecord("dmarc", "_dmarc.example.org.", "TXT", reject)]
    [change] = make_plan(wanted, {slot: [txt(none)]}, {slot: [Published(txt(none))]}).changes
    assert (change.remove, change.add, change.group) == ((txt(none),), (txt(reject),), "rules")
    assert make_plan(wanted, {slot: [txt(none)]}).changes == ()


@pytest.mark.parametrize("name", ["gmail.com", "GMail.com", "sub.yahoo.co.uk", "web.de"])
def test_a_domain_of_a_public_provider_is_refused(name: str) -> None:
    """ADMIN-35e: its mail can't come to another server."""
    with pytest.raises(Refused, match="public mail provider"):
        refuse_public(Domain.parse(name))
    refuse_public(Domain.parse("notgmail.com"))
