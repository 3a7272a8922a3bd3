"""The mail servers of an address at another provider, found by the address alone (LINK-20, LINK-21).

The ways, the first that knows something counts: a table of large providers, by domain and by MX; the clientConfig of
the domain (draft-ietf-mailmaint-autoconfig); SRV records (RFC 6186, RFC 8314); usual names, where a server answers with
a certificate for the name. All are asked at once. Plain http is not: what it answers could be anybody's, and the
password would go there. Hosts of the inner network are asked as `HTTPClient` says (WEB-111).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec
import trio

from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.resolver import DNSError, Resolver, absolute
from moxlite.operations.links import FoundServer, FoundServers, Wants
from moxlite.processor import off_loop
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.dav.xml import BadXML, read_xml
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.mail.links import LinkRefused, SubmissionTLS
from moxlite.wording import worded

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

T = TypeVar("T")

SECONDS: Final = 15.0
"""Seconds for all ways together: a person waits."""

REQUEST_SECONDS: Final = 8.0
"""Seconds for one answer or greeting. Hosts that drop packets are found out by this."""

LOOKUP_SECONDS: Final = 30.0
"""Seconds for the look-up of a service."""

MAX_DOCUMENT: Final = 64 << 10
"""Octets of a clientConfig; a provider's has 2 to 6 KiB."""

MAX_ELEMENTS: Final = 1_000
REDIRECTS: Final = 3
MOVED: Final = frozenset({301, 302, 303, 307, 308})

Services: TypeAlias = Sequence[tuple[str, SubmissionTLS]]
"""Names of SRV records, the better first, and the TLS of their servers (RFC 8314 §5.1, RFC 6186 §3)."""

SUBMISSION: Final[Services] = (("_submissions", "implicit"), ("_submission", "starttls"))
MAILBOXES: Final[Services] = (("_imaps", "implicit"), ("_imap", "starttls"))

MAX_HOST: Final = 253
MAX_USER: Final = 320

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
    "Microsoft no longer lets other programs log in with a password: this mailbox cannot be linked"
)
BRIDGE: Final = worded("Proton Mail has IMAP only on your own computer, by its Bridge: this mailbox cannot be linked")
NO_IMAP: Final = worded("Tuta has no IMAP: this mailbox cannot be linked")

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
        imap=FoundServer(provider.imap, 993, "implicit", address),
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
        if not at or not localpart or not domain or any(one.isspace() or not one.isprintable() for one in address):
            raise LinkRefused("is not a mail address, such as mia@example.org", "address")
        if domain in BY_DOMAIN:
            return _known(BY_DOMAIN[domain], address)
        found_servers = await _first(
            [
                partial(self._by_mx, domain, address),
                partial(self._by_document, f"https://autoconfig.{domain}/mail/config-v1.1.xml", address),
                partial(self._by_document, f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml", address),
                partial(self._by_srv, domain, address),
                partial(self._by_name, domain, address),
            ]
        )
        if found_servers is None:
            raise LinkRefused(worded("no mail server of {domain} was found: give its name", domain=domain), "host")
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

    async def _by_document(self, url: str, address: str) -> FoundServers | None:
        place = f"{url}?emailaddress={quote(address, safe='@')}"
        for _ in range(REDIRECTS + 1):
            answer = await self._client.request("GET", place, seconds=REQUEST_SECONDS, max_body=MAX_DOCUMENT)
            if answer.status not in MOVED:
                break
            place = urljoin(place, answer.header("location"))
            if urlsplit(place).scheme != "https":
                return None
        if answer.status != 200 or answer.cut:
            return None
        return await off_loop(lambda: read_document(answer.body, address), kind="import")

    async def _by_srv(self, domain: str, address: str) -> FoundServers | None:
        imap, imap_proven = await self._srv(domain, MAILBOXES, address)
        if imap is None:
            return None
        smtp, smtp_proven = await self._srv(domain, SUBMISSION, address)
        return FoundServers(imap=imap, smtp=smtp, proven=imap_proven and smtp_proven)

    async def _srv(self, domain: str, services: Services, address: str) -> tuple[FoundServer | None, bool]:
        """The first server that DNS has for a service, and whether it is of the domain or DNSSEC proves it."""
        near = {await organization(domain)}
        async with aclosing(servers_in_dns(domain, services, near, self._resolver)) as found:
            async for named_server in found:
                if host := _host(named_server.host):
                    return FoundServer(host, named_server.port, named_server.tls, address), named_server.proven
        return None, True

    async def _by_name(self, domain: str, address: str) -> FoundServers | None:
        hosts = [f"imap.{domain}", f"mail.{domain}"]
        try:
            hosts += (await self._mx_hosts(domain))[:1]
        except DNSError:
            pass
        found = await _first([partial(self._answers, host, 993, b"* OK") for host in dict.fromkeys(hosts)])
        if found is None:
            return None
        senders = dict.fromkeys([f"smtp.{domain}", found])
        sender = await _first([partial(self._answers, host, 465, b"220") for host in senders])
        return FoundServers(
            imap=FoundServer(found, 993, "implicit", address),
            smtp=None if sender is None else FoundServer(sender, 465, "implicit", address),
            proven=await organization(found) == await organization(domain),
        )

    async def _answers(self, host: str, port: int, greeting: bytes) -> str | None:
        """The host, if a server there greets so, with a certificate for this name."""
        with trio.move_on_after(REQUEST_SECONDS):
            stream = await self._client.connect("https", host, port)
            try:
                octets = await stream.receive_some(len(greeting))
                return host if octets == greeting else None
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


async def _first(ways: Sequence[Callable[[], Awaitable[T | None]]]) -> T | None:
    """The result of the first way, in this order, that has one; all run at once. Raises LinkRefused from a way."""
    results: list[T | LinkRefused | None] = [None] * len(ways)
    ended = [trio.Event() for _ in ways]

    async def run(number: int) -> None:
        try:
            results[number] = await ways[number]()
        except LinkRefused as error:
            results[number] = error
        except (HTTPError, DNSError, BadXML, AddressError, ValueError):
            pass
        finally:
            ended[number].set()

    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + SECONDS
        for number in range(len(ways)):
            nursery.start_soon(run, number)
        for number, event in enumerate(ended):
            await event.wait()
            if results[number] is not None:
                nursery.cancel_scope.cancel()
                break
    found = next((result for result in results if result is not None), None)
    if isinstance(found, LinkRefused):
        raise found
    return found


# The clientConfig


def read_document(body: bytes, address: str) -> FoundServers | None:
    """The servers in a clientConfig; None if it has no IMAP server that takes passwords over TLS. Raises BadXML."""
    root = read_xml(body, MAX_ELEMENTS)
    if _tag(root) != "clientConfig":
        return None
    imap = _server(root, "incomingServer", "imap", address)
    if imap is None:
        return None
    return FoundServers(imap=imap, smtp=_server(root, "outgoingServer", "smtp", address))


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
        if tls is None or not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
            continue
        if len(user) <= MAX_USER and user.isprintable():
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
