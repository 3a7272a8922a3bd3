"""The mail servers of an address at another provider, found by the address alone (LINK-20, LINK-21, LINK-29).

The ways, the first that knows an IMAP server counts, else the first that knows one with POP3: a table of large
providers, by domain and by MX; PACC, if its digest is in DNS; the clientConfig of the domain
(draft-ietf-mailmaint-autoconfig); SRV records (RFC 6186, RFC 8314); usual names, where a server answers with a
certificate for the name. All are asked at once. Plain http is not: what it answers could be anybody's, and the password
would go there. Hosts of the inner network are asked as `HTTPClient` says (WEB-111).
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec
import trio

from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.resolver import DNSError, Resolver, absolute
from moxlite.normal import is_visible
from moxlite.operations.links import FoundServer, FoundServers, Wants
from moxlite.processor import off_loop
from moxlite.proto import pacc
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.dav.xml import BadXML, read_xml
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.mail.links import LinkRefused, SubmissionTLS
from moxlite.wording import worded

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

T = TypeVar("T")

Protocol: TypeAlias = Literal["imap", "pop3"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("imap", "pop3")
"""The better first."""

SECONDS: Final = 15.0
"""Seconds for all ways together: a person waits."""

REQUEST_SECONDS: Final = 8.0
"""Seconds for one answer or greeting. Hosts that drop packets are found out by this."""

LOOKUP_SECONDS: Final = 30.0
"""Seconds for the look-up of a service."""

MAX_DOCUMENT: Final = 64 << 10
"""Octets of a clientConfig or a PACC document; a provider's has 2 to 6 KiB."""

MAX_ELEMENTS: Final = 1_000
"""Elements of a document: each costs memory, and 64 KiB hold many of the shortest ones."""

REDIRECTS: Final = 3
"""Redirects that are followed for one document; a loop of them ends here."""

MOVED: Final = frozenset({301, 302, 303, 307, 308})

Services: TypeAlias = Sequence[tuple[str, SubmissionTLS]]
"""Names of SRV records, the better first, and the TLS of their servers (RFC 8314 §5.1, RFC 6186 §3)."""

SUBMISSION: Final[Services] = (("_submissions", "implicit"), ("_submission", "starttls"))
MAILBOXES: Final[Services] = (("_imaps", "implicit"), ("_imap", "starttls"))
MAILDROPS: Final[Services] = (("_pop3s", "implicit"), ("_pop3", "starttls"))

MAX_HOST: Final = 253
"""Characters of the name of a host (RFC 1035 §2.3.4)."""

MAX_USER: Final = 320
"""Characters of a user name: as many as an address can have, 64 before and 255 after the @."""

