"""Finding the mail servers of an address at another provider (LINK-20, LINK-21)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import trio
from hypothesis import given, strategies as st

from moxlite.migration import autoconfig
from moxlite.migration.autoconfig import PROVIDERS, Search, read_document
from moxlite.net import httpclient
from moxlite.net.control.client import CtlFailed
from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.net.resolver import MX, SRV, FakeResolver
from moxlite.operations.links import FindServers, FoundServer, FoundServers
from moxlite.proto import pacc
from moxlite.proto.dav.xml import BadXML
from moxlite.store.mail.links import LinkRefused
from tests.house import STATIC, house

ADDRESS = "mia@example.org"
FIRST = "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=mia@example.org"
SECOND = "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=mia@example.org"


def server(
    kind: str, host: str, port: int, tls: str, user: str = "%EMAILADDRESS%", how: str = "password-cleartext"
) -> str:
    """A server of a clientConfig."""
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    return (
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port><socketType>{tls}</socketType>'
        f"<username>{user}</username><authentication>{how}</authentication></{tag}>"
    )


def document(*servers: str) -> bytes:
    """A clientConfig."""
    inner = "".join(servers)
    return f'<clientConfig version="1.1"><emailProvider id="x">{inner}</emailProvider></clientConfig>'.encode()


IMAP = server("imap", "imap.%EMAILDOMAIN%", 993, "SSL", "%EMAILLOCALPART%")
SMTP = server("smtp", "smtp.example.org", 587, "STARTTLS")


class World(HTTPClient):
    """The web and the mail servers of a test: pages by URL; greetings by host and port. `silent`: other web servers
    never answer.
    """

    def __init__(
        self,
        pages: Mapping[str, HTTPResponse | bytes],
        greetings: Mapping[tuple[str, int], bytes],
        *,
        silent: bool = False,
    ) -> None:
        super().__init__(FakeResolver())
        self.pages, self.greetings, self.silent = pages, greetings, silent

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        seconds: float = 60.0,
        max_body: int = 0,
    ) -> HTTPResponse:
        """An answer."""
        del method, headers, body
        await trio.lowlevel.checkpoint()
        found = self.pages.get(url)
        if found is None:
            if self.silent:
                await trio.sleep(seconds)
            raise HTTPError("no answer")
        if isinstance(found, bytes):
            return HTTPResponse(200, (), found[:max_body], len(found) > max_body)
        return found

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        """A connection with a greeting."""
        assert scheme == "https"
        if (host, port) not in self.greetings:
            raise HTTPError("no connection")
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.send_all(self.greetings[host, port])
        return ours


async def find(
    address: str = ADDRESS,
    *,
    pages: Mapping[str, HTTPResponse | bytes] | None = None,
    greetings: Mapping[tuple[str, int], bytes] | None = None,
    records: Mapping[str, Mapping[str, Sequence[str | MX | SRV]]] | None = None,
    authentic: bool = False,
) -> FoundServers:
    """The servers of an address in a world."""
    resolver = FakeResolver(records or {}, authentic=authentic)
    return await Search(World(pages or {}, greetings or {}), resolver).find(address)


@pytest.mark.parametrize("domain", [domain for one in PROVIDERS if not one.closed for domain in one.domains])
async def test_large_providers_are_known(domain: str) -> None:
    """LINK-20: without a question to anybody."""
    found = await find(f"mia@{domain.upper()}")
    assert found.provider
    assert (found.incoming.port, found.incoming.tls, found.incoming.user) == (993, "implicit", f"mia@{domain.upper()}")
    assert found.smtp is not None
    assert found.smtp.tls == ("implicit" if found.smtp.port == 465 else "starttls")
    assert bool(found.wants) == bool(found.page)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mia@outlook.com", "Microsoft no longer allows"),
        ("mia@proton.me", "Bridge"),
        ("mia@tuta.com", "doesn't support IMAP"),
    ],
)
async def test_a_provider_without_passwords_is_told_at_once(address: str, words: str) -> None:
    """LINK-20."""
    with pytest.raises(LinkRefused, match=words) as refused:
        await find(address)
    assert refused.value.field == "address"


async def test_the_domain_of_a_customer_is_known_by_its_mx() -> None:
    """LINK-20: at Google's and Microsoft's."""
    hosts = [MX(5, "alt1.aspmx.l.google.com."), MX(1, "aspmx.l.google.com.")]
    found = await find(records={"MX": {"example.org": hosts}})
    assert (found.provider, found.incoming.user, found.wants) == ("Gmail", ADDRESS, "app")
    with pytest.raises(LinkRefused, match="Microsoft"):
        await find(records={"MX": {"example.org": [MX(1, "example-org.mail.protection.outlook.com.")]}})
    with pytest.raises(LinkRefused, match="couldn't find the mail server"):
        await find(records={"MX": {"example.org": [MX(1, "evil-google.com.")]}})


async def test_the_document_of_the_domain_names_both_servers() -> None:
    """LINK-20: at either place, also behind redirects to https."""
    expected = FoundServers(
        incoming=FoundServer("imap.example.org", 993, "implicit", "mia"),
        smtp=FoundServer("smtp.example.org", 587, "starttls", ADDRESS),
    )
    octets = document(IMAP, SMTP)
    assert await find(pages={FIRST: octets}) == expected
    assert await find(pages={FIRST: HTTPResponse(404, (), b""), SECOND: octets}) == expected
    there = "https://conf.example.net/a.xml"
    moved = HTTPResponse(302, (("location", there),), b"")
    assert await find(pages={FIRST: moved, there: octets}) == expected
    for place in ("http://conf.example.net/a.xml", FIRST, "//", "gopher://x"):
        with pytest.raises(LinkRefused):
            await find(pages={place: octets, FIRST: HTTPResponse(302, (("location", place),), b"")})


@pytest.mark.parametrize(
    ("servers", "host"),
    [
        ([server("pop3", "pop.example.org", 995, "SSL"), IMAP], "imap.example.org"),
        ([server("imap", "plain.example.org", 143, "plain"), IMAP], "imap.example.org"),
        ([server("imap", "oauth.example.org", 993, "SSL", how="OAuth2"), IMAP], "imap.example.org"),
        ([server("imap", "no host", 993, "SSL"), server("imap", "x" * 300, 993, "SSL")], None),
        ([server("imap", "imap.example.org", 99999999, "SSL"), server("imap", "imap.example.org", 0, "SSL")], None),
        ([IMAP.replace("993", "00099300000"), IMAP.replace("993", "000993" + "0" * 5000)], None),
        ([server("imap", "localhost", 993, "SSL"), server("imap", "", 993, "SSL")], None),
        ([server("imap", "imap.example.org", 993, "SSL", "x" * 400)], None),
        ([server("pop3", "pop.example.org", 110, "plain")], None),
        ([], None),
    ],
)
def test_only_imap_with_tls_and_passwords_is_taken_from_a_document(servers: list[str], host: str | None) -> None:
    """LINK-21: others are passed over, and values beyond their bounds."""
    found = read_document(document(*servers), ADDRESS)
    assert (found and found.incoming.host) == host


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<html>",
        b"<clientConfig>" * 100,
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><clientConfig>&a;</clientConfig>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><clientConfig/>',
        b"<clientConfig>" + b"<a/>" * 2000 + b"</clientConfig>",
        b'<?xml version="1.0" encoding="utf-99"?><clientConfig/>',
        b"\xff\xfe<\x00",
    ],
)
def test_a_hostile_document_is_refused(octets: bytes) -> None:
    """LINK-21."""
    with pytest.raises(BadXML):
        read_document(octets, ADDRESS)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_octets_in_a_document_are_no_crash(octets: bytes, place: int) -> None:
    """LINK-21: read, or refused with BadXML."""
    whole = document(IMAP, SMTP)
    try:
        found = read_document(whole[:place] + octets + whole[place:], ADDRESS)
    except BadXML:
        return
    assert found is None or 0 < found.incoming.port < 65536


async def test_a_long_document_is_not_read() -> None:
    """LINK-21: the next way counts."""
    long = document(IMAP, " " * autoconfig.MAX_DOCUMENT)
    found = await find(pages={FIRST: long, SECOND: document(server("imap", "other.example.org", 993, "SSL"))})
    assert found.incoming.host == "other.example.org"


async def test_srv_records_name_servers() -> None:
    """LINK-20, LINK-21: by priority; one of another domain is unproven without DNSSEC; "." is no server."""
    imaps = [SRV(10, 0, 993, "second.example.org."), SRV(0, 1, 1993, "first.example.org.")]
    named = {"_imaps._tcp.example.org": imaps, "_submissions._tcp.example.org": [SRV(0, 0, 0, ".")]}
    named["_submission._tcp.example.org"] = [SRV(0, 1, 587, "smtp.example.org.")]
    found = await find(records={"SRV": named})
    assert found.incoming == FoundServer("first.example.org", 1993, "implicit", ADDRESS)
    assert found.smtp == FoundServer("smtp.example.org", 587, "starttls", ADDRESS)
    assert found.proven
    foreign = {"SRV": {"_imap._tcp.example.org": [SRV(0, 1, 143, "imap.far.example.")]}}
    found = await find(records=foreign)
    assert (found.incoming.host, found.incoming.tls) == ("imap.far.example", "starttls")
    assert (found.smtp, found.proven) == (None, False)
    assert (await find(records=foreign, authentic=True)).proven


async def test_usual_names_are_tried_last() -> None:
    """LINK-20: a server that greets as one, with its certificate; the host that takes the domain's mail counts, too."""
    greetings = {("imap.example.org", 993): b"* BYE", ("mail.example.org", 993): b"* OK ready\r\n"}
    found = await find(greetings={**greetings, ("mail.example.org", 465): b"220 ready\r\n"})
    assert (found.incoming.host, found.smtp and found.smtp.host, found.proven) == ("mail.example.org",) * 2 + (True,)
    mx = {"MX": {"example.org": [MX(1, "mx.far.example.")]}}
    found = await find(greetings={("mx.far.example", 993): b"* OK"}, records=mx)
    assert (found.incoming.host, found.smtp, found.proven) == ("mx.far.example", None, False)


