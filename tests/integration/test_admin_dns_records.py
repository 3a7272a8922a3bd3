"""The records that we print, in a zone that knot signs and unbound verifies, and what the check says of them."""

import contextlib
import datetime as dt
import io
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.zone
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.admin.dns.check import CHECKS, check_domain
from moxlite.admin.dns.network import Internet
from moxlite.admin.dns.report import Report
from moxlite.admin.dns.wanted import TOPICS, records_of
from moxlite.admin.dns.zonefile import zone_line
from moxlite.admin.domains.changes import require_domain
from moxlite.cli import run
from moxlite.config.domains import POLICY_ID_TIME
from moxlite.config.load import load
from moxlite.mailauth.mtasts import FetchFailed
from moxlite.net.httpclient import HTTPClient
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import MX, SRV, TLSA, FakeResolver, RecordType, Resolver, TempError
from moxlite.net.tls.certificates import Trust, load_private_key
from tests.dnsworld import DNSWorld
from tests.running import make_certificate
from tests.signedroot import SignedRoot
from tests.tools import moxlite_command

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
client_settings_aliases = ["imap.example.org"]
dkim.selectors.a = { key_file = "rsa.pem" }
dkim.selectors.c = { key_file = "ed25519.pem" }
dkim.sign = ["a"]
dmarc = { localpart = "dmarcreports", account = "me", mailbox = "DMARC" }
tlsrpt = { localpart = "tlsreports", account = "me", mailbox = "TLSRPT" }
mtasts = { policy_id = "20250101T000000", mode = "testing", max_age = "7d" }
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

    def __init__(self, policy: str = "", broken: str = "", chain: Sequence[x509.Certificate] = ()) -> None:
        self.policy = policy or "version: STSv1\r\nmode: testing\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
        self.broken = broken
        self.chain = chain
        self.tried: list[tuple[str, int, str]] = []

    async def smtp(self, ip: IPAddress, host: str) -> str:
        return await self.tls(ip, 25, host)

    async def shown(self, ip: IPAddress, host: str) -> tuple[Sequence[x509.Certificate], str]:
        return self.chain, self.broken

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
    domain, _ = require_domain(snapshot, "example.org")
    return await check_domain(snapshot, domain, resolver, services, served=served)


