"""The registration date of a domain, by RDAP (RFC 9082, 9083, 9224): few receivers trust new domains (ADMIN-29)."""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from urllib.parse import urljoin

import msgspec

from moxlite.encoding import from_json
from moxlite.net.httpclient import HTTPClient, HTTPError
from moxlite.proto.address import Domain

BOOTSTRAP: Final = "https://data.iana.org/rdap/dns.json"
"""IANA's list of RDAP servers by top-level domain (RFC 9224)."""

MAX_BOOTSTRAP: Final = 1 << 20
"""Maximum octets of that list; it has some 60,000."""

MAX_ANSWER: Final = 256 << 10
"""Maximum octets of an answer about a domain; registrars add their terms of use."""

SECONDS: Final = 20.0
"""Seconds for one request."""

MAX_REDIRECTS: Final = 5
"""Redirects of one question: the bootstrap, the registry and the registrar are three; more is a circle."""

ACTIONS: Final = frozenset({"registration", "reregistration", "reinstantiation"})
"""Events after which the domain may have another owner (RFC 9083 §10.2.3)."""


class RDAPError(Exception):
    """The request got no answer. The text is for people."""


class NotRegistered(RDAPError):
    """The registry does not know the domain."""


class _Event(msgspec.Struct, rename="camel"):
    event_action: str = ""
    event_date: str = ""


class _Answer(msgspec.Struct):
    events: list[_Event] = []


class _Bootstrap(msgspec.Struct):
    services: list[tuple[list[str], list[str]]]


async def registered(http: HTTPClient, domain: Domain, server: str = "") -> dt.datetime:
    """The latest moment at which a domain was registered, registered again, or taken up again.

    Args:
      domain: an organisational domain; registries have no others.
      server: base URL of the registry's server; if empty, it is looked up in IANA's list.

    Raises:
      NotRegistered, RDAPError.
    """
    base = server or await _server(http, domain)
    body = await _get(http, urljoin(base if base.endswith("/") else f"{base}/", f"domain/{domain.ascii}"), MAX_ANSWER)
    try:
        events = from_json(body, _Answer).events
    except msgspec.DecodeError as error:
        raise RDAPError(f"can't read the response for {domain}: {error}") from None
    found = [moment for event in events if event.event_action in ACTIONS and (moment := _moment(event.event_date))]
    if not found:
        raise RDAPError(f"no registration date found for {domain}")
    return max(found)


async def _server(http: HTTPClient, domain: Domain) -> str:
    """The server for a domain: the list's entry for the longest name at or above it (RFC 9224 §4)."""
    try:
        services = from_json(await _get(http, BOOTSTRAP, MAX_BOOTSTRAP), _Bootstrap).services
    except msgspec.DecodeError as error:
        raise RDAPError(f"can't read IANA's server list: {error}") from None
    known = {name.lower(): urls for names, urls in services for name in names}
    labels = domain.ascii.split(".")
    for at in range(1, len(labels)):
        if url := _secure(known.get(".".join(labels[at:]), ())):
            return url
    raise RDAPError(f"no RDAP service found for .{labels[-1]}")


def _secure(urls: Sequence[str]) -> str:
    return next((url for url in urls if url.startswith("https://")), "")


async def _get(http: HTTPClient, url: str, max_body: int) -> bytes:
    """The body of an answer. Redirects are followed (RFC 7480 §5.2)."""
    for _ in range(MAX_REDIRECTS):
        try:
            answer = await http.request(
                "GET", url, headers=(("Accept", "application/rdap+json"),), seconds=SECONDS, max_body=max_body
            )
        except HTTPError as error:
            raise RDAPError(f"{url}: {error}") from None
        if answer.status in (301, 302, 303, 307, 308) and (target := answer.header("location")):
            url = urljoin(url, target)
        elif answer.status == 404:
            raise NotRegistered("domain not found in the registry")
        elif answer.status != 200 or answer.cut:
            what = "the response is too long" if answer.cut else f"status {answer.status}"
            raise RDAPError(f"{url}: {what}")
        else:
            return answer.body
    raise RDAPError(f"{url}: too many redirects (limit {MAX_REDIRECTS})")


def _moment(text: str) -> dt.datetime | None:
    """Parse an RFC 3339 time; without a zone it is UTC. None if the text is not a time."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
