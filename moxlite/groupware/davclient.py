"""Calendars and address books of a user at another server, asked for by CalDAV and CardDAV (DAV-43).

The other server is a stranger's: its answers are bounded, `net.httpclient` says which addresses may be asked, and the
password goes to https alone. Nothing is changed there.
"""

from __future__ import annotations

import base64
from collections.abc import Container
from typing import TYPE_CHECKING, Final, Self, TypeAlias
from urllib.parse import urljoin, urlsplit

import msgspec

from moxlite.ledger import NoRoom, ledger
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.net.resolver import DNSError, Resolver
from moxlite.processor import off_loop
from moxlite.proto.dav.xml import APPLE, CALDAV, CARDDAV, DAV, BadXML, document, each_child, element, text
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.groupware.collection import Kind
from moxlite.wording import worded

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SECONDS: Final = 60.0
"""Seconds of one request."""

MAX_LIST: Final = 8 << 20
"""Octets of a list of places or entries: 20,000 entries have 4 to 6 MB."""

MAX_ANSWER: Final = 4 << 20
"""Octets of an answer with entries. Where it is larger, fewer are asked for, and an entry has 1 MiB at most."""

COST: Final = 8
"""Octets of memory for each octet of an answer at most, and of a list with its entries."""

MAX_ELEMENTS: Final = 150_000
"""Elements of an answer, seven for each entry of a list."""

MAX_PLACES: Final = 100
"""Calendars, or address books, that are copied."""

MAX_KINDS: Final = 10
"""Elements of a property that are looked at: the type of a shared calendar has five."""

REDIRECTS: Final = 5
"""Addresses that are asked for one request, the first one included; a loop of redirects ends here."""

MOVED: Final = frozenset({301, 302, 307, 308})

ROOM_SECONDS: Final = 600.0
"""Seconds for which a copy waits for room: it runs in the background."""

HOMES: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar-home-set", "contact": CARDDAV + "addressbook-home-set"}
TYPES: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar", "contact": CARDDAV + "addressbook"}
WELL_KNOWN: Final[dict[Kind, str]] = {"calendar": "/.well-known/caldav", "contact": "/.well-known/carddav"}
SERVICES: Final[dict[Kind, str]] = {"calendar": "caldavs", "contact": "carddavs"}
DATA: Final[dict[Kind, str]] = {"calendar": CALDAV + "calendar-data", "contact": CARDDAV + "address-data"}
REPORTS: Final[dict[Kind, str]] = {
    "calendar": CALDAV + "calendar-multiget",
    "contact": CARDDAV + "addressbook-multiget",
}


class Property(msgspec.Struct, frozen=True):
    """A property as another server gives it: its text, the address in it, "" for none, and names of elements in it."""

    text: str
    href: str
    kinds: tuple[str, ...]


Properties: TypeAlias = dict[str, Property]
ABSENT: Final = Property("", "", ())


class CopyFailed(Exception):
    """The other server cannot be copied from; the text gives the reason, for people."""


class TooLarge(CopyFailed):
    """A response is larger than it may be."""


class WrongPassword(CopyFailed):
    """The other server refuses the user; it is not asked again elsewhere."""


class Place(msgspec.Struct, frozen=True):
    """A calendar or address book at the other server."""

    kind: Kind
    url: str
    title: str
    colour: str


def url_problem(url: str) -> str:
    """Why calendars can't be copied from an address, "" if they can."""
    try:
        _host_of(url)
    except CopyFailed as error:
        return str(error)
    return ""


def _host_of(url: str) -> str:
    """The host of an address from which calendars can be copied. Raises CopyFailed."""
    parts = urlsplit(_joined(url, ""))
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise CopyFailed("the URL must start with https:// and can't include a password")
    return parts.hostname