def moxlite(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [*moxlite_command(), *args]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_the_account_at_the_ca_is_in_the_hosts_record_alone(config: Path) -> None:
    """ADMIN-47, RFC 8657: names that lead to the host follow it; other hosts of the domain have their own accounts. A
    text that is not a URI is not printed.
    """
    account = config / "data/acme/letsencrypt.account"
    account.parent.mkdir(parents=True)

    def records() -> list[str]:
        out = moxlite("config", "dnsrecords", "example.org", "--resolver", "127.0.0.1:1").stdout
        return [line for line in out.splitlines() if " CAA " in line]

    domain = 'example.org. CAA 0 issue "letsencrypt.org"'
    account.write_text("https://acme.example/1;x")
    assert records() == [domain]
    account.write_text("https://acme-v02.api.letsencrypt.org/acme/acct/7")
    own = "letsencrypt.org;accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/7"
    assert records() == [domain, f'mx.example.org. CAA 0 issue "{own}"']


async def test_records_that_we_print_pass_our_own_check(config: Path, world: DNSWorld) -> None:
    """ADMIN-47, ADMIN-48, AUTH-67, AUTH-73, AUTH-74, AUTH-91: put into a signed zone they give no error and no warning;
    every service is tried under the names that others use.
    """
    world.set("example.org", HOST)
    done = moxlite("config", "dnsrecords", "example.org", "--resolver", world.server)
    world.set("example.org", HOST + done.stdout)
    services = Services(chain=[certificate(config / "ec.pem")])
    reports = await checked(config, world.resolver(), services)
    assert {name: (one.errors, one.warnings) for name, one in reports.items()} == dict.fromkeys(CHECKS, ([], []))
    assert ["testing mode" in line for line in reports["mtasts"].instructions] == [True]
    assert {(port, host) for _, port, host in services.tried} == {
        (25, "mx.example.org"),
        (443, "mx.example.org"),
        (443, "autoconfig.example.org"),
        (443, "ua-auto-config.example.org"),
        (993, "mail.example.org"),
        (993, "imap.example.org"),
    }
    assert {ip for ip, _, _ in services.tried} == {"192.0.2.1", "2001:db8::1"}

    check = moxlite("--json", "config", "dnscheck", "example.org", "--resolver", world.server)
    assert check.returncode == 0, check.stdout
    found = json.loads(check.stdout)
    assert set(found) == {"servers", *CHECKS}
    assert [one for one in found.values() if one["errors"] or one["warnings"]] == []
    assert "the server isn't running" in found["tls"]["instructions"][0]


async def test_a_new_policy_is_only_tested_for_three_weeks(config: Path, world: DNSWorld) -> None:
    """ADMIN-48, AUTH-60: the note that ends its testing mode comes when there are reports to look at."""
    began = dt.datetime.now(dt.UTC)
    for age, notes in ((0, 0), (20, 0), (22, 1)):
        new = DOMAINS.replace("20250101T000000", (began - dt.timedelta(days=age)).strftime(POLICY_ID_TIME))
        (config / "domains.toml").write_text(new)
        done = moxlite("config", "dnsrecords", "example.org", "--resolver", world.server)
        world.set("example.org", HOST + done.stdout)
        report = (await checked(config, world.resolver(), Services()))["mtasts"]
        assert (report.errors, len([line for line in report.instructions if "testing mode" in line])) == ([], notes)


def test_a_zone_file_and_nothing_else(config: Path) -> None:
    """ADMIN-47: names are absolute, strings at most 255 octets, what is not offered is a dot; TLSA records are in
    comments where the zone is not signed, ECDSA first; no `!10m`.
    """
    out = moxlite("config", "dnsrecords", "example.org", "--resolver", "127.0.0.1:1").stdout
    lines = [line for line in out.splitlines() if line and not line.startswith(";")]
    assert lines[:3] == ["$TTL 300", "mx.example.org. A 192.0.2.1", "mx.example.org. AAAA 2001:db8::1"]
    assert "\n; 1.2.0.192.in-addr.arpa. PTR mx.example.org.\n" in out
    assert "\n; --- Mail here ---\n; Required, except DANE.\n" in out
    assert "\n; --- Settings ---\n; Recommended." in out
    assert all(line.split()[0].endswith(".") for line in lines[1:])
    assert 'mx.example.org. TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 a -all"' in lines
    assert 'example.org. TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 mx ~all"' in lines
    assert '_dmarc.example.org. TXT "v=DMARC1;p=reject;rua=mailto:dmarcreports@example.org"' in lines
    assert '_smtp._tls.mx.example.org. TXT "v=TLSRPTv1; rua=mailto:tlsreports@mx.example.org"' in lines
    assert '_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:tlsreports@example.org"' in lines
    assert '_mta-sts.example.org. TXT "v=STSv1; id=20250101T000000"' in lines
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
    assert "AAAA 2001:db8::1" in records
    world.set("example.org", records.replace("mx.example.org. AAAA 2001:db8::1\n", ""))
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
        "autoconfig.example.org. doesn't have an address: name not found in DNS" in line
        for line in reports["autoconfig"].errors
    )
    assert reports["iprev"].errors == []
    optional = [line for line in reports["srv"].instructions if "_pop3" in line]
    assert optional == [], "what may be left out is not asked for (AUTH-91)"
    assert (reports["pacc"].errors, reports["pacc"].warnings) == ([], []), "both may be left out"
    assert [line.split()[3:5] for line in reports["pacc"].instructions] == [
        ["ua-auto-config.example.org.", "CNAME"],
        ["_ua-auto-config.example.org.", "TXT"],
    ]
    done = moxlite("config", "dnscheck", "example.org", "--resolver", world.server)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\nmx: \n  error: no MX record" in done.stdout
    assert "\ndane: not used\n  note: the domain doesn't have an MX record yet" in done.stdout
    assert "\ndnssec: ok\n" in done.stdout


