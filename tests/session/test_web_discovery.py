"""What mail programs and servers fetch from well-known names: autoconfig, autodiscover, Apple profiles, MTA-STS."""

import base64
import datetime as dt
import hashlib
import json
import plistlib
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from moxlite.admin.offer import agent_record, offer_for
from moxlite.mailauth.mtasts import parse_policy
from moxlite.net.tls.certificates import KeyPair, self_signed
from moxlite.proto.address import Domain
from moxlite.web import metrics
from tests.web_rig import STATIC, Browser, Rig, open_rig

pytestmark = pytest.mark.served

SERVED = STATIC.replace(
    "[listeners.proxied]",
    """\
autoconfig_https = { enabled = true, port = 443 }
mtasts_https = { enabled = true, port = 443 }
imaps = { enabled = true }
imap = { enabled = true }
submissions = { enabled = true }
jmap_https = { enabled = true, port = 443 }

[listeners.proxied]""",
)

DOMAINS = """
[domains."example.org"]
client_settings_domain = "imap.example.org"
client_settings_aliases = ["smtp.example.org"]
mtasts = { policy_id = "1", mode = "testing", max_age = "7d" }
[domains."bücher.example"]
disabled = true
mtasts = { policy_id = "1", mode = "enforce", max_age = "7d", mx = ["mx.example.org", "*.example.org"] }
[domains."plain.example"]

[accounts.mia]
domain = "example.org"
[accounts.mia.destinations."mia@example.org"]
[accounts.mia.destinations."mia@bücher.example"]
[accounts.mia.destinations."mia@plain.example"]
"""

