"""What tests of the queue share: a configuration, a clock that is set by hand, SMTP servers that answer by script,
and a queue on all that.

Below the server on purpose (`tests.house` is for what crosses rooms): days of attempts pass in a second, servers of
others answer what no real one does, and random numbers have a seed.
"""

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from random import Random

import trio
import trio.testing

from moxlite.admin.storage.settings import store_options
from moxlite.config.load import load
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.mtasts import FetchFailed
from moxlite.migration.linksending import LinkRelays
from moxlite.net.addresses import is_internal
from moxlite.net.dial import INNER, Dial, Dialed, DialError, LocalAddresses
from moxlite.net.exposition import REGISTRY
from moxlite.net.httpclient import HTTPClient
from moxlite.net.resolver import FakeResolver, RecordType
from moxlite.net.tls.certificates import KeyPair, Trust, self_signed
from moxlite.net.tls.errors import TLSError
from moxlite.net.tls.handshake import ServerTLS
from moxlite.net.tls.stream import TLSStream
from moxlite.process.keys import SigningKeys
from moxlite.proto import sasl
from moxlite.proto.address import Address
from moxlite.proto.srs import SRS
from moxlite.queue.context import Context, Loopback
from moxlite.queue.data.rows import DELIVERING, Message
from moxlite.queue.hosts.hosts import IPv6Source
from moxlite.queue.queue import Queue
from moxlite.queue.tls.policies import Policies
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.body import message_range
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import SUBMIT, TELL
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.systemmailbox import UNQUEUE
from moxlite.store.options import Options
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.submission.carrying import carrier
from moxlite.supervision import open_supervisor
from tests.small_config import Changing
from tests.supervised import supervised
from tests.tools import eventually

__all__ = [
    "DRIP",
    "HANG",
    "MESSAGE",
    "START",
    "Clock",
    "Rig",
    "Server",
    "as_a_kill_would_leave_it",
    "rig_at",
    "sample",
    "submission",
]

START = 1_800_000_000_000_000
HANG = "(nothing)"
"""A reply of `Server` that is never sent: the connection stays open until `release`."""
DRIP = "(drips)"
"""A reply of `Server` that comes an octet at a time, and never ends."""

MESSAGE = b"Subject: test\r\nMessage-Id: <m1@own.example>\r\n\r\n.body\r\n"

STATIC = """\
hostname = "mail.own.example"
allow_private_mx = true
{top}

[postmaster]
account = "admin"
mailbox = "Postmaster"

[listeners.local]
ips = ["127.0.0.1"]
metrics_http = {{ enabled = true }}

{static}
"""

DOMAINS = """\
[domains."own.example"]
{domain}

[domains."off.example"]
disabled = true

[accounts.alice]
domain = "own.example"
{account}
[accounts.alice.destinations."alice@own.example"]
[accounts.alice.destinations."alice@off.example"]

[accounts.admin]
domain = "own.example"
[accounts.admin.destinations."admin@own.example"]
{domains}
"""


class Clock:
    """The time of the queue, µs UTC. Time passes when it goes forward; when it goes back, it is set."""

    def __init__(self) -> None:
        self._now = START
        self._elapsed = 0

    def __call__(self) -> int:
        return self._now

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, now: int) -> None:
        self._elapsed += max(0, now - self._now)
        self._now = now

    def elapsed(self) -> int:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


