"""Which way a message takes: its own transport, else the first route that matches (QUEUE-30, QUEUE-31). Pure."""

from collections.abc import Sequence

from moxlite.config.domains import DomainConfig, Route
from moxlite.config.snapshot import Snapshot
from moxlite.config.transports import Transport
from moxlite.proto.address import AddressError, Domain
from moxlite.queue.rows import Message

__all__ = ["choose_transport", "matching_route", "sender_domain_disabled"]


def _matches(patterns: Sequence[str], domain: str) -> bool:
    """Whether a domain (lower-case U-labels) is in the list; an empty list matches all, ``.example.org`` also what is
    below.
    """
    if not patterns:
        return True
    for pattern in patterns:
        bare = pattern.removeprefix(".")
        if domain == bare or (bare != pattern and domain.endswith(pattern)):
            return True
    return False


def matching_route(routes: Sequence[Route], sender_domain: str, recipient_domain: str, attempts: int) -> Route | None:
    """The first route for a message of which `attempts` were made already."""
    for route in routes:
        if (
            attempts >= route.minimum_attempts
            and _matches(route.from_domain, sender_domain)
            and _matches(route.to_domain, recipient_domain)
        ):
            return route
    return None


def choose_transport(snapshot: Snapshot, message: Message, attempts: int) -> tuple[str, Transport | None]:
    """Name and settings of the transport for the attempt after `attempts` others; an empty name is direct delivery.

    Reports of ours take no route that is there for mail in general: a smarthost may neither want them nor leave their
    signatures whole. Only a route that names the domain of the reports in `from_domain`, or a transport set for the
    message, leads them elsewhere (QUEUE-125).

    None with a name: that transport does not exist (any more).
    """
    name = message.transport
    if not name:
        account = snapshot.account(message.account)
        domain = _own_domain(snapshot, message.sender_domain)
        for routes in (
            account.routes if account else (),
            domain.routes if domain else (),
            snapshot.domains.routes,
        ):
            if message.is_tls_report or message.is_dmarc_report:
                routes = tuple(route for route in routes if route.from_domain)
            route = matching_route(routes, message.sender_domain, message.rcpt_domain, attempts)
            if route is not None:
                name = route.transport
                break
    return name, snapshot.static.transports.get(name) if name else None


def _own_domain(snapshot: Snapshot, name: str) -> DomainConfig | None:
    try:
        return snapshot.domain(Domain.parse(name)) if name else None
    except AddressError:
        return None


def sender_domain_disabled(snapshot: Snapshot, message: Message) -> bool:
    """Whether mail of this sender must wait, because his domain is disabled (QUEUE-17)."""
    domain = _own_domain(snapshot, message.sender_domain)
    return domain is not None and domain.disabled
