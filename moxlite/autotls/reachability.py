"""Whether a CA will find our proofs: names that point here, and ports that answer (WEB-115, WEB-140)."""

import logging
from collections.abc import Callable, Collection, Iterable

import msgspec

from moxlite.autotls.challenges import Challenges
from moxlite.autotls.messages import ChallengeKind
from moxlite.autotls.names import NameCheck, check_dns, own_ips
from moxlite.autotls.rehearsal import ChallengePort, RehearsalResult, rehearse
from moxlite.config.snapshot import Snapshot
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import KeyPair
from moxlite.net.tls.handshake import ServerTLS

logger = logging.getLogger("moxlite.autotls")


class Ports(msgspec.Struct, frozen=True):
    """The ports that use the certificates, and that answer challenges.

    put: use this certificate from the next handshake on. tls: TLS of the ports where a CA looks for tls-alpn-01.
    places: the ports that answer challenges, the best kind first.
    """

    put: Callable[[KeyPair], None]
    tls: Callable[[], Iterable[ServerTLS]]
    places: tuple[ChallengePort, ...]

    @property
    def kinds(self) -> tuple[ChallengeKind, ...]:
        """The kinds of challenges that can be answered, the best first."""
        return tuple(dict.fromkeys(place.kind for place in self.places))


class Reachability:
    """Results of the last looks at each host. Problems are logged when they are new."""

    def __init__(self, authority: str, resolver: Resolver, challenges: Challenges, ports: Ports) -> None:
        self._authority = authority
        self._resolver = resolver
        self._challenges = challenges
        self._ports = ports
        self._elsewhere: dict[str, str] = {}
        self._rehearsed: dict[str, RehearsalResult] = {}

    def keep(self, wanted: Collection[str]) -> None:
        """Forget all other hosts."""
        self._elsewhere = {host: words for host, words in self._elsewhere.items() if host in wanted}
        self._rehearsed = {host: seen for host, seen in self._rehearsed.items() if host in wanted}

    def forget_rehearsal(self, host: str) -> None:
        """Forget problems of ports: the CA has found the proof."""
        self._rehearsed.pop(host, None)

    def problems(self, host: str, error: str) -> str:
        """Reasons why a host gets no certificate: its name points elsewhere, or its ports have problems beside `error`,
        that of the last order.
        """
        seen = self._rehearsed.get(host)
        wrong = () if seen is None else seen.wrong.values()
        return self._elsewhere.get(host) or "; ".join(filter(None, (*wrong, error)))

    def is_astray(self, host: str) -> bool:
        """Whether DNS doesn't point a host here."""
        return host in self._elsewhere

    async def ask_dns(self, snapshot: Snapshot, host: str) -> NameCheck:
        """Find out whether a name points here."""
        found = await check_dns(host, self._resolver, own_ips(snapshot, self._authority))
        if found.words and self._elsewhere.get(host) != found.words:
            logger.warning("host name doesn't point to this server", extra={"kv": {"host": host, "why": found.words}})
        self._elsewhere.pop(host, None)
        if not found.order:
            self._elsewhere[host] = found.words
        return found

    async def rehearse(self, host: str, ips: tuple[str, ...]) -> RehearsalResult:
        """Look for our own proofs first. Problems are logged before the CA is asked, each once."""
        with self._challenges.showing(self._ports.tls()) as show:
            seen = await rehearse(host, ips, self._ports.places, show)
        before = self._rehearsed.get(host)  # orders are tried for days: the log has each problem once
        for kind, words in seen.wrong.items():
            if before is None or before.wrong.get(kind) != words:
                kv = {"host": host, "challenge": kind, "why": words}
                logger.warning("CA can't reach the challenge response", extra={"kv": kv})
        self._rehearsed[host] = seen
        return seen
