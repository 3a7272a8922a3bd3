"""Records for the checks of receivers, merged with records that are there, and the checks (docs/spec/admin.md §9)."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from moxlite.admin.dns.check import check_domain
from moxlite.admin.dns.plan import make_plan
from moxlite.admin.dns.report import Report
from moxlite.admin.dns.wanted import TOPICS, HeldKeys, Keys, merged_spf, wanted_records
from moxlite.admin.dns.zonefile import rdata_of
from moxlite.autotls.files import Folder, HostState, State
from moxlite.config.load import load
from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.resolver import MX, FakeResolver
from moxlite.net.tls.certificates import self_signed
from moxlite.proto.address import Domain
from tests.small_config import DOMAINS, STATIC

ACME = '[acme.ca]\ndirectory_url = "https://ca.example/"\ncontact_email = "me@example.org"\n'
TLS = 'smtp.enabled = true\ntls.acme = "ca"\ntls.host_private_key_files = ["key.pem"]\n'
OWN = "v=spf1 ip4:192.0.2.1 mx ~all"


def test_no_term_of_a_long_record_is_lost() -> None:
    """ADMIN-48b: a record that is replaced keeps what else it permits, and its own `all`."""
    terms = [f"ip4:198.51.100.{number}" for number in range(60)]
    merged = merged_spf(OWN, [" ".join(["v=spf1", *terms, "-all"])])
    assert merged.split() == ["v=spf1", "ip4:192.0.2.1", "mx", *terms, "-all"]


@pytest.mark.parametrize(
    ("found", "merged"),
    [
        ([], OWN),
        (["v=spf1 include:provider.example -all"], "v=spf1 ip4:192.0.2.1 mx include:provider.example -all"),
        (["v=spf1 a ?ALL"], "v=spf1 ip4:192.0.2.1 mx a ?all"),
        (["v=spf1 a ~all", "v=spf1 b.example -all"], "v=spf1 ip4:192.0.2.1 mx a b.example -all"),
        (["v=spf1 a +all"], OWN.replace("~", "a ~")),
        (["v=spf1 redirect=other.example"], "v=spf1 ip4:192.0.2.1 mx include:other.example ~all"),
        (["v=spf1 mx ip4:192.0.2.1 -all"], "v=spf1 mx ip4:192.0.2.1 -all"),
    ],
)
def test_the_owners_own_qualifier_stays(found: list[str], merged: str) -> None:
    """ADMIN-71a: `-all` is not weakened to `~all`; a record that permits all senders is not kept."""
    assert merged_spf(OWN, found) == merged


async def test_the_check_advises_the_text_that_an_update_would_publish(tmp_path: Path) -> None:
    """ADMIN-48b, ADMIN-71a: for each text of which there may be only one; both keep what the one in DNS permits."""
    reports = 'localpart = "r", account = "me", mailbox = "Reports"'
    static = STATIC.replace("127.0.0.1", "192.0.2.1").replace("listeners.local", "listeners.public")
    (tmp_path / "moxlite.toml").write_text(f"host_tlsrpt = {{ {reports} }}\n{static}")
    domains = f'[domains."example.org"]\ndmarc = {{ {reports} }}\ntlsrpt = {{ {reports} }}\n'
    (tmp_path / "domains.toml").write_text(DOMAINS.replace('[domains."example.org"]\n', domains))
    snapshot, _ = load(tmp_path / "moxlite.toml")
    domain = Domain.parse("example.org")
    settings = snapshot.domain(domain)
    assert settings is not None
    single = {"spf", "spf-host", "dmarc", "tlsrpt", "host-tlsrpt"}
    records = [one for one in wanted_records(snapshot, domain, settings, Keys({}, ())) if one.topic in single]
    assert {one.topic for one in records} == single
    others = {one.name: f"{TOPICS[one.topic].start}; rua=mailto:other@example.net; p=none" for one in records}
    others |= {one.name: "v=spf1 ip4:198.51.100.1 -all" for one in records if one.merge is merged_spf}
    resolver = FakeResolver({"TXT": {name: [text] for name, text in others.items()}})
    unused: Any = None
    topics = ["spf", "dmarc", "tlsrpt", "host-tlsrpt"]
    reports_by_topic = await check_domain(snapshot, domain, resolver, unused, served=False, topics=topics)
    advice = {line.partition(" in DNS with: ")[2] for one in reports_by_topic.values() for line in one.instructions}
    plan = make_plan(records, {(name, "TXT"): [rdata_of("TXT", text)] for name, text in others.items()})
    assert plan.left == ()
    assert {f"{one.name} TXT {one.add[0].to_text()}" for one in plan.changes} <= advice


@pytest.mark.parametrize(("domain", "asked"), [("lists.example.org", 0), ("other.example", 1)])
async def test_reports_within_an_organization_need_no_consent(tmp_path: Path, domain: str, asked: int) -> None:
    """ADMIN-47, ADMIN-48: a domain below another one may send its DMARC reports there (RFC 9990 §3); neither a record
    is printed for that, nor its absence an error.
    """
    reports = 'dmarc = { domain = "example.org", localpart = "d", account = "me", mailbox = "DMARC" }'
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(f'[domains."{domain}"]\n{reports}\n{DOMAINS}')
    snapshot, _ = load(tmp_path / "moxlite.toml")
    own = Domain.parse(domain)
    settings = snapshot.domain(own)
    assert settings is not None
    names = [record.name for record in wanted_records(snapshot, own, settings, Keys({}, ()))]
    assert names.count(f"{domain}._report._dmarc.example.org.") == asked
    resolver = FakeResolver({"TXT": {f"_dmarc.{domain}": ["v=DMARC1;p=reject;rua=mailto:d@example.org"]}})
    unused: Any = None
    found = await check_domain(snapshot, own, resolver, unused, served=False, topics=["dmarc"])
    assert len(found["dmarc"].errors) == asked


async def test_what_was_not_looked_at_is_not_fine(tmp_path: Path) -> None:
    """ADMIN-48: where the look-up of MX fails, the topics that need its hosts say that they were not checked."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    snapshot, _ = load(tmp_path / "moxlite.toml")
    domain = Domain.parse("example.org")
    settings = snapshot.domain(domain)
    assert settings is not None
    resolver = FakeResolver({}, failing=["example.org"])
    unused: Any = None
    topics = ["mx", "tls", "dane"]
    found = await check_domain(snapshot, domain, resolver, unused, served=False, topics=topics)
    assert found["mx"].errors == ["couldn't look up example.org. MX: made to fail"]
    for topic in topics[1:]:
        assert found[topic].warnings[0] == f"not checked: {found['mx'].errors[0]}"