AGENTS = "/.well-known/user-agent-configuration.json"
MOZILLA = "/mail/config-v1.1.xml"
OUTLOOK = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>{address}</EMailAddress></Request></Autodiscover>"""


@pytest.fixture
async def discovery(tmp_path: Path) -> AsyncIterator[Rig]:
    async with trio.open_nursery() as nursery:
        (tmp_path / "moxlite").mkdir()
        yield await open_rig(tmp_path / "rig", nursery, static=SERVED, domains=DOMAINS)
        nursery.cancel_scope.cancel()


def client(rig: Rig, host: str, *, port: int = 443) -> Browser:
    found = rig.browser(port=port, tls=port == 443)
    found.host = host
    return found


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("autoconfig.example.org", MOZILLA),
        ("autoconfig.example.org", "/.well-known/mail-v1.xml"),
        ("example.org", "/.well-known/autoconfig/mail/config-v1.1.xml"),
        ("smtp.example.org", MOZILLA),
    ],
)
@pytest.mark.parametrize("port", [443, 80])
async def test_thunderbird_finds_its_settings(discovery: Rig, host: str, path: str, port: int) -> None:
    """WEB-123, WEB-125, WEB-125a, DAV-21, JMAP-1: at all hosts, over https and plain http; TLS from the start comes
    first; the client settings domain is the host.
    """
    answer = await client(discovery, host, port=port).fetch(path)
    assert answer.status == 200
    root = ET.fromstring(answer.body)
    assert root.get("version") == "1.1"
    servers = [
        (one.tag, one.findtext("hostname"), one.findtext("port"), one.findtext("socketType"), one.findtext("username"))
        for one in root[0]
        if one.tag.endswith("Server") and one.get("type") != "jmap"
    ]
    assert servers == [
        ("incomingServer", "imap.example.org", "993", "SSL", "%EMAILADDRESS%"),
        ("incomingServer", "imap.example.org", "143", "STARTTLS", "%EMAILADDRESS%"),
        ("outgoingServer", "imap.example.org", "465", "SSL", "%EMAILADDRESS%"),
    ]
    assert [one.text for one in root[0].iter("authentication")] == [*["password-encrypted"] * 3, "http-basic"]
    assert [one.text for one in root[0].iter("url")] == ["https://imap.example.org/.well-known/jmap"]
    found = [(one.tag, one.get("type"), one.findtext("username"), one.findtext("serverURL")) for one in root[1:3]]
    assert found == [
        ("addressBook", "carddav", "%EMAILADDRESS%", "https://imap.example.org/dav/"),
        ("calendar", "caldav", "%EMAILADDRESS%", "https://imap.example.org/dav/"),
    ]


async def test_programs_find_their_settings_by_pacc(discovery: Rig) -> None:
    """WEB-126b: at the one name; its digest is that of the DNS record."""
    answer = await client(discovery, "ua-auto-config.example.org").fetch(AGENTS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {
        "authentication": {"password": True},
        "info": {"provider": {"name": "example.org"}},
        "protocols": {
            "caldav": {"url": "https://imap.example.org/dav/"},
            "carddav": {"url": "https://imap.example.org/dav/"},
            "imap": {"host": "imap.example.org"},
            "jmap": {"url": "https://imap.example.org/.well-known/jmap"},
            "submit": {"host": "imap.example.org"},
        },
    }
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    offer = offer_for(discovery.holder.current, Domain.parse("example.org"))
    assert agent_record(offer) == f"v=UAAC1; a=sha256; d={digest}"
    for host in ("example.org", "autoconfig.example.org", "ua-auto-config.else.example"):
        assert (await client(discovery, host).fetch(AGENTS)).status in (400, 404), host


async def test_an_address_is_the_user_name(discovery: Rig) -> None:
    """WEB-123: names are ASCII; unknown domains and what is no address are 400, counted under one label."""
    browser = client(discovery, "autoconfig.example.org")
    answer = await browser.fetch(MOZILLA + "?emailaddress=mia%40b%C3%BCcher.example")
    assert b"<username>mia@xn--bcher-kva.example</username>" in answer.body
    assert "<displayName>bücher.example</displayName>".encode() in answer.body
    before = metrics.autoconf_requests.labels(domain="(unknown)").value
    for query in (
        "emailaddress=mia@unknown.example",
        "emailaddress=x",
        "emailaddress=%ff",
        "emailaddress=" + "a" * 3000,
    ):
        assert (await browser.fetch(f"{MOZILLA}?{query}")).status == 400, query
    assert metrics.autoconf_requests.labels(domain="(unknown)").value == before + 3
    assert (await client(discovery, "autoconfig.unknown.example").fetch(MOZILLA)).status in (400, 404)
    assert (await browser.fetch(MOZILLA, method="POST")).status == 405


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
async def test_outlook_finds_its_settings(discovery: Rig, path: str) -> None:
    """WEB-124"""
    browser = client(discovery, "autodiscover.example.org")
    answer = await browser.fetch(path, method="POST", body=OUTLOOK.format(address="mia@example.org").encode())
    assert answer.status == 200
    found = {}
    for protocol in ET.fromstring(answer.body).iter():
        if protocol.tag.endswith("}Protocol"):
            fields = {one.tag.partition("}")[2]: one.text for one in protocol}
            found[fields["Type"]] = fields
    assert found["IMAP"]["Server"] == "imap.example.org"
    assert [found[kind]["Port"] for kind in ("IMAP", "SMTP")] == ["993", "465"]
    for fields in found.values():
        assert (fields["SSL"], fields["SPA"], fields["AuthRequired"], fields["LoginName"]) == (
            *("on", "off", "on"),
            "mia@example.org",
        )
    assert (await browser.fetch(path)).status == 405


BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<x><EMailAddress>&b;</EMailAddress></x>"""


@pytest.mark.parametrize(
    "body",
    [
        BOMB.encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<x>",
        b"",
        b"\xff\xfe",
        b"<x/>",
        OUTLOOK.format(address="mia@unknown.example").encode(),
        OUTLOOK.format(address="").encode(),
    ],
)
async def test_hostile_requests_of_outlook_are_refused(discovery: Rig, body: bytes) -> None:
    """WEB-124: no DTD, no entities."""
    browser = client(discovery, "autodiscover.example.org")
    assert (await browser.fetch("/autodiscover/autodiscover.xml", method="POST", body=body)).status == 400
    long = b"<x>" + b" " * 40_000
    assert (await browser.fetch("/autodiscover/autodiscover.xml", method="POST", body=long)).status == 413