class Server:
    """An SMTP server that answers by script and keeps what it was told.

    ``replies``: by the beginning of a command (upper case, the longest that fits), what to answer; a list is used up
    one by one, its last entry stays. ``greeting`` and ``ehlo`` likewise. The reply None closes the connection.
    ``data``: to the final dot. ``logins``: password by user name, for AUTH by any mechanism; without them AUTH is
    answered by script.
    """

    def __init__(
        self,
        replies: Mapping[str, str | Sequence[str | None] | None] | None = None,
        *,
        extensions: Sequence[str] = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"),
        tls: KeyPair | None = None,
        broken_tls: bool = False,
        logins: Mapping[str, str] | None = None,
    ) -> None:
        self.replies: dict[str, list[str | None]] = {
            key: [value] if value is None or isinstance(value, str) else list(value)
            for key, value in (replies or {}).items()
        }
        self.extensions = extensions
        self.tls = ServerTLS([tls]) if tls else None
        self.broken_tls = broken_tls
        self.logins = logins
        self.logged_in: list[tuple[str, str]] = []
        """Mechanism and user of each log-in."""
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.connections = 0
        self.encrypted: list[bool] = []
        self.in_data = trio.Event()
        self.hang_after_data = False
        self.hung = trio.Event()
        self.release = trio.Event()
        self.refuse_connections = False
        self.nursery: trio.Nursery | None = None

    def _reply(self, line: str, default: str) -> str | None:
        matching = [key for key in self.replies if line.upper().startswith(key.upper())]
        if not matching:
            return default
        answers = self.replies[max(matching, key=len)]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self) -> trio.abc.Stream:
        """The client's end of a new connection."""
        assert self.nursery is not None
        client, server = trio.testing.memory_stream_pair()
        self.connections += 1
        self.nursery.start_soon(self._serve, server)
        return client

    async def _serve(self, stream: trio.abc.Stream) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, TLSError):
            async with stream:
                await self._speak(stream)

    def _bindings(self, stream: trio.abc.Stream) -> sasl.ChannelBindings:
        """What a log-in can be bound to: nothing, where no mechanism that does so is offered."""
        if not isinstance(stream, TLSStream) or not any("-PLUS" in one for one in self.extensions):
            return sasl.NO_BINDINGS
        return {kind: stream.channel_binding(kind) for kind in stream.channel_bindings()}

    async def _speak(self, stream: trio.abc.Stream) -> None:
        buffer = bytearray()
        encrypted = False

        async def line() -> str | None:
            while b"\r\n" not in buffer:
                data = await stream.receive_some()
                if not data:
                    return None
                buffer.extend(data)
            text, _, rest = bytes(buffer).partition(b"\r\n")
            buffer[:] = rest
            return text.decode()

        async def say(text: str | None) -> bool:
            if text is None:
                return False
            if text == HANG:
                self.hung.set()
                await self.release.wait()
                return False
            if text == DRIP:
                await drip(stream)
            await stream.send_all(text.encode() + b"\r\n")
            return True

        async def challenge(octets: bytes) -> bytes:
            await say("334 " + base64.b64encode(octets).decode())
            return base64.b64decode(await line() or "")

        if not await say(self._reply("greeting", "220 mx.example ESMTP")):
            return
        to: list[str] = []
        begun = False
        while (command := await line()) is not None:
            self.lines.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "EHLO":
                extensions = [*self.extensions, *(["STARTTLS"] if self.tls or self.broken_tls else [])]
                if encrypted:
                    extensions.remove("STARTTLS")
                lines = ["mx.example", *extensions]
                default = "\r\n".join(f"250{'-' if n < len(lines) - 1 else ' '}{one}" for n, one in enumerate(lines))
                if not await say(self._reply(command, default)):
                    return
            elif verb == "STARTTLS":
                answer = self._reply(command, "220 go" if self.tls or self.broken_tls else "502 5.5.1 unknown")
                if not await say(answer):
                    return
                if answer is not None and not answer.startswith("220"):
                    continue
                if self.broken_tls:
                    await stream.send_all(b"this is no TLS\r\n" * 100)
                    return
                assert self.tls is not None
                stream = await self.tls.accept(stream)
                encrypted = True
            elif verb == "AUTH" and self.logins is not None:
                name, user = await log_in(command, self._bindings(stream), self.logins, challenge)
                if user:
                    self.logged_in.append((name, user))
                await say("235 2.7.0 in" if user else "535 5.7.8 wrong")
            elif verb == "MAIL":
                to, answer = [], self._reply(command, "250 2.1.0 ok")
                begun = answer is not None and answer.startswith("2")
                if not await say(answer):
                    return
            elif verb == "RCPT":
                answer = self._reply(command, "250 2.1.5 ok") if begun else "503 5.5.1 MAIL first"
                if answer is not None and answer.startswith("2"):
                    to.append(command[9:].split(">")[0])
                if not await say(answer):
                    return
            elif verb == "DATA":
                answer = self._reply(command, "354 go" if to else "503 5.5.1 no recipients")
                if not await say(answer):
                    return
                if not answer or not answer.startswith("354"):
                    continue
                body = []
                while (one := await line()) != ".":
                    if one is None:
                        return  # a connection that ends before the message does brings none
                    body.append(one.removeprefix("."))
                self.in_data.set()
                if self.hang_after_data:
                    await self.release.wait()
                answer = self._reply("final", "250 2.0.0 taken")
                if answer is not None and answer.startswith("2"):
                    self.messages.append("".join(f"{one}\r\n" for one in body).encode())
                    self.recipients.append(to)
                    self.encrypted.append(encrypted)
                if not await say(answer):
                    return
            elif verb == "QUIT":
                await say(self._reply(command, "221 2.0.0 bye"))
                return
            elif not await say(self._reply(command, "250 2.0.0 ok")):
                return


