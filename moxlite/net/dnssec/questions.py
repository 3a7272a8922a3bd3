"""Queries for records with their signatures, and the bounds of one validation (AUTH-123)."""

import time
from collections.abc import Sequence
from typing import Final, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from moxlite.net.dns.client import Servers
from moxlite.net.dns.wire import PAYLOAD

TRY_SECONDS: Final = 5.0
"""Seconds for one query to one server, as in `net.dns.client`."""


class Unanswered(Exception):
    """No server gave a usable response."""


class Exhausted(Exception):
    """The bounds of a validation were reached: queries, signatures or time."""


class Question(Protocol):
    """Returns the response to a query for one name and type. Raises Unanswered, Exhausted."""

    def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message: ...


class Servant:
    """Queries to resolvers over UDP, and TCP if the response is truncated. Blocks.

    The CD bit asks for records whose signatures the resolver could not verify, the DO bit for the signatures
    (RFC 4035 §3.2.1, §3.2.2).

    Args:
      queries: number of queries allowed.
      deadline: time.monotonic() after which no query is made.
    """

    def __init__(self, servers: Servers, *, queries: int, deadline: float) -> None:
        self._servers = servers
        self._left = queries
        self._deadline = deadline

    def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        problems: Sequence[str] = []
        for server in self._servers.addresses:
            seconds = min(TRY_SECONDS, self._deadline - time.monotonic())
            if seconds <= 0 or self._left <= 0:
                raise Exhausted(f"more than {'the time' if seconds <= 0 else 'the queries'} of one validation")
            self._left -= 1
            query = dns.message.make_query(name, kind, use_edns=0, want_dnssec=True, payload=PAYLOAD)
            query.flags |= dns.flags.CD
            try:
                response, _ = dns.query.udp_with_fallback(
                    query, str(server), timeout=seconds, port=self._servers.port, ignore_unexpected=True
                )
            except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
                problems = [*problems, f"{server}: {type(error).__name__}: {error}"]
                continue
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return response
            problems = [*problems, f"{server}: {dns.rcode.to_text(response.rcode())}"]
        raise Unanswered(f"{name} {dns.rdatatype.to_text(kind)}: {'; '.join(problems)}")