POP = FoundServer("pop.example.org", 995, "implicit", ADDRESS)


async def test_pop3_is_taken_where_there_is_no_imap() -> None:
    """LINK-29: from a document, by SRV, and by usual names; the server that sends is found as well."""
    alone = document(server("pop3", POP.host, 995, "SSL"), SMTP)
    found = await find(pages={FIRST: alone})
    assert (found.protocol, found.incoming, found.smtp and found.smtp.port) == ("pop3", POP, 587)
    named = {"_imaps._tcp.example.org": [SRV(0, 0, 0, ".")], "_pop3s._tcp.example.org": [SRV(0, 1, 995, POP.host)]}
    found = await find(records={"SRV": named})
    assert (found.protocol, found.incoming, found.proven) == ("pop3", POP, True)
    found = await find(greetings={(POP.host, 995): b"+OK ready\r\n", (POP.host, 465): b"220 ready\r\n"})
    assert (found.protocol, found.incoming, found.smtp and found.smtp.host) == ("pop3", POP, POP.host)


async def test_imap_is_taken_before_pop3_whatever_way_knows_it() -> None:
    """LINK-29"""
    alone = document(server("pop3", POP.host, 995, "SSL"))
    found = await find(pages={FIRST: alone}, greetings={("imap.example.org", 993): b"* OK ready\r\n"})
    assert (found.protocol, found.incoming.host) == ("imap", "imap.example.org")