class Remote:
    """The other server, asked as one of its users, in a `with` that counts the latest answer in the ledger. All methods
    raise CopyFailed.
    """

    def __init__(self, client: HTTPClient, resolver: Resolver, url: str, user: str, password: str) -> None:
        self._host = _host_of(url)
        if ":" in user:
            raise CopyFailed("the user name can't contain a colon")
        self._client = client
        self._resolver = resolver
        self._hold = ledger().hold()
        self._proven: set[str] = set()  # hosts of other domains that DNSSEC names
        self._url = url
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hold.close()

    async def places(self, kind: Kind) -> list[Place]:
        """The calendars or address books of the user."""
        home = await self._home(kind)
        names = (DAV + "resourcetype", DAV + "displayname", APPLE + "calendar-color")
        found = []
        for href, props in (await self._find(home, names, "1"))[1]:
            # The home itself is in the list, and so are places for messages and shared things that are no calendar.
            kinds, title, colour = (props.get(name, ABSENT) for name in names)
            if TYPES[kind] not in kinds.kinds:
                continue
            url = _joined(home, href)
            last = url.rstrip("/").rpartition("/")[2]
            found.append(Place(kind, url, (_words(title) or last)[:200], _words(colour)[:9]))
        return found[:MAX_PLACES]

    async def entries(self, place: Place) -> list[str]:
        """The addresses of the entries of a place, as the server writes them."""
        _, found = await self._find(place.url, (DAV + "getetag",), "1")
        return [href for href, props in found if DAV + "getetag" in props and not href.endswith("/")]

    async def data(self, place: Place, hrefs: list[str]) -> list[bytes]:
        """The octets of entries; those that are gone, or too large by themselves, are left out."""
        wanted = element(DAV + "prop", element(DATA[place.kind]))
        asked = (element(DAV + "href", text(href)) for href in hrefs)
        body = document(REPORTS[place.kind], (wanted, *asked))
        try:
            _, found = await self._ask("REPORT", place.url, body, "1", (DATA[place.kind],))
        except TooLarge:
            half = len(hrefs) // 2
            return [*await self.data(place, hrefs[:half]), *await self.data(place, hrefs[half:])] if half else []
        return [props[DATA[place.kind]].text.encode() for _, props in found if props]

    async def _home(self, kind: Kind) -> str:
        known = urljoin(self._url, WELL_KNOWN[kind])
        # A user who gives a path means it. With a host alone the well-known place comes first: the root of a web server
        # often answers something else.
        below = urlsplit(self._url).path.strip("/") != ""
        failure = CopyFailed("the server doesn't have a calendar or contacts home for this user")
        for start in (self._url, known) if below else (known, self._url):
            try:
                if home := await self._home_from(start, kind):
                    return home
            # Each further attempt would count as a wrong password, and lock the user out there.
            except WrongPassword:
                raise
            except CopyFailed as error:
                failure = error
        # Last, as it may lead to another host: most servers that are given by name are found without it.
        announced = await self._announced(kind)
        home = await self._home_from(announced, kind) if announced else ""
        if not home:
            raise failure
        return home

    async def _home_from(self, start: str, kind: Kind) -> str:
        """The home that a place names, or the user's principal that it names; "" for none."""
        url = start
        # The place may name the home, or a principal that names it; a server that leads on further is broken.
        for _ in range(2):
            url, found = await self._find(url, (HOMES[kind], DAV + "current-user-principal"), "0")
            props = found[0][1] if found else {}
            if home := props.get(HOMES[kind], ABSENT).href:
                return _joined(url, home)
            url = _joined(url, props.get(DAV + "current-user-principal", ABSENT).href)
        return ""

    async def _announced(self, kind: Kind) -> str:
        """The address that DNS has for the service of the domain (RFC 6764 §6), "" for none. A server of another domain
        counts only where DNSSEC proves the record.
        """
        name = f"_{SERVICES[kind]}._tcp.{self._host}."
        try:
            answer = await self._resolver.srv(name)
        except DNSError:
            return ""
        srvs = sorted(record for record in answer.records if record.target.rstrip("."))
        if not srvs:
            return ""
        host, port = srvs[0].target.rstrip(".").lower(), srvs[0].port
        if answer.authentic:
            self._proven.add(host)
        try:
            texts = (await self._resolver.txt(name)).records
        except DNSError:
            texts = ()
        paths = (one.partition("=")[2] for one in texts if one.lower().startswith("path=/"))
        return f"https://{host}:{port}{next(paths, WELL_KNOWN[kind])}"

    async def _find(self, url: str, names: tuple[str, ...], depth: str) -> tuple[str, list[tuple[str, Properties]]]:
        body = document(DAV + "propfind", [element(DAV + "prop", *map(element, names))])
        return await self._ask("PROPFIND", url, body, depth, names)

    async def _ask(
        self, method: str, url: str, body: str, depth: str, names: Container[str]
    ) -> tuple[str, list[tuple[str, Properties]]]:
        """The address that answered after redirects, and the named properties as far as they are there, by address."""
        most = MAX_ANSWER if method == "REPORT" else MAX_LIST
        headers = (("Authorization", self._login), ("Depth", depth), ("Content-Type", "application/xml; charset=utf-8"))
        for _ in range(REDIRECTS):
            # Check every redirect before its request, because the request contains the password.
            self._check(url)
            try:
                answer = await self._client.request(
                    method, url, headers=headers, body=body.encode(), seconds=SECONDS, max_body=most
                )
            except HTTPError as error:
                raise CopyFailed(str(error)) from None
            if answer.status not in MOVED:
                break
            url = _joined(url, answer.header("location"))
        if answer.status == 401:
            raise WrongPassword("the server rejected the user name or password")
        if answer.status != 207:
            raise CopyFailed(
                worded(
                    "no calendars found there: {host} responded to {method} with {status}",
                    host=urlsplit(url).hostname,
                    method=method,
                    status=answer.status,
                )
            )
        if answer.cut:
            raise TooLarge(worded("a response is larger than {size} MiB", size=most >> 20))
        self._hold.give("link")  # of the answer before, of which nothing is left
        try:
            await self._hold.take("link", COST * min(len(answer.body), MAX_ANSWER), ROOM_SECONDS)
            return url, await off_loop(lambda: read_properties(answer.body, names), kind="import")
        except NoRoom:
            raise CopyFailed("the server is out of memory; try again later") from None
        except BadXML as error:
            raise CopyFailed(worded("can't read a response: {reason}", reason=error)) from None

    def _check(self, url: str) -> None:
        """The password is for the host that was named, and others of its domain."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = not self._host.rpartition(".")[2].isdigit() and ":" not in self._host
        same = named and organizational_domain(host) == organizational_domain(self._host)
        if parts.scheme != "https" or (host != self._host and host not in self._proven and not same):
            place = f"{parts.scheme}://{host}"
            raise CopyFailed(
                worded(
                    "the server redirects to {place}, but the password is only sent to the original server", place=place
                )
            )


def read_properties(body: bytes, names: Container[str]) -> list[tuple[str, Properties]]:
    """The named properties that a multistatus has, by address (RFC 4918 §14.16). Raises BadXML."""
    found = []
    for response in each_child(body, DAV + "multistatus", MAX_ELEMENTS):
        href = (response.findtext(DAV + "href") or "").strip()
        if response.tag != DAV + "response" or not href:
            continue
        good = (one for one in response.findall(DAV + "propstat") if " 200" in (one.findtext(DAV + "status") or ""))
        props = {one.tag: _property(one) for stat in good for one in stat.iterfind(DAV + "prop/*") if one.tag in names}
        found.append((href, props))
    return found


def _property(one: Element) -> Property:
    kinds = tuple([child.tag for child in one[:MAX_KINDS]])
    return Property(one.text or "", (one.findtext(DAV + "href") or "").strip(), kinds)


def _joined(base: str, href: str) -> str:
    """The address that a reference leads to. Raises CopyFailed."""
    try:
        found = urljoin(base, href)
        urlsplit(found)
    except ValueError:
        raise CopyFailed(worded("“{text}” isn't a valid URL", text=(href or base)[:100])) from None
    return found


def _words(one: Property) -> str:
    return " ".join(one.text.split())
