"""The server from which a domain moves here, its peer: asked about addresses that are not here yet, and given their
mail while the client waits, so that nothing is bounced afterwards (SMTP-184..188).

A stranger chooses the addresses, so all is bounded: sessions, questions a minute, answers that are remembered, and the
time for each. Mail that the peer sends here for such an address would go in a circle; so would mail to a host that is
this server. Both are recognized before anything is sent.
"""

import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Final, TypeAlias

import trio

from moxlite.config.snapshot import CurrentConfig, PeerRecipient
from moxlite.metrics import DAY_SECONDS, Counter, daily
from moxlite.net.dial import CONNECT_SECONDS, Dial, Dialed, DialError, LocalAddresses, dial
from moxlite.net.limits import IPAddress, unmap
from moxlite.net.listeners import is_here
from moxlite.net.resolver import DNSError, Resolver, absolute
from moxlite.net.smtpclient import HandshakeFailed, SMTPClient
from moxlite.net.tls.handshake import ClientTLS
from moxlite.operations.domains import PeerHost
from moxlite.proto.address import Domain, Localpart, Path
from moxlite.proto.smtp.conversation import TLSMode, Transaction
from moxlite.proto.smtp.errors import SMTPError, TLSRefused
from moxlite.proto.smtp.replies import OwnFault, Response
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.reports.history import sums
from moxlite.store.reports.reportsdb import ReportsDB

logger = logging.getLogger("moxlite.admin.delivery.peers")

ASK_SECONDS: Final = 30.0
"""Seconds for a question: clients wait five minutes for the reply to RCPT (RFC 5321 §4.5.3.2.3)."""

WAIT_SECONDS: Final = 60.0
"""Seconds for a question, with waiting for one of the `SESSIONS`, which messages may hold."""

PASS_SECONDS: Final = 300.0
"""Seconds for a message: clients wait ten minutes for the reply to it (RFC 5321 §4.5.3.2.6)."""

SESSIONS: Final = 8
"""Sessions with the peer of a domain at a time; many servers allow ten from one address."""

PER_MINUTE: Final = 120
"""Questions a minute about addresses of a domain to its peer: a stranger who guesses addresses must not make this
server a nuisance to it.
"""

MAX_REMEMBERED: Final = 10_000
"""Answers remembered; the oldest makes way."""

TAKEN_SECONDS: Final = 3600.0
"""Seconds for which an address counts as taken by the peer."""

REFUSED_SECONDS: Final = 300.0
"""Seconds for which an address counts as refused by the peer: it may be added there meanwhile."""

SILENT_SECONDS: Final = 60.0
"""Seconds for which a peer that did not answer is not asked again."""

NAME_SECONDS: Final = 300.0
"""Seconds for which the addresses of a peer's hosts are not looked up again."""

DAYS: Final = 14
"""Days without a message after which the owner is reminded to end this: senders look MX up anew within two."""

MAX_TEXT: Final = 300
"""Characters of a peer's reply that the client and the log are shown."""

asked_total: Final = Counter(
    "moxlite_peer_question", "Address checks with the previous servers of migrating domains.", ["result"]
)
messages_total: Final = Counter(
    "moxlite_peer_message", "Messages forwarded to the previous servers of migrating domains.", ["result"]
)
for _result in ("taken", "refused", "unanswered", "remembered", "busy", "loop"):
    asked_total.labels(result=_result)
for _result in ("passed", "refused", "unanswered"):
    messages_total.labels(result=_result)

REFUSED: Final = Response(550, "5.1.1", ("no such user",))
NO_ANSWER: Final = OwnFault(451, "4.4.1", ("this domain's previous server isn't responding; try again later",))
BUSY: Final = OwnFault(451, "4.3.2", ("too much mail for this domain's previous server; try again later",))
CIRCLE: Final = Response(550, "5.4.6", ("mail from this domain's previous server can't be sent back to it",))

Key: TypeAlias = tuple[str, tuple[str, ...], str]
"""Domain in A-labels, hosts, localpart."""


