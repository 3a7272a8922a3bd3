"""The records that we print, in a zone that knot signs and unbound verifies, and what the check says of them."""

import ipaddress
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.zone
import pytest

from moxlite.admin.dns.check import TOPICS, check_domain
from moxlite.admin.dns.report import Report
from moxlite.admin.domains import require_domain
from moxlite.cli import run
from moxlite.config.load import load
from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import FakeResolver, Resolver, TempError
from tests.dnsworld import DNSWorld

pytestmark = [pytest.mark.integration, pytest.mark.served]

Capture = pytest.CaptureFixture[str]

STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
host_tlsrpt = {{ account = "me", mailbox = "TLSRPT", localpart = "tlsreports" }}
[postmaster]
account = "me"
mailbox = "Postmaster"
[acme.letsencrypt]
directory_url = "https://acme-v02.api.letsencrypt.org/directory"
contact_email = "me@example.org"
{static}
[listeners.public]
ips = ["192.0.2.1", "2001:db8::1"]
tls.acme = "letsencrypt"
tls.host_private_key_files = ["rsa.pem", "ec.pem"]
smtp.enabled = true
submissions.enabled = true
imaps.enabled = true
autoconfig_https.enabled = true
mtasts_https.enabled = true
"""

DOMAINS = """\
[domains."example.org"]
client_settings_domain = "mail.example.org"
dkim.selectors.a = { key_file = "rsa.pem" }
dkim.selectors.c = { key_file = "ed25519.pem" }
dkim.sign = ["a"]
dmarc = { localpart = "dmarcreports", account = "me", mailbox = "DMARC" }
tlsrpt = { localpart = "tlsreports", account = "me", mailbox = "TLSRPT" }
mtasts = { policy_id = "20261121T120000", mode = "testing", max_age = "7d" }
[accounts.me]
domain = "example.org"
[accounts.me.destinations."me@example.org"]
"""

HOST = "mx.example.org. A 192.0.2.1\nmx.example.org. AAAA 2001:db8::1\n"
REVERSE6 = ipaddress.ip_address("2001:db8::1").reverse_pointer.removesuffix(".8.b.d.0.1.0.0.2.ip6.arpa")


@pytest.fixture(scope="module")
def world() -> Iterator[DNSWorld]:
    zones = {
        "com": "",
        "example.org": HOST,
        "2.0.192.in-addr.arpa": "1 PTR mx.example.org.",
        "8.b.d.0.1.0.0.2.ip6.arpa": f"{REVERSE6} PTR mx.example.org.",
    }
    with DNSWorld(zones) as world:
        yield world


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "moxlite.toml").write_text(STATIC.format(static=""))
    (tmp_path / "domains.toml").write_text(DOMAINS)
    for name, kind in (
        ("rsa", ["RSA"]),
        ("ec", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("ed25519", ["ed25519"]),
    ):
        command = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(tmp_path / f"{name}.pem")]
        subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("MOXLITE_CONF", str(tmp_path / "moxlite.toml"))
    return tmp_path


class Services:
    """Our services as a stranger finds them; what is in `broken` is what is wrong with all of them."""

    def __init__(self, policy: str = "", broken: str = "") -> None:
        self.policy = policy or "version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
        self.broken = broken
        self.tried: list[tuple[str, int, str]] = []

    async def smtp(self, ip: IPAddress, host: str) -> str:
        return await self.tls(ip, 25, host)

    async def tls(self, ip: IPAddress, port: int, host: str) -> str:
        self.tried.append((str(ip), port, host))
        return self.broken

    async def fetch(self, url: str) -> bytes:
        assert url == "https://mta-sts.example.org/.well-known/mta-sts.txt"
        if self.broken:
            raise FetchFailed(self.broken)
        return self.policy.encode()


async def checked(config: Path, resolver: Resolver, services: Services, *, served: bool = True) -> dict[str, Report]:
    snapshot, _ = load(config / "moxlite.toml")
    domain, settings = require_domain(snapshot, "example.org")
    return await check_domain(snapshot, domain, settings, resolver, services, served=served)


def moxlite(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "moxlite", *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


async def test_records_that_we_print_pass_our_own_check(config: Path, world: DNSWorld) -> None:
    """ADMIN-47, ADMIN-48, AUTH-67, AUTH-73, AUTH-74, AUTH-91: put into a signed zone they give no error and no warning;
    every service is tried under the names that others use.
    """
    world.set("example.org", HOST)
    done = moxlite("config", "dnsrecords", "example.org", "--resolver", world.server)
    world.set("example.org", HOST + done.stdout)
    services = Services()
    reports = await checked(config, world.resolver(), services)
    assert {name: (one.errors, one.warnings) for name, one in reports.items()} == dict.fromkeys(TOPICS, ([], []))
    assert ["mode testing" in line for line in reports["mtasts"].instructions] == [True]
    assert {(port, host) for _, port, host in services.tried} == {
        (25, "mx.example.org"),
        (443, "mx.example.org"),
        (443, "autoconfig.example.org"),
        (993, "mail.example.org"),
    }
    assert {ip for ip, _, _ in services.tried} == {"192.0.2.1", "2001:db8::1"}

    check = moxlite("--json", "config", "dnscheck", "example.org", "--resolver", world.server)
    assert check.returncode == 0, check.stdout
    found = json.loads(check.stdout)
    assert set(found) == set(TOPICS)
    assert [one for one in found.values() if one["errors"] or one["warnings"]] == []
    assert "the server does not run" in found["tls"]["instructions"][0]


def test_a_zone_file_and_nothing_else(config: Path) -> None:
    """ADMIN-47: names are absolute, strings at most 255 octets, what is not offered is a dot; TLSA records stand in
    comments where the zone is not signed, ECDSA first; no `!10m`.
    """
    out = moxlite("config", "dnsrecords", "example.org", "--resolver", "127.0.0.1:1").stdout
    lines = [line for line in out.splitlines() if line and not line.startswith(";")]
    assert lines[0] == "$TTL 300"
    assert all(line.split()[0].endswith(".") for line in lines[1:])
    assert 'mx.example.org. TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 a -all"' in lines
    assert 'example.org. TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 mx ~all"' in lines
    assert '_dmarc.example.org. TXT "v=DMARC1;p=reject;rua=mailto:dmarcreports@example.org"' in lines
    assert '_smtp._tls.mx.example.org. TXT "v=TLSRPTv1; rua=mailto:tlsreports@mx.example.org"' in lines
    assert '_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:tlsreports@example.org"' in lines
    assert '_mta-sts.example.org. TXT "v=STSv1; id=20261121T120000"' in lines
    assert "mta-sts.example.org. CNAME mx.example.org." in lines
    assert "mail.example.org. CNAME mx.example.org." in lines
    assert "_imaps._tcp.example.org. SRV 0 1 993 mail.example.org." in lines
    assert "_autodiscover._tcp.example.org. SRV 0 1 443 mx.example.org." in lines
    for service in ("_imap", "_submission", "_pop3", "_pop3s"):
        assert f"{service}._tcp.example.org. SRV 0 0 0 ." in lines
    assert 'example.org. CAA 0 issue "letsencrypt.org"' in lines
    tlsa = [line for line in out.splitlines() if "TLSA 3 1 1" in line]
    assert len(tlsa) == 2
    assert all(line.startswith("; _25._tcp.mx.example.org. TLSA 3 1 1 ") for line in tlsa)
    command = ["openssl", "pkey", "-in", str(config / "ec.pem"), "-pubout", "-outform", "DER"]
    ec = subprocess.run(command, check=True, capture_output=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=ec, check=True, capture_output=True).stdout
    assert tlsa[0].split()[-1] == digest.decode().split()[0]
    zone = dns.zone.from_text(f"@ SOA a. b. 1 1 1 1 1\n@ NS a.\n{out}", origin="example.org", check_origin=False)
    [selector] = zone.find_rdataset("a._domainkey", "TXT")
    assert next(len(piece) for piece in selector.strings) == 255
    assert len(selector.strings) == 2


async def test_spf_permits_addresses_that_the_host_does_not_have_in_dns(config: Path, world: DNSWorld) -> None:
    """ADMIN-47, ADMIN-48: a machine with two addresses, of which DNS gives the host one."""
    records = moxlite("config", "dnsrecords", "example.org", "--resolver", world.server).stdout
    world.set("example.org", "mx.example.org. A 192.0.2.1\n" + records)
    reports = await checked(config, world.resolver(), Services(), served=False)
    assert (reports["spf"].errors, reports["spf"].warnings) == ([], [])


async def test_nothing_in_dns_yet(config: Path, world: DNSWorld) -> None:
    """ADMIN-48: each thing that is missing is named, with the record to add."""
    world.set("example.org", HOST)
    reports = await checked(config, world.resolver(), Services(), served=False)
    for topic in ("mx", "spf", "dkim", "dmarc", "tlsrpt", "host-tlsrpt", "mtasts", "srv", "autoconfig", "autodiscover"):
        assert reports[topic].errors, topic
        assert any("add to DNS: " in line for line in reports[topic].instructions), topic
    assert any(
        "autoconfig.example.org. has no address: DNS does not know" in line for line in reports["autoconfig"].errors
    )
    assert reports["iprev"].errors == []
    optional = [line for line in reports["srv"].instructions if "_pop3" in line]
    assert optional == [], "what may be left out is not asked for (AUTH-91)"
    done = moxlite("config", "dnscheck", "example.org", "--resolver", world.server)
    assert (done.returncode, done.stderr) == (1, "")
    assert "error: no MX record" in done.stdout


async def test_dane_tells_what_senders_would_refuse(config: Path, world: DNSWorld) -> None:
    """ADMIN-48, AUTH-67: a foreign record and a missing one are errors."""
    world.set("example.org", f"{HOST}@ MX 10 mx\n_25._tcp.mx TLSA 3 1 1 {'ab' * 32}\n")
    report = (await checked(config, world.resolver(), Services()))["dane"]
    assert any("lacks 2 TLSA records" in line for line in report.errors)
    assert any("not of our keys" in line for line in report.errors)
    (config / "moxlite.toml").write_text(
        STATIC.format(static="").replace('tls.host_private_key_files = ["rsa.pem", "ec.pem"]', "")
    )
    report = (await checked(config, world.resolver(), Services()))["dane"]
    assert (report.errors, len(report.warnings)) == ([], 1)
    assert "ensure-acme-host-keys" in report.instructions[0]


async def test_a_relay_is_named(config: Path, world: DNSWorld) -> None:
    """ADMIN-48a: what a smarthost needs in SPF and DKIM cannot be checked."""
    smarthost = '[transports.out.submissions]\nhost = "smtp.provider.example"\n'
    (config / "moxlite.toml").write_text(STATIC.format(static=smarthost))
    (config / "domains.toml").write_text(DOMAINS + '[[routes]]\ntransport = "out"\n')
    reports = await checked(config, world.resolver(), Services())
    for topic in ("spf", "dkim"):
        assert any("out (smtp.provider.example)" in line for line in reports[topic].instructions)
    (config / "domains.toml").write_text(DOMAINS + '[[routes]]\ntransport = "out"\nfrom_domain = ["other.example"]\n')
    reports = await checked(config, world.resolver(), Services())
    assert not any("provider" in line for line in reports["spf"].instructions)


async def test_without_mtasts_a_warning_stays(config: Path, world: DNSWorld) -> None:
    """AUTH-73: absent record and policy are no error then, and never plain green."""
    (config / "domains.toml").write_text(
        "\n".join(line for line in DOMAINS.splitlines() if not line.startswith("mtasts"))
    )
    world.set("example.org", HOST)
    report = (await checked(config, world.resolver(), Services()))["mtasts"]
    assert (report.errors, len(report.warnings)) == ([], 1)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("version: STSv1\nmode: none\nmax_age: 604800\n", "mode none"),
        ("version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n", "kept for 86400 s only"),
        ("version: STSv1\nmode: enforce\nmx: other.example\nmax_age: 604800\n", "does not name our host"),
        ("not a policy", "policy-syntax"),
    ],
)
async def test_a_policy_that_does_not_fit(config: Path, world: DNSWorld, policy: str, text: str) -> None:
    """ADMIN-48, AUTH-73."""
    world.set("example.org", f'{HOST}@ MX 10 mx\nmta-sts CNAME mx\n_mta-sts TXT "v=STSv1; id=20261121T120000"\n')
    report = (await checked(config, world.resolver(), Services(policy)))["mtasts"]
    assert any(text in line for line in [*report.errors, *report.warnings]), report


async def test_a_reverse_name_that_is_not_ours(config: Path, world: DNSWorld) -> None:
    """AUTH-60: a confirmed other name is a warning, behind NAT nothing, never an error; one that leads elsewhere is an
    error.
    """
    world.set("example.org", f"{HOST}other A 192.0.2.1\n")
    world.set("2.0.192.in-addr.arpa", "1 PTR other.example.org.")
    try:
        report = (await checked(config, world.resolver(), Services()))["iprev"]
        assert (report.errors, len(report.warnings)) == ([], 1)
        natted = STATIC.format(static="").replace('ips = ["192.0.2.1"', 'nat_ips = ["192.0.2.1"]\nips = ["10.0.0.1"')
        (config / "moxlite.toml").write_text(natted.replace("2001:db8::1", "fd00::1"))
        report = (await checked(config, world.resolver(), Services()))["iprev"]
        assert report.warnings == []
        world.set("2.0.192.in-addr.arpa", "1 PTR nowhere.example.org.")
        report = (await checked(config, world.resolver(), Services()))["iprev"]
        assert any("does not lead back" in line for line in report.errors)
    finally:
        world.set("2.0.192.in-addr.arpa", "1 PTR mx.example.org.")


async def test_hostile_answers_are_entries(config: Path) -> None:
    """ADMIN-67: failing look-ups, huge records, services that say nothing: entries, and no exception."""
    names = ["example.org", "_dmarc.example.org", "com", "mx.example.org", "a._domainkey.example.org"]
    resolver = FakeResolver(
        {
            "TXT": {
                "_smtp._tls.example.org": ["v=TLSRPTv1;" * 5000],
                "c._domainkey.example.org": ["p=" + "A" * 60_000],
            },
            "SRV": {},
            "MX": {},
        },
        failing={name: TempError("SERVFAIL", dnssec=True) for name in names},
    )
    reports = await checked(config, resolver, Services(broken="refused"))
    assert set(reports) == set(TOPICS)
    for topic in ("mx", "spf", "dkim", "dmarc", "tlsrpt", "iprev"):
        assert reports[topic].errors, topic
    assert not any("the check failed" in line for one in reports.values() for line in one.errors)


async def test_a_silent_resolver_costs_half_a_minute(config: Path, autojump_clock: object) -> None:
    """ADMIN-67: and each topic says so."""
    names = dict.fromkeys(["example.org.", "mx.example.org.", "_dmarc.example.org.", "com."], 1000.0)
    reports = await checked(config, FakeResolver(delays=names), Services())
    for topic in ("dnssec", "mx", "dmarc"):
        assert reports[topic].errors == ["the check did not end within 30 s"]


def test_settings_for_mail_programs(config: Path, capsys: Capture) -> None:
    """ADMIN-19, WEB-125: the host of the domain, with TLS from the start."""
    assert run(["config", "clientconfig", "example.org"]) == 0
    out = capsys.readouterr().out
    assert "mail.example.org port 993, TLS" in out
    assert "mail.example.org port 465, TLS" in out
    assert run(["config", "clientconfig", "other.example"]) == 1