async def drip(stream: trio.abc.Stream) -> None:
    """Begin a reply, and send an octet of it now and then, until the client goes."""
    await stream.send_all(b"250-")
    while True:
        await stream.send_all(b"x")
        await trio.sleep(0.005)


async def log_in(
    command: str,
    bindings: sasl.ChannelBindings,
    logins: Mapping[str, str],
    challenge: Callable[[bytes], Awaitable[bytes]],
) -> tuple[str, str]:
    """Serve AUTH. Returns mechanism and user, the latter empty where it was refused."""
    _, name, *given = command.split(" ")
    mechanism = sasl.server_mechanism(name, hostname="mx.example", bindings=bindings)
    assert mechanism is not None
    try:
        step = mechanism.step(base64.b64decode(given[0]) if given else None)
        while not isinstance(step, sasl.Done):
            match step:
                case sasl.Challenge():
                    step = mechanism.step(await challenge(step.data))
                case sasl.NeedCredentials():
                    password = logins[step.username]
                    step = mechanism.credentials(
                        sasl.Secrets(
                            sasl.derive_scram(password, "sha1"),
                            sasl.derive_scram(password, "sha256"),
                            sasl.cram_md5_states(password),
                        )
                    )
                case sasl.CheckPassword():
                    return name, step.username if logins.get(step.username) == step.password else ""
                case _:
                    return name, ""
    except sasl.SASLError:
        return name, ""
    return name, step.username