class PeerFailed(Exception):
    """The peer does not take the mail, now or for good. Holds the reply for the client."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response))
        self.response = response


async def connect_nowhere(
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = CONNECT_SECONDS,
) -> Dialed:
    """As `net.dial.dial`, in localserve, which contacts no other host. Raises DialError."""
    await trio.lowlevel.checkpoint()
    raise DialError([(ip, "localserve doesn't contact other servers") for ip in addresses])


class _Unusable(Exception):
    """A host cannot be used; the text says why."""


class Peers:
    """The peers of all domains.

    Args:
      local: from where to connect.
      here: whether this machine has an address.
    """

    def __init__(
        self,
        config: CurrentConfig,
        resolver: Resolver,
        local: LocalAddresses = LocalAddresses(),
        *,
        connect: Dial = dial,
        here: Callable[[IPAddress], bool] = is_here,
    ) -> None:
        self._config = config
        self._resolver = resolver
        self._local = local
        self._connect = connect
        self._here = here
        self._answers: OrderedDict[Key, tuple[float, Response | None]] = OrderedDict()
        self._asking: dict[Key, trio.Event] = {}
        self._silent: dict[tuple[str, ...], float] = {}
        self._names: dict[str, tuple[float, tuple[IPAddress, ...]]] = {}
        self._sessions: dict[str, trio.CapacityLimiter] = {}
        self._questions: dict[str, tuple[float, int]] = {}

    async def check(self, peer_recipient: PeerRecipient, path: Path, remote: IPAddress) -> None:
        """Find out whether the peer takes mail for an address of its domain, by what it said before or by a session.

        Raises PeerFailed: it refuses the address, it does not answer, or the client at `remote` is the peer.
        """
        key: Key = peer_recipient.domain.ascii, peer_recipient.hosts, str(path.localpart)
        with trio.move_on_after(WAIT_SECONDS):
            await self._refuse_circle(peer_recipient, remote)
            while (asking := self._asking.get(key)) is not None:
                await asking.wait()
            if (known := self._answers.get(key)) is not None and known[0] > trio.current_time():
                asked_total.labels(result="remembered").inc()
                if known[1] is not None:
                    raise PeerFailed(known[1])
                return
            self._asking[key] = trio.Event()
            try:
                await self._ask(peer_recipient, path, key)
            finally:
                self._asking.pop(key).set()
            return
        asked_total.labels(result="busy").inc()
        raise PeerFailed(BUSY)

    async def _refuse_circle(self, peer_recipient: PeerRecipient, remote: IPAddress) -> None:
        for host in peer_recipient.hosts:
            try:
                addresses = await self._addresses(host)
            except _Unusable:
                continue
            if unmap(remote) in addresses:
                asked_total.labels(result="loop").inc()
                logger.info(
                    "not returning mail to the previous server it came from",
                    extra={"kv": {"domain": peer_recipient.domain, "host": host}},
                )
                raise PeerFailed(CIRCLE)

    async def _ask(self, peer_recipient: PeerRecipient, path: Path, key: Key) -> None:
        self._take_turn(peer_recipient)
        async with self._limiter(peer_recipient):
            self._refuse_silent(peer_recipient)
            result = await self._asked(peer_recipient, path)
        kept = TAKEN_SECONDS if result is None else REFUSED_SECONDS
        self._answers.pop(key, None)
        self._answers[key] = (trio.current_time() + kept, result)
        while len(self._answers) > MAX_REMEMBERED:
            self._answers.popitem(last=False)
        if result is not None:
            raise PeerFailed(result)

    async def _asked(self, peer_recipient: PeerRecipient, path: Path) -> Response | None:
        """Ask in a session of its own; returns as `_judge`. The peer has `ASK_SECONDS`."""
        with trio.move_on_after(ASK_SECONDS):
            async with self._session(peer_recipient) as (client, host):
                try:
                    reply = await client.ask(path)
                except SMTPError as error:
                    raise self._unanswered(peer_recipient, f"{host}: {error}") from None
                return self._judge(peer_recipient, host, reply)
        raise self._unanswered(peer_recipient, f"timed out after {ASK_SECONDS:.0f} s")

    def _judge(self, peer_recipient: PeerRecipient, host: str, reply: Response) -> Response | None:
        """The answer for clients; None if the peer takes the address. A refusal that is about this server (RFC 3463
        §3.8) would be final for mail that is wanted there: it counts as none until the owner has mended it.
        """
        if reply.ok:
            asked_total.labels(result="taken").inc()
            return None
        if reply.code < 500 or reply.ecode.startswith("5.7."):
            raise self._unanswered(peer_recipient, f"{host}: rcpt: {reply}", silent=False)
        asked_total.labels(result="refused").inc()
        return REFUSED

    def _take_turn(self, peer_recipient: PeerRecipient) -> None:
        """Count a question. Raises PeerFailed beyond `PER_MINUTE`, and while the peer is silent."""
        self._refuse_silent(peer_recipient)
        now, domain = trio.current_time(), peer_recipient.domain.ascii
        began, number = self._questions.get(domain, (now, 0))
        if now - began >= 60:
            began, number = now, 0
        self._questions[domain] = began, number + 1
        if number >= PER_MINUTE:
            asked_total.labels(result="busy").inc()
            raise PeerFailed(BUSY)

    def _refuse_silent(self, peer_recipient: PeerRecipient) -> None:
        if self._silent.get(peer_recipient.hosts, 0.0) > trio.current_time():
            asked_total.labels(result="unanswered").inc()
            raise PeerFailed(NO_ANSWER)

    def _unanswered(self, peer_recipient: PeerRecipient, why: str, *, silent: bool = True) -> PeerFailed:
        """The exception for a question without an answer; `silent`: the peer is left alone for a while."""
        asked_total.labels(result="unanswered").inc()
        if silent:
            now = trio.current_time()
            self._silent = {hosts: until for hosts, until in self._silent.items() if until > now}
            self._silent[peer_recipient.hosts] = now + SILENT_SECONDS
        logger.warning(
            "previous server not responding", extra={"kv": {"domain": peer_recipient.domain, "err": why[:MAX_TEXT]}}
        )
        return PeerFailed(NO_ANSWER)

    async def pass_on(
        self, peer_recipient: PeerRecipient, transaction: Transaction, octets: Callable[[], AsyncIterator[bytes]]
    ) -> str:
        """Give a message for one recipient to the peer; returns its host. The peer has the message then.

        Raises PeerFailed; exceptions of `octets`.
        """
        with trio.move_on_after(PASS_SECONDS):
            async with self._limiter(peer_recipient), self._session(peer_recipient) as (client, host):
                outcome = await client.deliver(transaction, octets())
                [result] = outcome.recipients
                kv = {
                    "domain": peer_recipient.domain,
                    "host": host,
                    "size": transaction.size,
                    "tls": bool(client.tls_stream),
                }
                if result.error is None:
                    messages_total.labels(result="passed").inc()
                    daily.count("passed-on", peer_recipient.domain.unicode)
                    logger.info("message forwarded", extra={"kv": kv})
                    return host
                error = result.error
                logger.info("message rejected by previous server", extra={"kv": kv | {"err": str(error)[:MAX_TEXT]}})
                messages_total.labels(result="refused" if error.permanent else "unanswered").inc()
                raise PeerFailed(_told(host, error))
        messages_total.labels(result="unanswered").inc()
        logger.warning(
            "previous server not responding",
            extra={"kv": {"domain": peer_recipient.domain, "err": "message took too long"}},
        )
        raise PeerFailed(NO_ANSWER)

    # Sessions

    def _limiter(self, peer_recipient: PeerRecipient) -> trio.CapacityLimiter:
        return self._sessions.setdefault(peer_recipient.domain.ascii, trio.CapacityLimiter(SESSIONS))

    @asynccontextmanager
    async def _session(self, peer_recipient: PeerRecipient) -> AsyncIterator[tuple[SMTPClient, str]]:
        """A session with the first host that answers, after EHLO and STARTTLS; ended with the block.

        Raises PeerFailed.
        """
        client, host = await self._greeted(peer_recipient)
        try:
            yield client, host
            # The peer's answer is here: should the caller's time be over now, the client would send again what the
            # peer has already.
            with trio.move_on_after(5, shield=True):
                await client.quit()
        finally:
            with trio.CancelScope(shield=True):  # closes at once
                await client.abort()

    async def _greeted(self, peer_recipient: PeerRecipient) -> tuple[SMTPClient, str]:
        why = []
        for host in peer_recipient.hosts:
            try:
                return await self._greet(host), host
            except _Unusable as error:
                why.append(f"{host}: {error}")
        raise self._unanswered(peer_recipient, "; ".join(why))

    async def _greet(self, host: str) -> SMTPClient:
        """Raises _Unusable."""
        addresses = await self._addresses(host)
        if host in self._config.current.hostnames or any(map(self._here, addresses)):
            raise _Unusable("points back to this server; mail would loop")
        try:
            try:
                client = await self._open(host, addresses, TLSMode.OPPORTUNISTIC)
            except (HandshakeFailed, TLSRefused) as error:  # as the queue does without a policy (QUEUE-53)
                logger.info("TLS failed, retrying in plain text", extra={"kv": {"err": error, "host": host}})
                client = await self._open(host, addresses, TLSMode.SKIP)
        except (DialError, SMTPError) as error:
            raise _Unusable(str(error)) from None
        named = client.codec.greeting.partition(" ")[0].lower()
        if named in self._config.current.hostnames:  # through NAT this server has another address
            await client.abort()
            raise _Unusable(f"identifies itself as {named}, this server's own name; mail would loop")
        return client

    async def _open(self, host: str, addresses: Sequence[IPAddress], mode: TLSMode) -> SMTPClient:
        """A connection, after EHLO. Raises DialError, SMTPError."""
        dialed = await self._connect(addresses, 25, inside=True, local=self._local, seconds=ASK_SECONDS / 2)
        client = SMTPClient(
            dialed.stream,
            self._config.current.static.hostname.ascii,
            tls_mode=mode,
            tls=ClientTLS(),
            server_name=_server_name(host),
        )
        try:
            await client.hello()
        except BaseException:
            await client.abort()
            raise
        return client

    async def _addresses(self, host: str) -> tuple[IPAddress, ...]:
        """The addresses of a host. Raises _Unusable."""
        try:
            return (ip_address(host),)
        except ValueError:
            pass
        until, known = self._names.get(host, (0.0, ()))
        if until <= trio.current_time():
            try:
                known = tuple((await self._resolver.ips(absolute(Domain.parse(host).ascii))).records)
            except DNSError as error:
                raise _Unusable(f"address lookup failed: {error}") from None
            self._names[host] = trio.current_time() + NAME_SECONDS, known
            while len(self._names) > MAX_REMEMBERED:
                del self._names[next(iter(self._names))]
        return known

    # For the administrator

    async def look(self, peer_recipient: PeerRecipient) -> tuple[list[PeerHost], bool]:
        """Try each host of a peer; whether the first that answers takes any address, even one without a mailbox."""
        hosts: list[PeerHost] = []
        takes_all: list[bool] = []

        async def look_at(index: int, host: str) -> None:
            hosts[index], taken = await self._look_at(peer_recipient.domain, host)
            takes_all.append(taken)

        hosts += [PeerHost(host, problem=f"no response within {ASK_SECONDS:.0f} s") for host in peer_recipient.hosts]
        with trio.move_on_after(ASK_SECONDS):
            async with trio.open_nursery() as nursery:
                for index, host in enumerate(peer_recipient.hosts):
                    nursery.start_soon(partial(look_at, index, host))
        return hosts, any(takes_all)

    async def _look_at(self, domain: Domain, host: str) -> tuple[PeerHost, bool]:
        try:
            addresses = tuple(map(str, await self._addresses(host)))
        except _Unusable as error:
            return PeerHost(host, problem=str(error)), False
        try:
            client = await self._greet(host)
        except _Unusable as error:
            return PeerHost(host, addresses, problem=str(error)), False
        try:
            reply = await client.ask(Path(Localpart(f"moxlite-{secrets.token_hex(8)}"), domain))
            return PeerHost(host, addresses, client.tls_stream is not None), reply.ok
        except SMTPError as error:
            return PeerHost(host, addresses, client.tls_stream is not None, str(error)[:MAX_TEXT]), False
        finally:
            await client.abort()


def _server_name(host: str) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        return Domain.parse(host).ascii
    return None


def _told(host: str, error: SMTPError) -> Response:
    """The reply to a message that the peer did not take."""
    if not error.permanent:
        return NO_ANSWER
    ecode = error.ecode if error.ecode.startswith("5.") else "5.0.0"
    return Response.of(554, ecode, f"{host} says: {str(error)[:MAX_TEXT]}")


async def passed_on(reports: ReportsDB, days: int, until: int = 0) -> dict[str, int]:
    """Messages that went on to peers by domain, in `days` up to `until` days ago. A domain whose peer was set in these
    days is there with none. Raises nothing.
    """
    today = int(time.time() // DAY_SECONDS) - until

    def read(r: Reader) -> dict[str, int]:
        return {one.about: one.number for one in sums(r, "passed-on", today - days + 1, today, 1 << 20)}

    try:
        return await reports.database.scan(read, op="passed_on")
    except StoreError:
        return {}
