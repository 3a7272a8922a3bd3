"""What a chain says to those who trust some of its sealers (RFC 8617 §7.2; AUTH-112, AUTH-113)."""

from collections.abc import Collection
from typing import Final

import msgspec

from moxlite.mailauth.results import ARCResult, ARCStatus
from moxlite.proto.authresults import AuthResults, AuthResultsError, Method, parse

__all__ = ["Vouched", "vouched"]

MAX_SIGNERS: Final = 10
"""Domains that are taken over: as many signatures are evaluated of other mail (AUTH-30)."""


class Vouched(msgspec.Struct, frozen=True):
    """What trusted sealers at the end of a passing chain have recorded. Domains in A-labels.

    Attributes:
      instance, sealer: of the set that says most: the one that proves the author, else the newest.
      proven: the author's domain was proven when the message came to that sealer.
      signers: domains of the signatures that passed there.
    """

    instance: int
    sealer: str
    proven: bool
    signers: tuple[str, ...] = ()

    @property
    def comment(self) -> str:
        """As RFC 8617 §7.2.2 has it in reports."""
        return f"arc=pass as[{self.instance}].d={self.sealer}"


def vouched(result: ARCResult, trusted: Collection[str], author: str, organization: str) -> Vouched | None:
    """What the chain says; None where it does not pass, or its newest sealer is not trusted.

    From the newest set on, as long as sealers are trusted: one that found nothing proven, and says that the chain
    passed before it, hands on to the one before.

    Args:
      trusted: domains, A-labels. author, organization: the domain in From, and its organizational domain.
    """
    if result.status is not ARCStatus.PASS or result.sealers[-1] not in trusted:
        return None
    newest: Vouched | None = None
    for instance in range(result.instances, 0, -1):
        sealer = result.sealers[instance - 1]
        if sealer not in trusted:
            break
        try:
            recorded = parse(result.statements[instance - 1])
        except AuthResultsError:
            break
        found = Vouched(instance, sealer, _proves(recorded, author, organization), _signers(recorded))
        if found.proven:
            return found
        newest = newest or found
        if not any(method.name.lower() == "arc" and method.result.lower() == "pass" for method in recorded.methods):
            break
    return newest or Vouched(result.instances, result.sealers[-1], proven=False)


def _proves(recorded: AuthResults, author: str, organization: str) -> bool:
    """Whether DMARC passed for the author, or SPF or a signature for a domain of its organization."""
    for method in recorded.methods:
        if method.result.lower() != "pass":
            continue
        match method.name.lower():
            case "dmarc":
                if _domain(method, "header", "from") == author:
                    return True
            case "dkim":
                if _within(_domain(method, "header", "d"), organization):
                    return True
            case "spf":
                if _within(_domain(method, "smtp", "mailfrom"), organization):
                    return True
    return False


def _signers(recorded: AuthResults) -> tuple[str, ...]:
    passed = [one for one in recorded.methods if one.name.lower() == "dkim" and one.result.lower() == "pass"]
    domains = dict.fromkeys(domain for one in passed if (domain := _domain(one, "header", "d")))
    return tuple(domains)[:MAX_SIGNERS]


def _domain(method: Method, kind: str, name: str) -> str:
    """The domain of a property, "" without one."""
    for one in method.properties:
        if one.kind.lower() == kind and one.name.lower() == name:
            return one.value.rpartition("@")[2].lower().rstrip(".")
    return ""


def _within(domain: str, organization: str) -> bool:
    return bool(organization) and (domain == organization or domain.endswith(f".{organization}"))