# The table of providers


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A large provider.

    Attributes:
      mx: domains of the hosts that take mail for it and for its customers' domains.
      keeps_copy: it puts what is sent into its Sent by itself.
      closed: why its mailboxes cannot be linked.
    """

    name: str
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    imap: str = ""
    smtp: tuple[str, int] = ("", 465)
    keeps_copy: bool = False
    wants: Wants = ""
    page: str = ""
    closed: str = ""

    @property
    def smtp_tls(self) -> SubmissionTLS:
        """The TLS of its submission server, by the port (RFC 8314 §3.3)."""
        return "implicit" if self.smtp[1] == 465 else "starttls"


NO_PASSWORDS: Final = worded(
    "Microsoft no longer allows other apps to log in with a password, so you can't link this account"
)
BRIDGE: Final = worded(
    "Proton Mail only offers IMAP on your own computer, with its Bridge app, so you can't link this account"
)
NO_IMAP: Final = worded("Tuta doesn't support IMAP, so you can't link this account")

PROVIDERS: Final = (
    Provider(
        name="Gmail",
        domains=("gmail.com", "googlemail.com"),
        mx=("google.com", "googlemail.com"),
        imap="imap.gmail.com",
        smtp=("smtp.gmail.com", 465),
        keeps_copy=True,
        wants="app",
        page="https://myaccount.google.com/apppasswords",
    ),
    Provider(
        name="Microsoft",
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de", "live.de"),
        mx=("protection.outlook.com", "mx.microsoft"),
        closed=NO_PASSWORDS,
    ),
    Provider(
        name="iCloud",
        domains=("icloud.com", "me.com", "mac.com"),
        mx=("mail.icloud.com",),
        imap="imap.mail.me.com",
        smtp=("smtp.mail.me.com", 587),
        wants="app",
        page="https://account.apple.com",
    ),
    Provider(
        name="AOL",
        domains=("aol.com", "aim.com", "aol.de"),
        imap="imap.aol.com",
        smtp=("smtp.aol.com", 465),
        wants="app",
        page="https://login.aol.com/account/security",
    ),
    Provider(
        name="Yahoo",
        domains=("yahoo.com", "ymail.com", "rocketmail.com", "yahoo.de", "yahoo.co.uk", "yahoo.fr", "yahoo.es"),
        mx=("yahoodns.net",),
        imap="imap.mail.yahoo.com",
        smtp=("smtp.mail.yahoo.com", 465),
        wants="app",
        page="https://login.yahoo.com/account/security",
    ),
    Provider(
        name="GMX",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
        imap="imap.gmx.net",
        smtp=("mail.gmx.net", 465),
        wants="allow",
        page="https://hilfe.gmx.net/pop-imap/einschalten.html",
    ),
    Provider(
        name="GMX",
        domains=("gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es"),
        imap="imap.gmx.com",
        smtp=("mail.gmx.com", 465),
        wants="allow",
        page="https://support.gmx.com/pop-imap/toggle.html",
    ),
    Provider(
        name="WEB.DE",
        domains=("web.de",),
        imap="imap.web.de",
        smtp=("smtp.web.de", 465),
        wants="allow",
        page="https://hilfe.web.de/pop-imap/einschalten.html",
    ),
    Provider(
        name="T-Online",
        domains=("t-online.de", "magenta.de"),
        imap="secureimap.t-online.de",
        smtp=("securesmtp.t-online.de", 465),
        wants="app",
        page="https://account.idm.telekom.com/account-manager/",
    ),
    Provider(
        name="Fastmail",
        domains=("fastmail.com", "fastmail.fm", "fastmail.de", "fastmail.net", "sent.com"),
        mx=("messagingengine.com",),
        imap="imap.fastmail.com",
        smtp=("smtp.fastmail.com", 465),
        wants="app",
        page="https://app.fastmail.com/settings/security/apps",
    ),
    Provider(
        name="mailbox.org",
        domains=("mailbox.org",),
        mx=("mailbox.org",),
        imap="imap.mailbox.org",
        smtp=("smtp.mailbox.org", 465),
    ),
    Provider(
        name="Posteo",
        domains=("posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.ch"),
        imap="posteo.de",
        smtp=("posteo.de", 465),
    ),
    Provider(
        name="Proton Mail", domains=("proton.me", "protonmail.com", "pm.me"), mx=("protonmail.ch",), closed=BRIDGE
    ),
    Provider(
        name="Tuta",
        domains=("tuta.com", "tutanota.com", "tutanota.de", "tutamail.com", "tuta.io", "keemail.me"),
        mx=("tutanota.de",),
        closed=NO_IMAP,
    ),
    Provider(name="Migadu", mx=("migadu.com",), imap="imap.migadu.com", smtp=("smtp.migadu.com", 465)),
    Provider(name="IONOS", mx=("kundenserver.de", "ionos.de"), imap="imap.ionos.de", smtp=("smtp.ionos.de", 465)),
    Provider(name="STRATO", mx=("rzone.de",), imap="imap.strato.de", smtp=("smtp.strato.de", 465)),
    Provider(name="Gandi", mx=("mail.gandi.net",), imap="mail.gandi.net", smtp=("mail.gandi.net", 465)),
    Provider(name="Infomaniak", mx=("infomaniak.ch",), imap="mail.infomaniak.com", smtp=("mail.infomaniak.com", 465)),
)

BY_DOMAIN: Final[Mapping[str, Provider]] = {domain: provider for provider in PROVIDERS for domain in provider.domains}


def provider_of(imap_host: str) -> Provider | None:
    """The provider with this IMAP server."""
    return next((provider for provider in PROVIDERS if provider.imap == imap_host), None)


def _known(provider: Provider, address: str) -> FoundServers:
    if provider.closed:
        raise LinkRefused(provider.closed, "address")
    host, port = provider.smtp
    return FoundServers(
        incoming=FoundServer(provider.imap, 993, "implicit", address),
        smtp=FoundServer(host, port, provider.smtp_tls, address),
        provider=provider.name,
        wants=provider.wants,
        page=provider.page,
    )


# Asking


class Search:
    """Looks for the servers of addresses.

    Args:
      client: asks web servers, and connects to mail servers; it knows which addresses may be asked.
    """

    def __init__(self, client: HTTPClient, resolver: Resolver) -> None:
        self._client = client
        self._resolver = resolver

    async def find(self, address: str) -> FoundServers:
        """The servers of an address. Raises LinkRefused: none was found, or its provider cannot be linked."""
        localpart, at, name = address.rpartition("@")
        try:
            domain = Domain.parse(name).ascii
        except AddressError:
            domain = ""
        if not at or not localpart or not domain or any(map(str.isspace, address)) or not is_visible(address):
            raise LinkRefused("must be an email address, like mia@example.org", "address")
        if domain in BY_DOMAIN:
            return _known(BY_DOMAIN[domain], address)
        found_servers = await _first(
            [
                partial(self._by_mx, domain, address),
                partial(self._by_pacc, domain, address),
                partial(self._by_document, f"https://autoconfig.{domain}/mail/config-v1.1.xml", address),
                partial(self._by_document, f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml", address),
                partial(self._by_srv, domain, address),
                partial(self._by_name, domain, address),
            ],
            enough=lambda found: found.protocol == "imap",
        )
        if found_servers is None:
            raise LinkRefused(
                worded("couldn't find the mail server for {domain}; enter its name", domain=domain), "host"
            )
        return found_servers

    async def _by_mx(self, domain: str, address: str) -> FoundServers | None:
        for host in await self._mx_hosts(domain):
            for provider in PROVIDERS:
                if any(host == one or host.endswith("." + one) for one in provider.mx):
                    return _known(provider, address)
        return None

    async def _mx_hosts(self, domain: str) -> list[str]:
        answer = await self._resolver.mx(absolute(domain))
        return [record.host.rstrip(".").lower() for record in sorted(answer.records)[:10]]

    async def _by_pacc(self, domain: str, address: str) -> FoundServers | None:
        texts = await self._resolver.txt(absolute(f"_ua-auto-config.{domain}"))
        octets = await self._fetched(f"https://ua-auto-config.{domain}/.well-known/user-agent-configuration.json")
        # The digest is of the octets as they came, so it is compared before anything of them is read.
        if octets is None or not any(pacc.vouches(text, octets) for text in texts.records):
            return None
        return in_settings(pacc.read_settings(octets), address)

    async def _by_document(self, url: str, address: str) -> FoundServers | None:
        octets = await self._fetched(f"{url}?emailaddress={quote(address, safe='@')}")
        return None if octets is None else await off_loop(lambda: read_document(octets, address), kind="import")

    async def _fetched(self, place: str) -> bytes | None:
        """Fetch a document, through redirects to https. Returns None for other answers, and beyond `MAX_DOCUMENT`."""
        for _ in range(REDIRECTS + 1):
            answer = await self._client.request("GET", place, seconds=REQUEST_SECONDS, max_body=MAX_DOCUMENT)
            if answer.status not in MOVED:
                break
            place = urljoin(place, answer.header("location"))
            # Else a stranger on the way could name the server that gets the password.
            if urlsplit(place).scheme != "https":
                return None
        return None if answer.status != 200 or answer.cut else answer.body

    async def _by_srv(self, domain: str, address: str) -> FoundServers | None:
        incoming, proven = await self._srv(domain, MAILBOXES, address)
        protocol: Protocol = "imap"
        if incoming is None:
            # POP3 shows Inbox alone, so it is only asked for where there is no IMAP.
            incoming, proven = await self._srv(domain, MAILDROPS, address)
            protocol = "pop3"
        if incoming is None:
            return None
        smtp, smtp_proven = await self._srv(domain, SUBMISSION, address)
        return FoundServers(incoming=incoming, protocol=protocol, smtp=smtp, proven=proven and smtp_proven)

    async def _srv(self, domain: str, services: Services, address: str) -> tuple[FoundServer | None, bool]:
        """The first server that DNS has for a service, and whether it is of the domain or DNSSEC proves it."""
        near = {await organization(domain)}
        async with aclosing(servers_in_dns(domain, services, near, self._resolver)) as found:
            async for named_server in found:
                if host := _host(named_server.host):
                    return FoundServer(host, named_server.port, named_server.tls, address), named_server.proven
        return None, True

    async def _by_name(self, domain: str, address: str) -> FoundServers | None:
        hosts = [f"mail.{domain}"]
        try:
            hosts += (await self._mx_hosts(domain))[:1]
        except DNSError:
            pass
        mailboxes, maildrops = [f"imap.{domain}", *hosts], [f"pop.{domain}", f"pop3.{domain}", *hosts]
        incoming = await _first(
            [partial(self._answers, host, 993, b"* OK", address) for host in dict.fromkeys(mailboxes)]
            + [partial(self._answers, host, 995, b"+OK", address) for host in dict.fromkeys(maildrops)]
        )
        if incoming is None:
            return None
        senders = dict.fromkeys([f"smtp.{domain}", incoming.host])
        return FoundServers(
            incoming=incoming,
            protocol="imap" if incoming.port == 993 else "pop3",
            smtp=await _first([partial(self._answers, host, 465, b"220", address) for host in senders]),
            proven=await organization(incoming.host) == await organization(domain),
        )

    async def _answers(self, host: str, port: int, greeting: bytes, user: str) -> FoundServer | None:
        """The server at a host, if one there greets so, with a certificate for this name."""
        with trio.move_on_after(REQUEST_SECONDS):
            stream = await self._client.connect("https", host, port)
            try:
                octets = await stream.receive_some(len(greeting))
                return FoundServer(host, port, "implicit", user) if octets == greeting else None
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            finally:
                await trio.aclose_forcefully(stream)
        return None


class NamedServer(msgspec.Struct, frozen=True):
    """A server that an SRV record names. `proven`: by DNSSEC, or it is of one of the organisations that were given."""

    host: str
    port: int
    tls: SubmissionTLS
    proven: bool


async def servers_in_dns(
    domain: str, services: Services, near: set[str], resolver: Resolver
) -> AsyncGenerator[NamedServer]:
    """The servers that a domain names for these services, the preferred first. `near`: organisational domains.

    The password goes to it, so one that is not proven is for the user to confirm, or is left alone (RFC 6186 §6).
    """
    for service, tls in services:
        try:
            with trio.fail_after(LOOKUP_SECONDS):
                answer = await resolver.srv(absolute(f"{service}._tcp.{domain}"))
        except (DNSError, trio.TooSlowError):
            continue
        for record in sorted(answer.records, key=lambda srv: (srv.priority, -srv.weight)):
            if host := record.target.rstrip(".").lower():  # "." where there is no such service (RFC 6186 §3.4)
                yield NamedServer(host, record.port, tls, answer.authentic or await organization(host) in near)


async def organization(host: str) -> str:
    """The organisational domain of a host."""
    return await trio.to_thread.run_sync(organizational_domain, host)


async def _first(
    ways: Sequence[Callable[[], Awaitable[T | None]]], enough: Callable[[T], bool] = lambda _: True
) -> T | None:
    """The result of the first way, in this order, that has one that is `enough`, or else one at all; all run at once.
    Raises LinkRefused from a way.
    """
    results: list[T | LinkRefused | None] = [None] * len(ways)
    ended = [trio.Event() for _ in ways]

    async def run(number: int) -> None:
        try:
            results[number] = await ways[number]()
        except LinkRefused as error:
            results[number] = error
        except (HTTPError, DNSError, BadXML, AddressError, ValueError, msgspec.DecodeError):
            pass
        finally:
            ended[number].set()

    def ends(result: T | LinkRefused | None) -> bool:
        return isinstance(result, LinkRefused) or (result is not None and enough(result))

    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + SECONDS
        for number in range(len(ways)):
            nursery.start_soon(run, number)
        # In order, not as they come: the earlier ways are the surer ones, and a fast guess must not win over a
        # published answer.
        for number, event in enumerate(ended):
            await event.wait()
            if ends(results[number]):
                nursery.cancel_scope.cancel()
                break
    found = next((result for result in results if ends(result)), None)
    if found is None:
        found = next((result for result in results if result is not None), None)
    if isinstance(found, LinkRefused):
        raise found
    return found


# The documents


def in_settings(settings: pacc.Settings, address: str) -> FoundServers | None:
    """The servers in a PACC document; None without one for reading, and where no password is taken."""
    places = settings.protocols
    if not settings.authentication.password:
        return None
    smtp = _host(places.submit.host or places.smtp.host)
    for protocol, place, port in (("imap", places.imap, 993), ("pop3", places.pop3, 995)):
        if host := _host(place.host):
            return FoundServers(
                incoming=FoundServer(host, port, "implicit", address),
                protocol="imap" if protocol == "imap" else "pop3",
                smtp=FoundServer(smtp, 465, "implicit", address) if smtp else None,
            )
    return None


def read_document(body: bytes, address: str) -> FoundServers | None:
    """The servers in a clientConfig; None if it has none for reading that takes passwords over TLS. Raises BadXML."""
    root = read_xml(body, MAX_ELEMENTS)
    if _tag(root) != "clientConfig":
        return None
    smtp = _server(root, "outgoingServer", "smtp", address)
    for protocol in PROTOCOLS:
        if (incoming := _server(root, "incomingServer", protocol, address)) is not None:
            return FoundServers(incoming=incoming, protocol=protocol, smtp=smtp)
    return None


def _server(root: Element, tag: str, kind: str, address: str) -> FoundServer | None:
    for element in root.iter():
        if _tag(element) != tag or element.get("type") != kind:
            continue
        texts: dict[str, list[str]] = {}
        for child in element:
            texts.setdefault(_tag(child), []).append((child.text or "").strip())
        methods = texts.get("authentication", [])
        if methods and not any(method.startswith(("password", "plain", "secure")) for method in methods):
            continue  # OAuth2, a client's address, or none
        tls = {"SSL": "implicit", "STARTTLS": "starttls"}.get("".join(texts.get("socketType", ())[:1]))
        host = _host(_filled("".join(texts.get("hostname", ())[:1]), address))
        port = "".join(texts.get("port", ())[:1])
        user = _filled("".join(texts.get("username", ())[:1]), address) or address
        # at most 5 digits, before `int`: it raises for thousands of them
        if tls is None or not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            continue
        if len(user) <= MAX_USER and is_visible(user):
            return FoundServer(host, int(port), "implicit" if tls == "implicit" else "starttls", user)
    return None


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _filled(text: str, address: str) -> str:
    """A text with the names that a clientConfig has for parts of the address."""
    localpart, _, domain = address.rpartition("@")
    for name, value in (("EMAILADDRESS", address), ("EMAILLOCALPART", localpart), ("EMAILDOMAIN", domain)):
        text = text.replace(f"%{name}%", value)
    return text


def _host(text: str) -> str:
    """The name of a host in A-labels, "" for another text."""
    name = text.strip().rstrip(".")
    if not name or len(name) > MAX_HOST or "." not in name:
        return ""
    try:
        return Domain.parse(name).ascii
    except AddressError:
        return ""