MISTAKES = {
    "spf-twice": ("spf", 'example.org. TXT "v=spf1 include:_spf.provider.example ~all"', "v=spf1", False),
    "spf-useless": ("spf", 'example.org. TXT "v=spf1 mx -all"', "", False),
    "spf-other": ("spf", 'example.org. TXT "v=spf1 redirect=_spf.provider.example"', "example.org. TXT", True),
    "spf-host": ("spf", 'mx.example.org. TXT "v=spf1 -all"', "mx.example.org. TXT", True),
    "mx-second": ("mx", "example.org. MX 20 old.example.org.", "", False),
    "mx-other": ("mx", "example.org. MX 20 old.example.org.", "example.org. MX", True),
    "mx-null": ("mx", "example.org. MX 0 .", "example.org. MX", True),
    "host-more": ("iprev", "mx.example.org. A 198.51.100.7", "", False),
    "host-other": ("mx", "mx.example.org. A 198.51.100.7", "mx.example.org. A", True),
    "dkim-other": ("dkim", 'a._domainkey.example.org. TXT "v=DKIM1;p=OTHER"', "a._domainkey", True),
    "dkim-twice": ("dkim", 'a._domainkey.example.org. TXT "v=DKIM1;p=OTHER"', "", False),
    "tlsa-other": ("dane", f"_25._tcp.mx.example.org. TLSA 3 1 1 {'ab' * 32}", "_25._tcp.mx", True),
    "tlsa-more": ("dane", f"_25._tcp.mx.example.org. TLSA 3 1 1 {'ab' * 32}", "", False),
    "dmarc-other": (
        "dmarc",
        '_dmarc.example.org. TXT "v=DMARC1; p=quarantine; rua=mailto:a@example.org"',
        "_dmarc",
        True,
    ),
    "dmarc-twice": ("dmarc", '_dmarc.example.org. TXT "v=DMARC1; p=none"', "", False),
    "tlsrpt-twice": ("tlsrpt", '_smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:b@example.org"', "", False),
    "mtasts-old": ("mtasts", '_mta-sts.example.org. TXT "v=STSv1; id=1"', "_mta-sts", True),
    "mtasts-twice": ("mtasts", '_mta-sts.example.org. TXT "v=STSv1; id=1"', "", False),
    "srv-other": ("srv", "_imaps._tcp.example.org. SRV 0 1 993 old.example.org.", "_imaps._tcp", True),
    "pacc-old": (
        "pacc",
        f'_ua-auto-config.example.org. TXT "v=UAAC1; a=sha256; d={43 * "A"}="',
        "_ua-auto-config",
        True,
    ),
    "client-other": ("client-settings", "mail.example.org. CNAME old.example.org.", "mail.example.org. CNAME", True),
    "client-alias": ("client-settings", "imap.example.org. CNAME old.example.org.", "imap.example.org. CNAME", True),
}
"""Topic, the wrong line, the beginning of right ones, and whether the wrong line is there in their place."""


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_instructions_mend_each_mistake(config: Path, mistake: str) -> None:
    """ADMIN-48b: a wrong record is an error, and what is told to add, to put in another's place and to remove, done as
    it stands, leaves nothing wrong; what else a record permits stays permitted.
    """
    topic, wrong, begins, instead = MISTAKES[mistake]
    snapshot, _ = load(config / "moxlite.toml")
    domain, _ = require_domain(snapshot, "example.org")
    zone = [zone_line(one) for one in records_of(snapshot, domain).wanted]
    if instead:
        zone = [line for line in zone if not line.startswith(begins)]
    zone.append(wrong)
    services = Services(chain=[certificate(config / "ec.pem")])
    report = (await checked(config, table(zone), services))[topic]
    assert report.errors, report
    verbs = [line for line in report.instructions if mend(zone, line)]
    assert verbs, report.instructions
    assert wrong[:100] not in "\n".join(zone), verbs
    found = await checked(config, table(zone), services)
    assert {name: one for name, one in found.items() if one.errors or one.warnings} == {}
    text = "\n".join(zone)
    assert ("_spf.provider.example" in text) == (mistake in ("spf-twice", "spf-other"))
    assert ("p=quarantine" in text) == (mistake == "dmarc-other"), "an owner's policy stays"


WORLD = """\
com. NS a.gtld.
old.example.org. A 198.51.100.7
_spf.provider.example. TXT "v=spf1 ip4:198.51.100.1 -all"
1.2.0.192.in-addr.arpa. PTR mx.example.org.
"""