async def test_a_profile_for_apples_devices(discovery: Rig) -> None:
    """WEB-126, DAV-21: all addresses, no password, the same identifiers each time; unsigned without a CA's
    certificate.
    """
    browser = client(discovery, "imap.example.org")
    target = "/profile.mobileconfig?addresses=mia@example.org,tom@example.org&name=M%C3%ADa"
    answer = await browser.fetch(target)
    assert answer.headers["content-disposition"].endswith("email-account-mia%40example.org.mobileconfig")
    profile = plistlib.loads(answer.body)
    first, second, calendars, contacts = profile["PayloadContent"]
    assert (calendars["PayloadType"], contacts["PayloadType"]) == (
        "com.apple.caldav.account",
        "com.apple.carddav.account",
    )
    assert calendars["CalDAVPrincipalURL"] == contacts["CardDAVPrincipalURL"] == "https://imap.example.org/dav/"
    assert calendars["CalDAVUsername"] == "mia@example.org"
    assert (first["EmailAddress"], second["EmailAddress"]) == ("mia@example.org", "tom@example.org")
    assert first["EmailAccountName"] == "Mía"
    assert first["PayloadType"] == "com.apple.mail.managed"
    assert (first["IncomingMailServerPortNumber"], first["OutgoingMailServerPortNumber"]) == (993, 465)
    assert first["IncomingMailServerAuthentication"] == "EmailAuthCRAMMD5"
    assert not any("assword" in key and not isinstance(value, bool) for key, value in first.items())
    assert (await browser.fetch(target)).body == answer.body
    for query in ("", "addresses=", "addresses=a@example.org,b@plain.example", "addresses=" + "a@example.org," * 30):
        assert (await browser.fetch(f"/profile.mobileconfig?{query}")).status == 400


def issued() -> KeyPair:
    """A certificate that another key has signed."""
    ca = self_signed(["ca.example"])
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(
        ca.leaf.subject,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")]),
        key.public_key(),
        x509.random_serial_number(),
        now,
        now + dt.timedelta(days=1),
    )
    return KeyPair((builder.sign(ca.key, hashes.SHA256()), ca.leaf), key)


async def test_a_profile_is_signed_with_a_certificate_of_a_ca(tmp_path: Path) -> None:
    """WEB-126: openssl finds the profile in the CMS message and the signature good."""
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path / "rig", nursery, static=SERVED, domains=DOMAINS, certificate=issued())
        answer = await client(rig, "imap.example.org").fetch("/profile.mobileconfig?addresses=mia@example.org")
        nursery.cancel_scope.cancel()
    (tmp_path / "signed").write_bytes(answer.body)
    command = ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", str(tmp_path / "signed")]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
    assert plistlib.loads(done.stdout)["PayloadContent"][0]["EmailAddress"] == "mia@example.org"


async def test_policies_of_mtasts(discovery: Rig) -> None:
    """WEB-127: CRLF lines that our own reader takes; the hostname where no mx is named; disabled domains too."""
    answer = await client(discovery, "mta-sts.example.org").fetch("/.well-known/mta-sts.txt")
    assert answer.body == b"version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 604800\r\n"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-cache, max-age=0"
    answer = await client(discovery, "mta-sts.xn--bcher-kva.example").fetch("/.well-known/mta-sts.txt")
    policy = parse_policy(answer.body)
    assert (policy.mode, policy.mx) == ("enforce", ("mx.example.org", "*.example.org"))
    for host in ("mta-sts.plain.example", "mta-sts.unknown.example", "example.org"):
        assert (await client(discovery, host).fetch("/.well-known/mta-sts.txt")).status == 404, host
    assert (await client(discovery, "mta-sts.example.org").fetch("/.well-known/mta-sts.txt/")).status == 404
    assert (await client(discovery, "mta-sts.example.org", port=80).fetch("/.well-known/mta-sts.txt")).status == 404


async def test_counters_have_labels_of_configured_domains_alone(discovery: Rig) -> None:
    """WEB-128"""
    before = metrics.autoconf_requests.labels(domain="plain.example").value
    await client(discovery, "autoconfig.plain.example").fetch(MOZILLA)
    assert metrics.autoconf_requests.labels(domain="plain.example").value == before + 1


async def test_an_inner_listener_is_offered_to_nobody(tmp_path: Path) -> None:
    """WEB-23a."""
    inner = """
[listeners.inner]
ips = ["127.0.0.1"]
hostname = "localhost"
imap = { enabled = true, port = 1143 }
jmap_https = { enabled = true, port = 1144 }
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
"""
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path / "rig", nursery, static=SERVED + inner, domains=DOMAINS)
        offer = offer_for(rig.holder.current, Domain.parse("plain.example"))
        assert {server.port for server in offer.imap + offer.jmap} == {143, 443, 993}
        nursery.cancel_scope.cancel()
