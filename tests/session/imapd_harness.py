"""IMAP sessions over memory streams, with a real store, real log-ins and a real configuration.

Below the server on purpose (`tests.house` is for what crosses rooms): a test gives a session its deadlines, facts of
TLS, seat and stream.

A test reads as the transcript of a session::

    async with imap.connect() as c:
        await c.say("a LOGIN mia@example.org secret")
        await c.ok("b SELECT Inbox")
"""

import math
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from moxlite.config.holder import ConfigHolder
from moxlite.imapd import Context, Sessions, Timeouts
from moxlite.imapd.connection import serve_connection
from moxlite.imapd.fetch import fetch
from moxlite.logins.logins import Logins
from moxlite.net.admission import ConnectionInfo, Gate, Seat, Shutdown, TLSFacts, guard
from moxlite.net.limits import NEW_CONNECTIONS, OpenConnections
from moxlite.process.spools import Spools
from moxlite.store.accounts.access import keep_published
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import Credential, derive_credential, set_credential
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.options import AccountConfig, Options
from tests.memory import nothing_held
from tests.supervised import supervised
from tests.tools import still, still_failures

__all__ = ["PASSWORD", "Client", "Imap", "imap"]

PASSWORD = "correct horse"
STATIC = """\
hostname = "mx.example.org"
data_dir = "data"
[postmaster]
account = "mia"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""
DOMAINS = """\
[domains."example.org"]
[accounts.mia]
domain = "example.org"
destinations = {"mia@example.org" = {}, "m@example.org" = {}}
[accounts.bo]
domain = "example.org"
destinations = {"bo@example.org" = {}}
"""
LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
TLS = TLSFacts(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256")


@cache
def _credential() -> Credential:
    return derive_credential(PASSWORD)


class Client:
    """One client's end of a connection: sends lines, reads whole responses (literals included)."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.buffer = bytearray()
        self.greeting = b""

    async def send(self, text: str | bytes) -> None:
        """Octets as they are."""
        await self.stream.send_all(text.encode() if isinstance(text, str) else text)

    async def line(self) -> bytes:
        """One line with its CRLF; b"" at the end of the stream."""
        while b"\n" not in self.buffer:
            data = await self.stream.receive_some(65536)
            if not data:
                return b""
            self.buffer += data
        end = self.buffer.index(b"\n") + 1
        line = bytes(self.buffer[:end])
        del self.buffer[:end]
        return line

    async def response(self) -> str:
        """One response without its last CRLF."""
        whole = await self.line()
        while (match := LITERAL.search(whole)) is not None:
            size = int(match[1])
            while len(self.buffer) < size:
                self.buffer += await self.stream.receive_some(65536)
            whole += bytes(self.buffer[:size])
            del self.buffer[:size]
            whole += await self.line()
        return whole.decode("utf-8", "surrogateescape").removesuffix("\r\n")

    async def until(self, tag: str) -> list[str]:
        """Responses up to the tagged one."""
        found: list[str] = []
        while True:
            found.append(await self.response())
            if found[-1].startswith(tag + " ") or not found[-1]:
                return found

    async def say(self, text: str | bytes) -> list[str]:
        """Send a command, return all responses; the last one is tagged."""
        octets = text.encode() if isinstance(text, str) else text
        await self.send(octets + b"\r\n")
        return await self.until(octets.split(b" ", 1)[0].decode())

    async def ok(self, text: str | bytes) -> list[str]:
        """The same for a command that must succeed; the untagged responses."""
        responses = await self.say(text)
        assert responses[-1].split(" ")[1] == "OK", responses
        return responses[:-1]

    async def tagged(self, text: str | bytes) -> str:
        """Send a command; its tagged response without the tag."""
        return (await self.say(text))[-1].split(" ", 1)[1]

    async def login(self, user: str = "mia@example.org", password: str = PASSWORD) -> None:
        """LOGIN."""
        await self.ok(f'l LOGIN {user} "{password}"')

    async def select(self, mailbox: str = "Inbox", command: str = "SELECT") -> list[str]:
        """SELECT, after LOGIN."""
        return await self.ok(f"s {command} {mailbox}")

    async def append(self, message: str | bytes, mailbox: str = "Inbox", flags: str = "", date: str = "") -> str:
        """APPEND one message, non-synchronizing; the tagged response."""
        data = message.encode() if isinstance(message, str) else message
        head = f"ap APPEND {mailbox} {flags}{' ' if flags else ''}{date}{' ' if date else ''}{{{len(data)}+}}\r\n"
        return await self.tagged(head.encode() + data)

    async def idle(self) -> None:
        """Begin to IDLE."""
        await self.send("i IDLE\r\n")
        assert await self.response() == "+ idling"

    async def done(self) -> list[str]:
        """End IDLE; what was told since."""
        await self.send("DONE\r\n")
        responses = await self.until("i")
        assert responses[-1].startswith("i OK"), responses
        return responses[:-1]


