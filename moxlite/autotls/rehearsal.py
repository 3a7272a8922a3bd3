"""Looking for our own proof as a CA will, before the CA is asked: at the addresses that DNS gives a name (WEB-119).

The rehearsal sees faults of this machine: its own packet filter, another program at the port. Only an outside host can
tell whether a firewall or router further out lets the CA in. So the result is reported, and the order is made in any
case.
"""

import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

import msgspec
import trio
from cryptography import x509

from moxlite.autotls.challenges import ACME_IDENTIFIER, identifier
from moxlite.autotls.messages import ChallengeKind, Prove
from moxlite.net.dial import DialError, dial
from moxlite.net.limits import IPAddress
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ClientTLS

ALPN: Final = "acme-tls/1"
"""ALPN protocol name of tls-alpn-01 (RFC 8737 §6.2)."""

SECONDS: Final = 5.0
"""Seconds for each look: the connection stays on this machine."""

MAX_ADDRESSES: Final = 8
"""Number of a name's addresses that are tried."""

MAX_ANSWER: Final = 8192
"""Octets of an answer to http-01; ours has 400."""


class ChallengePort(msgspec.Struct, frozen=True):
    """A port that shows proofs of a kind."""

    kind: ChallengeKind
    port: int


class RehearsalResult(msgspec.Struct, frozen=True):
    """Result of a rehearsal. wrong: problems by kind, in words. well: kinds whose proof was seen at each address of
    this machine.
    """

    wrong: Mapping[ChallengeKind, str]
    well: frozenset[ChallengeKind]


async def rehearse(
    name: str, ips: Iterable[str], places: Sequence[ChallengePort], show: Callable[[Prove], None]
) -> RehearsalResult:
    """Show proofs of our own making, and look for them.

    Args:
      name: A-labels.
      ips: addresses of the name; addresses of other machines (a router's) are skipped.
      places: all ports of a kind; one of them that answers is enough.
      show: adds a proof that is shown from now on.

    Does not raise.
    """
    # Addresses of a router are left out: many do not let machines behind them in by the outer address (hairpin NAT).
    here = [ip for ip in map(ip_address, sorted(ips)[:MAX_ADDRESSES]) if _is_here(ip)]
    proofs = {kind: _proof(kind, name) for kind in dict.fromkeys(one.kind for one in places)}
    for proof in proofs.values():
        show(proof)
    seen: dict[tuple[ChallengeKind, IPAddress], list[str]] = {(kind, ip): [] for kind in proofs for ip in here}

    async def look(place: ChallengePort, ip: IPAddress) -> None:
        words = f"port {place.port} of {ip} didn't respond within {SECONDS:.0f} s"
        with trio.move_on_after(SECONDS):
            words = await _problem(place, proofs[place.kind], ip)
        seen[place.kind, ip].append(words)

    async with trio.open_nursery() as nursery:
        for place in places:
            for ip in here:
                nursery.start_soon(look, place, ip)
    wrong: dict[ChallengeKind, str] = {}
    for (kind, _), found in seen.items():
        if found and all(found):
            wrong[kind] = "; ".join(filter(None, (wrong.get(kind), *sorted(found))))
    return RehearsalResult(wrong, frozenset(kind for kind in proofs if here and kind not in wrong))


def _is_here(ip: IPAddress) -> bool:
    """Whether an address belongs to this machine: other addresses cannot be bound."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _proof(kind: ChallengeKind, name: str) -> Prove:
    token = secrets.token_urlsafe(16)
    return Prove(kind, name, token, f"{token}.{secrets.token_urlsafe(16)}")


async def _problem(place: ChallengePort, proof: Prove, ip: IPAddress) -> str:
    """The problem with the answer to a challenge, or ""."""
    try:
        stream = (await dial([ip], place.port, inside=True, seconds=SECONDS)).stream
    except DialError as error:
        return f"port {place.port} of this machine isn't responding: {error}"
    proves = _proves_by_http if place.kind == "http-01" else _proves_by_tls
    return "" if await proves(proof, stream) else _other(ip, place.port)


async def _proves_by_http(proof: Prove, stream: trio.abc.Stream) -> bool:
    """Whether the answer to http-01 is ours."""
    request = (
        f"GET /.well-known/acme-challenge/{proof.token} HTTP/1.1\r\nHost: {proof.name}\r\n"
        "User-Agent: moxlite\r\nConnection: close\r\n\r\n"
    )
    answer = bytearray()
    async with stream:
        try:
            await stream.send_all(request.encode())
            while len(answer) < MAX_ANSWER and (data := await stream.receive_some(MAX_ANSWER)):
                answer += data
        except trio.BrokenResourceError:
            pass  # the octets received until then are checked
    # Not only the status: another web server at the port answers 200 for any path, too.
    return proof.key_authorization.encode() in answer


async def _proves_by_tls(proof: Prove, stream: trio.abc.Stream) -> bool:
    """The same for tls-alpn-01."""
    try:
        tls = await ClientTLS(alpn=(ALPN,)).connect(stream, proof.name)
    except TLSError:
        return False
    leaf = tls.peer_chain()[0]
    await trio.aclose_forcefully(tls)
    try:
        shown = leaf.extensions.get_extension_for_oid(ACME_IDENTIFIER).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    expected = identifier(proof.key_authorization)
    return isinstance(shown, x509.UnrecognizedExtension) and shown.value == expected


def _other(ip: IPAddress, port: int) -> str:
    return f"another program is using port {port} of {ip}"