class Rig:
    """A queue with everything around it; servers are reached by the addresses under which they are registered."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path
        self.clock = Clock()
        self.resolver = FakeResolver()
        source = ip_address("2001:db8::25")
        self.source_names = FakeResolver(
            {"PTR": {source.reverse_pointer: ["mail.own.example"]}, "AAAA": {"mail.own.example": [str(source)]}}
        )
        self.ipv6 = IPv6Source(self.source_names, source, good=True)
        self.web: dict[str, bytes | Exception] = {}
        """What web servers of others serve, by URL; nothing there: a status 404."""
        self.fetched: list[str] = []
        self.servers: dict[tuple[str, int], Server] = {}
        self.local = Server()
        self.local_keys: list[bytes] = []
        self.dialed: list[tuple[str, int]] = []
        self.certificate = self_signed(["mx.remote.example", "relay.example"])
        self.snapshot: Snapshot
        self.accounts: Accounts
        self.queue: Queue
        self.reports: ReportsDB
        self.shutdown = trio.Event()
        self.stopped = trio.Event()
        self.nursery: trio.Nursery

    def serve(self, ip: str, server: Server, port: int = 25) -> Server:
        """Let a server answer at this address."""
        server.nursery = self.nursery
        self.servers[ip, port] = server
        return server

    def remote(self, server: Server, domain: str = "remote.example", ip: str = "192.0.2.1") -> Server:
        """A server that is the MX of a domain."""
        self.resolver.set(domain, RecordType.MX, [f"10 mx.{domain}"])
        self.resolver.set(f"mx.{domain}", RecordType.A, [ip])
        return self.serve(ip, server)

    async def dial(
        self,
        addresses: Sequence[IPv4Address | IPv6Address],
        port: int,
        *,
        inside: bool,
        local: LocalAddresses | None = None,
        seconds: float = 30,
    ) -> Dialed:
        """In place of `net.dial.dial`."""
        await trio.lowlevel.checkpoint()
        failures = []
        for ip in addresses:
            if not inside and is_internal(ip):
                failures.append((ip, INNER))
                continue
            self.dialed.append((str(ip), port))
            server = self.servers.get((str(ip), port))
            if server is None or server.refuse_connections:
                failures.append((ip, "Connection refused"))
            else:
                return Dialed(server.connect(), ip)
        raise DialError(failures)

    async def fetch(self, url: str) -> bytes:
        """In place of `mailauth.mtasts.fetcher`."""
        await trio.lowlevel.checkpoint()
        self.fetched.append(url)
        found = self.web.get(url, FetchFailed("status 404", missing=True))
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found

    def sts(self, policy: str, domain: str = "remote.example", record: str = "v=STSv1; id=1") -> None:
        """Publish an MTA-STS policy, its lines parted by ``, ``; an empty one is not served."""
        self.resolver.set(f"_mta-sts.{domain}", RecordType.TXT, [record] if record else [])
        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        self.web.pop(url, None)
        if policy:
            self.web[url] = "\n".join(["version: STSv1", *policy.split(", ")]).encode()

    def connect_local(self, key: bytes, submitter: str) -> trio.abc.Stream:
        """In place of the server's pipe."""
        self.local_keys.append(key)
        return self.local.connect()

    async def submit(self, *recipients: str | SubmissionRecipient, **facts: object) -> list[int]:
        """Queue a message from alice."""
        data = facts.pop("data", MESSAGE)
        assert isinstance(data, bytes)
        with Spool.of(data, self.path) as spool:
            return await self.queue.submit(submission(*recipients, **facts), spool)

    def reload(self) -> None:
        """Take the files of the configuration as they are now."""
        self.snapshot, _ = load(self.path / "moxlite.toml")

    async def settle(self) -> None:
        """Wait until nothing is due any more: no attempt under way, no DSN owed."""
        with trio.fail_after(60):
            while True:  # the queue's own task decides when; it does not tell
                rows = await self.queue.listings.list_messages()
                if not self.queue.scheduler.turns.busy and not any(self._due(row) for row in rows):
                    return
                await trio.sleep(0.002)

    async def disconnect(self) -> None:
        """Let the connections that are free be closed, as they are after a few seconds."""
        load = self.queue.ctx.load
        load.set_keeping(keeps=False)
        load.set_keeping(keeps=True)
        await eventually(lambda: not load._open)

    def _due(self, row: Message) -> bool:
        if row.dsn_due and row.dsn_next <= self.clock.now:
            return True
        if row.last_result is not None and row.last_result.error == DELIVERING:
            return True
        return not row.hold and row.dsn_due != "failed" and row.next_attempt <= self.clock.now

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, and what becomes due be done."""
        self.clock.advance(seconds)
        self.queue.scheduler.changed()
        await self.settle()

    async def inbox(self, account: str = "alice", mailbox: str = "Inbox") -> list[bytes]:
        """The messages of a mailbox at one moment, oldest first."""

        def read(r: Reader) -> list[bytes]:
            rows = r.rows(
                "SELECT m.id, m.size FROM message m JOIN mailbox b ON b.id = m.mailbox_id"
                " WHERE b.name = ? ORDER BY m.id",
                mailbox,
            )
            return [message_range(r, i, 0, n) for i, n in list(rows)]

        async with self.accounts.use(account) as opened:
            return await opened.scan(read, op="test")


def as_a_kill_would_leave_it(folder: Path) -> Path:
    """A copy of queue.db with its log, of this moment."""
    copy = folder / "later"
    copy.mkdir()
    for path in folder.glob("queue.db*"):
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def sample(name: str, **labels: str) -> float:
    """The value of a metric, 0 before it was counted."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def submission(*recipients: str | SubmissionRecipient, **facts: object) -> Submission:
    """A submission from alice@own.example."""
    sender = facts.pop("sender", "alice@own.example")
    assert isinstance(sender, str)
    defaults: dict[str, object] = {
        "account": "alice",
        "mail_from": Address.parse(sender) if sender else None,
        "recipients": tuple(
            one if isinstance(one, SubmissionRecipient) else SubmissionRecipient(Address.parse(one))
            for one in recipients
        ),
        "received": START,
        "message_id": "<m1@own.example>",
        "subject": "test",
    }
    return Submission(**(defaults | facts))  # type: ignore[arg-type]  # the tests' own keywords