SETTINGS = "https://ua-auto-config.example.org/.well-known/user-agent-configuration.json"
PACC = (
    b'{"protocols":{"imap":{"host":"imap.far.example"},"submit":{"host":"smtp.far.example"}},'
    b'"authentication":{"password":true,"oauth-public":{"issuer":"https://x"}},"info":{}}'
)


def vouched(octets: bytes) -> dict[str, dict[str, list[str | MX | SRV]]]:
    """A TXT record with the digest of a document."""
    return {"TXT": {"_ua-auto-config.example.org": ["some other text", pacc.record_of(octets)]}}


async def test_settings_whose_digest_is_in_dns_name_servers() -> None:
    """LINK-29: PACC, with the usual ports and TLS; before the clientConfig."""
    pages = {SETTINGS: PACC, FIRST: document(IMAP, SMTP)}
    assert await find(pages=pages, records=vouched(PACC)) == FoundServers(
        incoming=FoundServer("imap.far.example", 993, "implicit", ADDRESS),
        smtp=FoundServer("smtp.far.example", 465, "implicit", ADDRESS),
    )
    for records in ({}, vouched(PACC + b" "), {"TXT": {"_ua-auto-config.example.org": ["v=UAAC1; a=md5; d=x"]}}):
        assert (await find(pages=pages, records=records)).incoming.host == "imap.example.org"


