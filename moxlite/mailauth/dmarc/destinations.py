"""Where aggregate reports may go: an owner may name mailboxes elsewhere, which must agree (RFC 9990 §4; AUTH-57,
QUEUE-132).
"""

from typing import Final
from urllib.parse import unquote

import msgspec

from moxlite.mailauth.dmarc.discovery import Discovery
from moxlite.mailauth.dmarc.record import NoPolicy, RecordError, is_record, parse_record
from moxlite.net.resolver import DNSError, Resolver, TempError, absolute
from moxlite.proto.address import Address, AddressError

__all__ = ["Destinations", "find_destinations"]

MAX_ADDRESSES: Final = 20
"""URIs read of one record, and addresses that get a report."""


class Destinations(msgspec.Struct, frozen=True):
    """Mailboxes that take reports about a policy domain, and what is wrong with others, a line each."""

    addresses: tuple[Address, ...]
    problems: tuple[str, ...] = ()


async def find_destinations(
    resolver: Resolver, domain: str, rua: tuple[str, ...], discovery: Discovery
) -> Destinations:
    """The mailboxes among the URIs of `rua`, the addresses of the record at `domain`, an A-label.

    One outside of the policy domain's organization counts only where its own domain says so, under the policy domain's
    name; it may name others at the same host in its place. Raises TempError.
    """
    found: list[Address] = []
    problems: list[str] = []
    organization = ""
    for uri in rua[:MAX_ADDRESSES]:
        address = _mailbox(uri)
        if address is None:
            problems.append(f"{uri[:100]}: only mailto: is supported")
            continue
        organization = organization or await discovery.organizational(domain)
        if await discovery.organizational(address.domain.ascii) == organization:
            found.append(address)
            continue
        agreed = await _agreed(resolver, domain, address)
        if not agreed:
            problems.append(f"{address}: {address.domain.ascii} does not say that it takes reports about {domain}")
        found += agreed
    addresses = tuple(dict.fromkeys(found))
    for count, what in ((len(rua), "addresses in the record"), (len(addresses), "addresses that take reports")):
        if count > MAX_ADDRESSES:
            problems.append(f"only {MAX_ADDRESSES} of {count} {what} are served")
    return Destinations(addresses[:MAX_ADDRESSES], tuple(problems))


def _mailbox(uri: str) -> Address | None:
    if uri[:7].lower() != "mailto:":
        return None
    try:
        return Address.parse(unquote(uri[7:].partition("?")[0]))
    except AddressError:
        return None


async def _agreed(resolver: Resolver, domain: str, address: Address) -> tuple[Address, ...]:
    """The address, or those at the same host that its domain names in its place; none where it says nothing."""
    try:
        answer = await resolver.txt(absolute(f"{domain}._report._dmarc.{address.domain.ascii}"))
    except TempError:
        raise
    except DNSError:
        return ()
    records = [text for text in answer.records if is_record(text)]
    if not records:
        return ()
    try:
        named = parse_record(records[0]).rua
    except NoPolicy:  # ``v=DMARC1`` alone allows what the policy's domain names
        named = ()
    except RecordError:
        return ()
    others = [one for uri in named[:MAX_ADDRESSES] if (one := _mailbox(uri)) is not None]
    same = tuple(one for one in others if one.domain.ascii == address.domain.ascii)
    return same or (address,)