def table(zone: list[str]) -> FakeResolver:
    """A resolver that knows these lines, and the world beside them; all of it is signed."""
    found: dict[tuple[str, RecordType], list[str | MX | SRV | TLSA]] = {}
    reverse6 = f"{ipaddress.ip_address('2001:db8::1').reverse_pointer}. PTR mx.example.org."
    for line in (*zone, *WORLD.splitlines(), reverse6):
        name, kind, text = line.split(" ", 2)
        values = found.setdefault((name, RecordType(kind) if kind != "CAA" else RecordType.NS), [])
        words = text.split()
        match kind:
            case "SRV":
                priority, weight, port = map(int, words[:3])
                values.append(SRV(priority, weight, port, words[3]))
            case "TLSA":
                usage, selector, matching = map(int, words[:3])
                values.append(TLSA(usage, selector, matching, bytes.fromhex(words[3])))
            case "TXT":
                values.append("".join(re.findall(r'"([^"]*)"', text)))
            case "CAA":
                continue
            case _:
                values.append(text)
    resolver = FakeResolver(authentic=True)
    for (name, one), records in found.items():
        resolver.set(name, one, records)
    return resolver


def mend(zone: list[str], instruction: str) -> bool:
    """Do in a zone what an instruction says; False for one about something else."""
    if found := re.fullmatch(r"add to DNS: (.*)", instruction):
        zone.append(found[1])
    elif found := re.fullmatch(r"replace `(.*)` in DNS with: (.*)", instruction):
        [at] = [index for index, line in enumerate(zone) if line.startswith(found[1].rstrip("…"))]
        zone[at] = found[2]
    elif found := re.fullmatch(r"remove from DNS: (.*)", instruction):
        [at] = [index for index, line in enumerate(zone) if line.startswith(found[1].rstrip("…"))]
        del zone[at]
    else:
        return False
    return True


def certificate(path: Path) -> x509.Certificate:
    """One with the key in a file."""
    key = load_private_key(path.read_bytes())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "mx.example.org")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return (
        made.not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256())
    )


async def test_dane_without_keys_of_the_host(config: Path, world: DNSWorld) -> None:
    """ADMIN-48, AUTH-67: without keys in the configuration TLSA records are looked up all the same, and compared with
    what port 25 shows: those that fit are no error, others are, with the record to put instead; that is so in a zone
    without DNSSEC and while the server is down as far as can be told.
    """
    (config / "moxlite.toml").write_text(
        STATIC.format(static="").replace('tls.host_private_key_files = ["rsa.pem", "ec.pem"]', "")
    )
    services = Services(chain=[certificate(config / "ec.pem")])
    zone = [*HOST.splitlines(), "example.org. MX 10 mx.example.org."]
    world.set("example.org", "\n".join(zone))
    report = (await checked(config, world.resolver(), services))["dane"]
    assert (report.errors, len(report.warnings)) == ([], 1)
    assert "to use DANE, set up host keys" in report.warnings[0]
    assert "ensure-acme-host-keys" in report.instructions[0]
    written = (config / "moxlite.toml").read_text()
    given = 'tls.key_certs = [{ cert_file = "cert.pem", key_file = "rsa.pem" }]'
    (config / "moxlite.toml").write_text(written.replace('tls.acme = "letsencrypt"', given))
    instructed = (await checked(config, world.resolver(), services))["dane"].instructions
    assert "--reuse-key" in instructed[0], "that command is refused where no listener has ACME"
    (config / "moxlite.toml").write_text(written)

    zone.append(f"_25._tcp.mx.example.org. TLSA 3 1 1 {'ab' * 32}")
    world.set("example.org", "\n".join(zone))
    report = (await checked(config, world.resolver(), services))["dane"]
    assert [f"{ip} port 25" in report.errors[at] for at, ip in enumerate(("192.0.2.1", "2001:db8::1"))] == [
        True,
        True,
    ], report
    assert "in DNS with:" in report.instructions[0]
    broken = (await checked(config, world.resolver(), Services(broken="refused")))["dane"]
    assert any("couldn't compare" in line for line in broken.warnings), broken
    for line in report.instructions:
        mend(zone, line)
    world.set("example.org", "\n".join(zone))
    report = (await checked(config, world.resolver(), services))["dane"]
    assert report.errors == []
    assert "the next certificate's key may not match" in report.warnings[0]
    other = Services(chain=[certificate(config / "rsa.pem")])
    assert (await checked(config, world.resolver(), other))["dane"].errors
    down = (await checked(config, world.resolver(), other, served=False))["dane"]
    assert down.errors == []
    assert any("the server isn't running" in line for line in down.instructions)