class Imap:
    """A server without sockets."""

    def __init__(
        self,
        context: Context,
        nursery: trio.Nursery,
        accounts: Accounts,
        shutdown: Shutdown,
        quota: dict[str, int],
        queue_mailbox: set[str],
    ) -> None:
        self.context = context
        self.accounts = accounts
        self.shutdown = shutdown
        self.nursery = nursery
        self.quota = quota
        self.queue_mailbox = queue_mailbox

    @asynccontextmanager
    async def connect(
        self,
        *,
        tls: TLSFacts | None = TLS,
        remote: str = "198.51.100.7",
        context: Context | None = None,
        seat: Seat | None = None,
    ) -> AsyncIterator[Client]:
        """A connection whose greeting has been read."""
        ours, theirs = trio.testing.memory_stream_pair()
        ended = trio.Event()
        self.nursery.start_soon(self.serve, theirs, self.info(tls, remote, seat), context or self.context, ended)
        client = Client(ours)
        try:
            client.greeting = await client.line()
            yield client
        finally:
            await ours.aclose()
            with trio.fail_after(30):
                await ended.wait()

    def info(
        self, tls: TLSFacts | None = TLS, remote: str = "198.51.100.7", seat: Seat | None = None
    ) -> ConnectionInfo:
        """What the listener would say."""
        return ConnectionInfo(
            cid=1,
            remote=ip_address(remote),
            remote_port=1,
            local=ip_address("127.0.0.1"),
            local_port=993,
            listener="local",
            shutdown=self.shutdown,
            tls=tls,
            seat=seat or Seat(),
        )

    async def serve(self, stream: trio.abc.Stream, info: ConnectionInfo, context: Context, ended: trio.Event) -> None:
        """One connection, as the listener runs it."""
        try:
            with guard("imapd"):
                await serve_connection(stream, info, context)
        finally:
            info.seat.leave(info.remote)
            await trio.aclose_forcefully(stream)
            ended.set()

    @asynccontextmanager
    async def user(self, *, select: str | None = "Inbox", enable: Iterable[str] = ()) -> AsyncIterator[Client]:
        """A connection that's logged in as mia, with a mailbox selected."""
        async with self.connect() as client:
            await client.login()
            for name in enable:
                await client.ok(f"e ENABLE {name}")
            if select is not None:
                await client.select(select)
            yield client

    @asynccontextmanager
    async def account(self, name: str = "mia") -> AsyncIterator[OpenAccount]:
        """The account in the store."""
        async with self.accounts.use(name) as account:
            yield account

    def with_pace(self, **seconds: float) -> Context:
        """The context with other deadlines."""
        return msgspec.structs.replace(self.context, timeouts=msgspec.structs.replace(self.context.timeouts, **seconds))


@pytest.fixture
async def imap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Imap]:
    """A server with accounts mia and bo, whose password is `PASSWORD`. However busy the machine is, FETCH waits until
    it has set flags.
    """
    monkeypatch.setattr(fetch, "GRACE", math.inf)
    (tmp_path / "moxlite.toml").write_text(STATIC)
    (tmp_path / "domains.toml").write_text(DOMAINS)
    holder, _ = ConfigHolder.open(tmp_path / "moxlite.toml")
    data = holder.current.static.data_dir
    (data / "tmp").mkdir(parents=True)

    quota: dict[str, int] = {}
    queue_mailbox: set[str] = set()

    def account_config(name: str) -> AccountConfig | None:
        if name not in holder.current.domains.accounts:
            return None
        return AccountConfig(quota=quota.get(name, 0), queue_mailbox=name in queue_mailbox)

    options = Options(account_config=account_config, check_on_close=True, min_free_space=0)
    async with AsyncExitStack() as stack:
        stack.callback(nothing_held)
        accounts = Accounts(data, options)
        auth = await AuthDB.open(data / "auth.db", options, create=True)
        stack.push_async_callback(auth.aclose)
        keep_published(accounts, auth)
        nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(nursery.cancel_scope.cancel)
        await nursery.start(supervised, accounts)
        await nursery.start(supervised, auth)
        logins = Logins(
            config=holder,
            accounts=accounts,
            auth=auth,
            failures=still_failures(),
            secret=b"x" * 32,
        )
        context = Context(
            accounts=accounts,
            auth=auth,
            logins=logins,
            config=holder,
            sessions=Sessions(),
            gate=Gate(still(NEW_CONNECTIONS), OpenConnections()),
            spools=Spools(SpoolSpace(data / "tmp")),
            timeouts=Timeouts(slow=0.0),
        )
        async with accounts.use("mia") as account:
            await account.write(lambda tx: set_credential(tx, _credential()))
        server = Imap(context, nursery, accounts, Shutdown(), quota, queue_mailbox)
        yield server