@pytest.mark.parametrize("signed", [["com"], ["com", "example.org"]])
async def test_a_zone_without_dnssec_is_one_note(tmp_path: Path, signed: list[str]) -> None:
    """ADMIN-48, AUTH-10: DNSSEC is optional; where only the host's zone lacks it, the topic of DANE says so. Neither is
    "ok" without it.
    """
    (tmp_path / "moxlite.toml").write_text(STATIC + TLS + ACME)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    snapshot, _ = load(tmp_path / "moxlite.toml")
    keys = HeldKeys(dkim=lambda _: None, hosts={"local": [ec.generate_private_key(ec.SECP256R1())]})
    records: dict[str, Any] = {"NS": {"com": ["ns.example."]}, "MX": {"example.org": [MX(10, "mx.example.org.")]}}
    found = await check_domain(
        snapshot,
        Domain.parse("example.org"),
        FakeResolver(records, authentic=signed),
        cast(Any, None),
        served=False,
        held=keys,
        topics=["dnssec", "dane"],
    )
    assert [report.errors + report.warnings for report in found.values()] == [[], []]
    notes = [note for report in found.values() for note in report.instructions]
    assert len(notes) == 1
    assert ("Mail works without it" in notes[0]) == ("example.org" not in signed)
    assert [report.unused for report in found.values()] == ["example.org" not in signed, True]


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_policy_at_a_private_address_names_the_setting(tmp_path: Path, allowed: bool) -> None:
    """ADMIN-48: with the place where it belongs; not where it is set already."""
    (tmp_path / "moxlite.toml").write_text("allow_private_mx = true\n" * allowed + STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    snapshot, _ = load(tmp_path / "moxlite.toml")
    records = {
        "TXT": {"_mta-sts.example.org": ["v=STSv1; id=1;"]},
        "A": {"mta-sts.example.org": ["10.0.0.1"]},
    }

    async def fetch(*_: object, **__: object) -> NoReturn:
        raise FetchFailed("its address is on a private network")

    network: Any = SimpleNamespace(fetch=fetch)
    domain = Domain.parse("example.org")
    found = await check_domain(snapshot, domain, FakeResolver(records), network, served=True, topics=["mtasts"])
    [failure] = [one for one in found["mtasts"].findings if one.grade == "error"]
    assert "private network" in failure.text
    assert any("`allow_private_mx = true` at the top" in line for line in failure.commands) == (not allowed)


async def test_a_name_whose_certificate_is_being_obtained_is_no_error(tmp_path: Path) -> None:
    """ADMIN-48: right after the start a name shows the certificate of another, or none; once an order has failed, or a
    certificate is there, that is an error.
    """
    (tmp_path / "moxlite.toml").write_text(STATIC + ACME)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    snapshot, _ = load(tmp_path / "moxlite.toml")
    domain = Domain.parse("example.org")
    settings = snapshot.domain(domain)
    assert settings is not None
    resolver = FakeResolver(
        {"MX": {"example.org": [MX(10, "mx.example.org.")]}, "A": {"mx.example.org": ["127.0.0.1"]}}
    )
    network: Any = SimpleNamespace(smtp=unknown_issuer)
    files = Folder(snapshot.static.data_dir / "acme", "ca")

    async def tls() -> Report:
        found = await check_domain(snapshot, domain, resolver, network, served=True, topics=["tls"])
        return found["tls"]

    assert (await tls()).errors == ["TLS for mx.example.org: self-signed certificate"]
    files.write_state(State(hosts={"mx.example.org": HostState(since=1.0)}))
    report = await tls()
    assert report.errors == []
    assert report.instructions[-1].endswith("try again in a few minutes")
    files.write_state(State(hosts={"mx.example.org": HostState(since=1.0, error="no")}))
    assert (await tls()).errors != []
    files.write_state(State(hosts={"mx.example.org": HostState(since=1.0)}))
    files.write_certificate("mx.example.org", self_signed(["mx.example.org"]), with_key=True)
    assert (await tls()).errors != []


async def unknown_issuer(ip: object, host: str) -> str:
    return "self-signed certificate"
