"""Results of a passing ARC chain whose newest sealers are trusted (RFC 8617 §7.2; AUTH-112, AUTH-113)."""

from collections.abc import Collection
from typing import Final

import msgspec

from moxlite.mailauth.results import ARCResult, ARCStatus
from moxlite.proto.authresults import AuthResults, AuthResultsError, Method, parse

MAX_SIGNERS: Final = 10
"""Number of signing domains taken over from a sealer: the limit for evaluated DKIM signatures (AUTH-30)."""


class Vouched(msgspec.Struct, frozen=True):
    """Results recorded by a trusted sealer at the end of a passing chain. Domains in A-labels.

    Attributes:
      instance, sealer: number and domain of the set used: the newest that authenticates the author, else the newest.
      proven: the author's domain was authenticated when the message reached that sealer.
      signers: domains of the DKIM signatures that passed there.
    """

    instance: int
    sealer: str
    proven: bool
    signers: tuple[str, ...] = ()

    @property
    def comment(self) -> str:
        """The comment for aggregate reports (RFC 8617 §7.2.2)."""
        return f"arc=pass as[{self.instance}].d={self.sealer}"


def vouched(result: ARCResult, trusted: Collection[str], author: str, organization: str) -> Vouched | None:
    """Return the results of the trusted sealers; None if the chain does not pass, its newest sealer is not trusted, or
    From is not signed: it may be another one since.

    Sets are read from the newest back, while their sealers are trusted. The next older set is read if this one does
    not authenticate the author, and records that the chain before it passed.

    Args:
      trusted: domains, A-labels. author, organization: the domain in From, and its organizational domain.
    """
    if result.status is not ARCStatus.PASS or not result.author_signed or result.sealers[-1] not in trusted:
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
    """The domain in a property of a result, "" without one."""
    for one in method.properties:
        if one.kind.lower() == kind and one.name.lower() == name:
            return one.value.rpartition("@")[2].lower().rstrip(".")
    return ""


def _within(domain: str, organization: str) -> bool:
    return bool(organization) and (domain == organization or domain.endswith(f".{organization}"))
