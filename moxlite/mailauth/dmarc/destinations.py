"""Destinations of aggregate reports: mailboxes of other organizations must authorize them (RFC 9990 §4; AUTH-57,
QUEUE-132).
"""

from typing import Final
from urllib.parse import unquote

import msgspec

from moxlite.mailauth.dmarc.discovery import Discovery, NoPolicy, RecordError, is_record, parse_record
from moxlite.net.resolver import DNSError, Resolver, TempError, absolute
from moxlite.proto.address import Address, AddressError

MAX_ADDRESSES: Final = 20
"""Number of URIs read of one record, and of addresses that get a report."""


class Destinations(msgspec.Struct, frozen=True):
    """Mailboxes that take reports about a policy domain. `problems`: a line for each URI that cannot be used."""

    addresses: tuple[Address, ...]
    problems: tuple[str, ...] = ()


async def find_destinations(
    resolver: Resolver, domain: str, rua: tuple[str, ...], discovery: Discovery
) -> Destinations:
    """Return the mailboxes that may get reports, from the URIs in `rua` of the DMARC record at `domain` (A-labels).

    A mailbox outside of the policy domain's organization needs a record ``DOMAIN._report._dmarc.`` at its own domain.
    This record may replace it by other mailboxes of the same domain. Raises TempError.
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
    """The address, or its replacements of the same domain, if that domain authorizes reports; () if it does not."""
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
    except NoPolicy:  # ``v=DMARC1`` alone authorizes the address without a replacement
        named = ()
    except RecordError:
        return ()
    others = [one for uri in named[:MAX_ADDRESSES] if (one := _mailbox(uri)) is not None]
    same = tuple(one for one in others if one.domain.ascii == address.domain.ascii)
    return same or (address,)