@pytest.mark.parametrize(
    ("octets", "host"),
    [
        (PACC.replace(b"imap", b"pop3"), "pop3.far.example"),
        (PACC.replace(b"submit", b"smtp"), "imap.far.example"),
        (PACC.replace(b"true", b"false"), None),
        (b'{"protocols":{"imap":{"host":"imap.far.example"}}}', None),
        (PACC.replace(b"imap.far.example", b"localhost"), None),
        (PACC.replace(b"imap.far.example", b"imap\\u0000.example"), None),
        (PACC.replace(b'"imap.far.example"', b"[]"), None),
        (b'{"protocols":{}}', None),
        (b"[" * 1000, None),
        (b"\xff", None),
        (b"", None),
    ],
)
async def test_hostile_settings_name_no_server(octets: bytes, host: str | None) -> None:
    """LINK-29: what takes no password, and no names of hosts, is passed over; the old name of `submit` counts."""
    if host is None:
        with pytest.raises(LinkRefused, match="couldn't find the mail server"):
            await find(pages={SETTINGS: octets}, records=vouched(octets))
    else:
        assert (await find(pages={SETTINGS: octets}, records=vouched(octets))).incoming.host == host


async def test_a_silent_world_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """LINK-21: in 15 seconds, and said so."""
    search = Search(World({}, {}, silent=True), FakeResolver())
    with pytest.raises(LinkRefused, match=r"couldn't find the mail server for xn--bcher-kva\.example") as refused:
        await search.find("mia@bücher.example")
    assert refused.value.field == "host"
    assert autojump_clock.current_time() <= autoconfig.SECONDS + 1


@pytest.mark.parametrize("address", ["", "mia", "@example.org", "mia@", "mia@[127.0.0.1]", "m ia@example.org", "a@b@"])
async def test_what_is_no_address_is_refused(address: str) -> None:
    """LINK-20."""
    with pytest.raises(LinkRefused, match="must be an email address"):
        await find(address)


async def test_hosts_of_the_inner_network_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-21, WEB-111: whatever DNS says of autoconfig and the usual names."""
    dialed: list[object] = []

    async def dial(addresses: object, *args: object, **options: object) -> None:
        dialed.append(addresses)
        raise AssertionError

    monkeypatch.setattr(httpclient, "dial", dial)
    hosts = ("autoconfig", "ua-auto-config", "imap", "mail", "pop", "pop3", "smtp")
    names = ("example.org.", *(f"{host}.example.org." for host in hosts))
    resolver = FakeResolver({"A": {name: ["192.168.1.1"] for name in names}, **vouched(PACC)})
    with pytest.raises(LinkRefused, match="couldn't find the mail server"):
        await Search(HTTPClient(resolver), resolver).find(ADDRESS)
    assert dialed == []


@pytest.mark.served
async def test_the_command_line_finds_servers(tmp_path: Path) -> None:
    """LINK-20: `moxlite link find`; one search at a time."""
    async with house(tmp_path, static=STATIC) as running, running.ctl() as ctl:
        found = await ctl.call("link find", FindServers("mia@gmx.de"), FoundServers)
        assert (found.incoming.host, found.wants, found.smtp and found.smtp.host) == (
            "imap.gmx.net",
            "allow",
            "mail.gmx.net",
        )
        with pytest.raises(CtlFailed, match="Microsoft no longer allows"):
            await ctl.call("link find", FindServers("mia@hotmail.com"), FoundServers)
        running.house.links.searches._running.add("")
        with pytest.raises(CtlFailed, match="another server lookup"):
            await ctl.call("link find", FindServers("mia@gmx.de"), FoundServers)