@contextlib.asynccontextmanager
async def rig_at(
    tmp_path: Path,
    *,
    top: str = "",
    static: str = "",
    domains: str = "",
    domain: str = "",
    account: str = "",
    serve: bool = True,
    loopback: Loopback | None = None,
    dial: Dial | None = None,
    prepare: Callable[[Rig], None] | None = None,
) -> AsyncIterator[Rig]:
    """A running queue in a folder, which may hold the files of an earlier one. `top`: keys of the static configuration;
    `static`: tables of it. `dial`: in place of the rig's own.
    """
    rig = Rig(tmp_path)
    (tmp_path / "moxlite.toml").write_text(STATIC.format(top=top, static=static))
    (tmp_path / "domains.toml").write_text(DOMAINS.format(domains=domains, domain=domain, account=account))
    rig.snapshot, _ = load(tmp_path / "moxlite.toml")
    keys = SigningKeys()
    assert keys.read(rig.snapshot) == []
    rig.accounts = Accounts(tmp_path, store_options(Changing(lambda: rig.snapshot)))
    async with contextlib.AsyncExitStack() as databases, trio.open_nursery() as nursery:
        rig.nursery = rig.local.nursery = nursery
        await nursery.start(supervised, rig.accounts)
        policies = Policies.open(tmp_path / "cache.db", rig.resolver, rig.fetch, rig.clock, random=Random(7))
        rig.reports = await ReportsDB.open(tmp_path / "reports.db", Options(min_free_space=0))
        databases.push_async_callback(rig.reports.aclose)
        ctx = Context(
            srs=SRS([b"key of the test"]),
            reports=rig.reports,
            ipv6=rig.ipv6,
            policies=await databases.enter_async_context(policies),
            config=Changing(lambda: rig.snapshot),
            accounts=rig.accounts,
            resolver=rig.resolver,
            web=HTTPClient(rig.resolver, allow_internal=rig.snapshot.static.allow_private_webhooks),
            connect_local=rig.connect_local,
            tmp=tmp_path,
            trust=Trust([rig.certificate.leaf], system=False),
            keys=keys,
            loopback=loopback,
            relay_of_link=LinkRelays(Changing(lambda: rig.snapshot), rig.accounts).find,
            dial=dial or rig.dial,
            clock=rig.clock,
            elapsed=rig.clock.elapsed,
            random=Random(7),
        )
        async with Queue.open(tmp_path / "queue.db", ctx, create=True) as rig.queue:
            rig.accounts.register_outbox(UNQUEUE, rig.queue.mirror.unqueue)
            rig.accounts.register_outbox(TELL, rig.queue.webhooks.incoming.carry)
            rig.accounts.register_outbox(SUBMIT, carrier(rig.queue.submit, tmp_path, frozenset))
            rig.accounts.register_task("queue.attend", rig.queue.mirror.attend, rig.queue.mirror.concerned)
            if prepare is not None:
                prepare(rig)
            if serve:
                nursery.start_soon(_serve, rig)
            yield rig
            nursery.cancel_scope.cancel()
            if serve:
                with trio.CancelScope(shield=True):
                    await rig.stopped.wait()


async def _serve(rig: Rig) -> None:
    """As the server does it."""
    try:
        async with open_supervisor("test") as tree, trio.open_nursery() as attempts:
            rig.queue.start(tree, attempts)
            await rig.shutdown.wait()
            await rig.queue.stop(tree)
            attempts.cancel_scope.deadline = trio.current_time() + rig.snapshot.static.queue.shutdown_grace
    finally:
        rig.stopped.set()