async def test_a_key_that_port_25_does_not_show_yet(config: Path, world: DNSWorld) -> None:
    """ADMIN-48, AUTH-67: records as the configuration wants them, while the server still shows another key."""
    records = moxlite("config", "dnsrecords", "example.org", "--resolver", world.server).stdout
    world.set("example.org", records)
    report = (await checked(config, world.resolver(), Services(chain=[certificate(config / "ed25519.pem")])))["dane"]
    assert len(report.errors) == 2
    assert any("systemctl restart moxlite" in line for line in report.instructions)


@pytest.mark.nightly
def test_a_dead_dns_server_is_one_finding(config: Path) -> None:
    """ADMIN-48c, ADMIN-70, ADMIN-70e: of dnscheck and doctor, after one time-out; nothing else is looked up, nothing
    is said about records.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        done = moxlite("config", "dnscheck", "example.org", "--resolver", server)
        assert time.monotonic() - started < 40
        assert done.returncode == 1
        assert done.stdout.splitlines()[:2] == ["servers: ", "  error: DNS server 127.0.0.1 isn't responding"]
        assert len(done.stdout.splitlines()) == 3
        found = json.loads(moxlite("--json", "config", "dnscheck", "example.org", "--resolver", server).stdout)
        assert set(found) == {"servers"}
        path = config / "moxlite.toml"
        path.write_text(path.read_text().replace('"192.0.2.1", "2001:db8::1"', '"127.0.0.1"'))
        started = time.monotonic()
        done = moxlite("--json", "doctor", "--skip-mail", "--resolver", server)
        assert time.monotonic() - started < 40
    findings = json.loads(done.stdout)["findings"]
    [dead] = [one for one in findings if "DNS" in one["text"] or one["code"] in ("dns", "dns-server", "not-checked")]
    assert (dead["grade"], dead["code"], dead["text"]) == (
        "error",
        "dns-server",
        "DNS server 127.0.0.1 isn't responding",
    )
    assert "--resolver" in dead["commands"][0]


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
        ("version: STSv1\nmode: none\nmax_age: 604800\n", "mode is `none`"),
        ("version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n", "only cached for 86400 s"),
        ("version: STSv1\nmode: enforce\nmx: other.example\nmax_age: 604800\n", "doesn't include this server,"),
        ("not a policy", "policy: bad line 'not a policy'"),
    ],
)
async def test_a_policy_that_does_not_fit(config: Path, world: DNSWorld, policy: str, text: str) -> None:
    """ADMIN-48, AUTH-73."""
    world.set("example.org", f'{HOST}@ MX 10 mx\nmta-sts CNAME mx\n_mta-sts TXT "v=STSv1; id=20250101T000000"\n')
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
        assert any("doesn't resolve to this address" in line for line in report.errors)
    finally:
        world.set("2.0.192.in-addr.arpa", "1 PTR mx.example.org.")


async def test_a_host_that_points_to_another_machine_is_one_error(config: Path, world: DNSWorld) -> None:
    """ADMIN-48, ADMIN-70: with the records to replace; other topics and aliases say nothing else of it, and nothing
    connects there.
    """
    snapshot, _ = load(config / "moxlite.toml")
    wanted = records_of(snapshot, require_domain(snapshot, "example.org")[0])
    lines = [zone_line(one) for topic in TOPICS if topic != "host" for one in wanted.records(topic)]
    world.set("example.org", "\n".join(["mx A 192.0.2.99", *lines]) + "\n")
    services = Services(broken="refused")
    reports = await checked(config, world.resolver(), services)
    errors = [one for report in reports.values() for one in report.findings if one.grade == "error"]
    assert {(one.about, one.text) for one in errors if one.cause} == {
        ("mx.example.org", "mx.example.org points to another machine: 192.0.2.99")
    }
    assert [one.text for one in errors if not one.cause] == []
    assert "replace `mx.example.org. A 192.0.2.99` in DNS with: mx.example.org. A 192.0.2.1" in errors[0].commands
    assert services.tried == []


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
    assert set(reports) == set(CHECKS)
    for topic in ("mx", "spf", "dkim", "dmarc", "tlsrpt", "iprev"):
        assert reports[topic].errors, topic
    assert not any("the check failed" in line for one in reports.values() for line in one.errors)


async def test_a_silent_resolver_costs_half_a_minute(config: Path, autojump_clock: object) -> None:
    """ADMIN-67: and each topic says so."""
    names = dict.fromkeys(["example.org.", "mx.example.org.", "_dmarc.example.org.", "com."], 1000.0)
    reports = await checked(config, FakeResolver(delays=names), Services())
    for topic in ("dnssec", "mx", "dmarc"):
        assert reports[topic].errors == ["timed out after 30 s"]


def test_settings_for_mail_programs(config: Path, capsys: Capture) -> None:
    """ADMIN-19, WEB-125: the host of the domain, with TLS from the start."""
    assert run(["config", "clientconfig", "example.org"]) == 0
    out = capsys.readouterr().out
    assert "mail.example.org port 993, TLS" in out
    assert "mail.example.org port 465, TLS" in out
    assert run(["config", "clientconfig", "other.example"]) == 1


def test_a_signed_zone_is_known_without_a_validating_resolver(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-123, ADMIN-47, ADMIN-48: TLSA records are live, the topics `dnssec` and `dane` know that the zone is signed,
    and a wrong chain is named, though the resolver sets no AD bit.
    """
    zones = {"": "", "org": "", "example.org": HOST + "@ MX 10 mx.example.org."}
    with SignedRoot(zones) as root:
        monkeypatch.setattr("moxlite.net.dnssec.chain.ROOT", root.anchors)
        records = verb(config, "config", "dnsrecords", "example.org", "--resolver", root.server)
        assert "\n_25._tcp.mx.example.org. TLSA 3 1 1 " in records
        found = json.loads(verb(config, "--json", "config", "dnscheck", "example.org", "--resolver", root.server))
        assert found["dnssec"]["errors"] == []
        assert [one for one in found["dnssec"]["warnings"] if "not signed" in one] == []
        assert any("the resolver doesn't validate DNSSEC" in one for one in found["dnssec"]["instructions"])
        assert found["dnssec"]["warnings"] == []
        assert "_25._tcp.mx.example.org. doesn't have a TLSA record" in found["dane"]["errors"]
    with SignedRoot(zones, forged=["example.org"]) as root:
        monkeypatch.setattr("moxlite.net.dnssec.chain.ROOT", root.anchors)
        assert "\n; _25._tcp.mx" in verb(config, "config", "dnsrecords", "example.org", "--resolver", root.server)
        found = json.loads(verb(config, "--json", "config", "dnscheck", "example.org", "--resolver", root.server))
        assert "no key for example.org. matches the DS records" in found["dnssec"]["errors"][0]


def verb(config: Path, *args: str) -> str:
    """Run the command line in this process; what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        run(["--config", str(config / "moxlite.toml"), *args])
    return printed.getvalue()


def test_a_name_without_a_certificate_is_told_so(tmp_path: Path) -> None:
    """ADMIN-48, WEB-118: until the first order has succeeded, the server refuses the name by an alert."""
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.sni_callback = lambda _tls, _name, _context: ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def refuse() -> None:
            stream, _ = listening.accept()
            with stream, pytest.raises(ssl.SSLError):
                context.wrap_socket(stream, server_side=True)

        served, port = pool.submit(refuse), listening.getsockname()[1]
        network = Internet("mx.example.org", Trust(), HTTPClient(FakeResolver()))
        said = trio.run(network.tls, ipaddress.ip_address("127.0.0.1"), port, "mail.example.org")
        served.result()
    assert said.startswith(f"127.0.0.1 port {port}: no certificate for mail.example.org yet: peer sent alert "), said
