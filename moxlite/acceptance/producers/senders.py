"""Senders blocked or allowed by the account's owner (SMTP-169)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from moxlite.acceptance.cases import Case
from moxlite.acceptance.evidence import FROM_VALIDATION
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.config.values import NamedSender
from moxlite.net.limits import IPAddress, unmap
from moxlite.proto.address import Address, Domain
from moxlite.proto.smtp.replies import Response

BLOCKED: Final = Response(550, "5.7.1", ("the recipient takes no mail of this sender",))


def blocked_sender(case: Case) -> Sequence[Proposal]:
    """Refuse mail from a sender whom the owner blocks. An address in From or MAIL FROM needs no proof for that."""
    if case.settings is None or not case.settings.senders.blocked:
        return ()
    sender = case.evidence.envelope.sender
    own = [case.evidence.msg_from] if case.evidence.msg_from is not None else []
    if isinstance(sender.host, Domain):
        own.append(Address(sender.localpart, sender.host))
    if not _names(case.settings.senders.blocked, own, case.evidence.envelope.remote):
        return ()
    return (Proposal(because=Reason("blocked-sender", "senders"), reply=BLOCKED, junk=True),)


def is_allowed(case: Case) -> bool:
    """Whether the owner allows the author, whose identity is proven."""
    checks, author = case.evidence.checks, case.evidence.msg_from
    if case.settings is None or checks is None or author is None or checks.from_validation == "none":
        return False
    return _names(case.settings.senders.allowed, [author], case.evidence.envelope.remote)


def allowed_sender(case: Case) -> Sequence[Proposal]:
    """Accept mail of a proven author whom the owner allows, regardless of SPF, the reverse name, the junk filter and
    block lists.
    """
    if not is_allowed(case):
        return ()
    return (Proposal(because=Reason("allowed-sender", "senders", (FROM_VALIDATION,)), binding=True),)


def _names(named: Iterable[NamedSender], addresses: Sequence[Address], remote: IPAddress) -> bool:
    """Whether a list names one of the addresses, a domain at or above theirs, or the client's network."""
    for one in named:
        if isinstance(one, IPv4Network | IPv6Network):
            if unmap(remote) in one:
                return True
        elif isinstance(one, Domain):
            if any(address.domain.is_below(one) for address in addresses):
                return True
        elif any(address.domain == one.domain and _same(address.localpart, one.localpart) for address in addresses):
            return True
    return False


def _same(one: str, other: str) -> bool:
    """Whether two localparts are equal without regard to case: few hosts distinguish it, and neither do senders of
    unwanted mail.
    """
    return one.lower() == other.lower()
