"""An SMTP server without sockets over a real store, and clients that speak by transcript.

A submission goes into `Smtp.queued` instead of a queue, a delivery that waits for its account into `Smtp.deferred`: so
this is below the server (`tests.house`, which is for what crosses rooms) on purpose, since tests look at what is
handed over, and give sessions the keys and facts of a connection.
"""

import base64
import email.message
import functools
import re
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec
import pytest
import trio
import trio.testing

from moxlite.admin.masked import MaskedAddresses
from moxlite.config.holder import ConfigHolder
from moxlite.logins.logins import Logins
from moxlite.net.admission import ConnectionInfo, Gate, Seat, Shutdown, TLSFacts, guard
from moxlite.net.limits import NEW_CONNECTIONS, OpenConnections
from moxlite.net.tls.certificates import self_signed
from moxlite.process.keys import ReceivedID
from moxlite.process.spools import Spools
from moxlite.proto.srs import SRS
from moxlite.smtpd import Context, Senders, Timeouts
from moxlite.smtpd.connection import serve_connection
from moxlite.smtpd.incoming import storing
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import Credential, derive_credential, set_credential
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import message_range
from moxlite.store.content.spool import Spool, SpoolSpace
from moxlite.store.delivery.actions import Deferred
from moxlite.store.delivery.perform import SUBMIT, perform
from moxlite.store.delivery.submission import Submission
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.score import Bounds, Judgement, Lack
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import uids
from moxlite.submission.carrying import carrier
from tests.logs import kv
from tests.memory import nothing_held
from tests.supervised import supervised
from tests.tools import settled, still, still_failures

__all__ = [
    "MESSAGE",
    "PASSWORD",
    "TLS",
    "Client",
    "Queued",
    "Smtp",
    "clock",
    "fail_for",
    "headers",
    "pass_time",
    "reason_of",
    "refusals_logged",
    "serving",
    "smtp",
]

PASSWORD = "correct horse"
TLS = TLSFacts(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256")
MESSAGE = b"From: <ann@remote.example>\r\nTo: <mia@ours.example>\r\nSubject: hello\r\n\r\ntext\r\n"

STATIC = """
hostname = "mail.ours.example"
data_dir = "data"
[postmaster]
account = "mia"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
max_message_size = 200000
smtp = { enabled = true, starttls = false, first_time_sender_delay = "0s" }
submission = { enabled = true, require_tls = false }
"""

DOMAINS = """
[domains."ours.example"]
localpart_separators = ["+"]
[domains."ours.example".aliases.team]
addresses = ["mia@ours.example", "bo@ours.example"]
post_public = true
[domains."ours.example".aliases.inner]
addresses = ["mia@ours.example", "bo@ours.example"]
[domains."off.example"]
disabled = true
[accounts.mia]
domain = "ours.example"
rejects_mailbox = "Rejects"
from_id_login_addresses = ["fromid@ours.example"]
[accounts.mia.destinations."mia@ours.example"]
[accounts.mia.destinations."fromid@ours.example"]
[accounts.mia.destinations."filed@ours.example"]
mailbox = "Filed"
[accounts.mia.destinations."never@ours.example"]
smtp_error = "550 we have moved"
[accounts.mia.destinations."later@ours.example"]
smtp_error = "421 come back"
[accounts.mia.destinations."mia@off.example"]
[accounts.bo]
domain = "ours.example"
max_outgoing_messages_per_day = 3
[accounts.bo.destinations."bo@ours.example"]
[accounts.shut]
domain = "ours.example"
login_disabled = "ask the admin"
[accounts.shut.destinations."shut@ours.example"]
"""


@functools.cache
def credential() -> Credential:
    """Derived once: it takes 50 ms."""
    return derive_credential(PASSWORD)


class Queued(msgspec.Struct):
    """One submission, with the octets as they would be sent."""

    submission: Submission
    octets: bytes

    @property
    def message(self) -> email.message.Message:
        """Parsed, prefix included."""
        return email.message_from_bytes(self.submission.prefix + self.octets)


class Client:
    """One client."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.buffer = b""
        self.greeting = ""

    async def send(self, octets: bytes) -> None:
        await self.stream.send_all(octets)

    async def reply(self) -> str:
        """One reply, its lines parted by LF; "" at the end of the connection."""
        lines: list[str] = []
        while True:
            while b"\r\n" not in self.buffer:
                octets = await self.stream.receive_some(65536)
                if not octets:
                    assert not lines
                    return ""
                self.buffer += octets
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    async def say(self, line: str) -> str:
        """Send a line and read its reply."""
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def play(self, transcript: str) -> None:
        """`C:` lines are sent; for each `S:` line a reply is read, which must begin so; `S: close` is the end."""
        for line in textwrap.dedent(transcript).strip().splitlines():
            kind, _, text = line.lstrip().partition(":")
            text = text.removeprefix(" ")
            if kind == "C":
                await self.send(text.encode() + b"\r\n")
            elif text == "close":
                assert await self.reply() == ""
            else:
                got = await self.reply()
                assert got.startswith(text), f"{got!r}, not {text!r}"

    async def deliver(
        self, to: str = "mia@ours.example", message: bytes = MESSAGE, sender: str = "ann@remote.example"
    ) -> str:
        """A whole transaction; its last reply."""
        await self.play(f"C: MAIL FROM:<{sender}>\nS: 250 2.1.0\nC: RCPT TO:<{to}>\nS: 250 2.1.5\nC: DATA\nS: 354")
        await self.send(message.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return await self.reply()


class Smtp:
    """A server without sockets."""

    def __init__(
        self,
        context: Context,
        auth: AuthDB,
        nursery: trio.Nursery,
        shutdown: Shutdown,
        queued: list[Queued],
        deferred: list[Deferred],
    ) -> None:
        self.context = context
        self.auth = auth
        self.nursery = nursery
        self.shutdown = shutdown
        self.queued = queued
        self.deferred = deferred

    async def carried(self) -> list[Queued]:
        """What was queued, once all outboxes are empty."""
        for name in ("mia", "bo", "shut"):
            async with self.context.accounts.use(name) as account:
                await account.carrier.once()
        return self.queued

    def with_context(self, **changes: object) -> Context:
        """The context with other values."""
        return msgspec.structs.replace(self.context, **changes)

    def configured(self, changes: str, **more: object) -> Context:
        """The context with replacements `old=>new` in moxlite.toml, one per line; `new` may hold `\\n`.

        With `starttls` the listener has a certificate.
        """
        path = self.context.config.path
        text = path.read_text()
        for line in changes.splitlines():
            old, _, new = line.partition("=>")
            assert old.strip() in text
            text = text.replace(old.strip(), new.strip().replace("\\n", "\n"))
        if "starttls" in more:
            pair = self_signed(["mail.ours.example"])
            (path.parent / "cert.pem").write_bytes(pair.certificate_pem())
            (path.parent / "key.pem").write_bytes(pair.key_pem())
            text += '[listeners.local.tls]\nkey_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]\n'
        (path.parent / "other.toml").write_text(text)
        holder, _ = ConfigHolder.open(path.parent / "other.toml")
        return self.with_context(config=holder, **more)

    @asynccontextmanager
    async def connect(
        self,
        service: Literal["smtp", "submission", "submissions"] = "smtp",
        *,
        tls: TLSFacts | None = None,
        remote: str = "198.51.100.7",
        context: Context | None = None,
        hello: str = "EHLO there.example",
        trusted: bool = False,
        early: bytes = b"",
        key: bytes = b"",
        submitter: str = "",
        seat: Seat | None = None,
    ) -> AsyncIterator[Client]:
        """A connection whose greeting, and the reply to EHLO, have been read.

        `early`: sent before the greeting. `key` of the transaction and `submitter` are as the own queue gives them.
        """
        ours, theirs = trio.testing.memory_stream_pair()
        await ours.send_all(early)
        info = ConnectionInfo(
            cid=7,
            remote=ip_address(remote),
            remote_port=1,
            local=ip_address("192.0.2.25"),
            local_port=25,
            listener="local",
            shutdown=self.shutdown,
            tls=tls,
            trusted_local=trusted,
            transaction_key=key,
            submitter=submitter,
            seat=seat or Seat(),
        )
        ended = trio.Event()
        chosen = msgspec.structs.replace(context or self.context, service=service)
        self.nursery.start_soon(self._serve, theirs, info, chosen, ended)
        client = Client(ours)
        try:
            client.greeting = await client.reply()
            if hello and client.greeting.startswith("220"):
                assert (await client.say(hello)).startswith("250")
            yield client
        finally:
            await ours.aclose()
            with trio.fail_after(30):
                await ended.wait()

    async def _serve(self, stream: trio.abc.Stream, info: ConnectionInfo, context: Context, ended: trio.Event) -> None:
        try:
            with guard("smtpd"):
                await serve_connection(stream, info, context)
        finally:
            info.seat.leave(info.remote)
            await trio.aclose_forcefully(stream)
            ended.set()

    @asynccontextmanager
    async def user(
        self,
        address: str = "mia@ours.example",
        *,
        tls: TLSFacts | None = TLS,
        context: Context | None = None,
        seat: Seat | None = None,
    ) -> AsyncIterator[Client]:
        """A submission connection that is logged in."""
        async with self.connect("submission", tls=tls, context=context, seat=seat) as client:
            plain = base64.b64encode(f"\0{address}\0{PASSWORD}".encode()).decode()
            assert (await client.say(f"AUTH PLAIN {plain}")).startswith("235 2.7.0")
            yield client

    async def messages(self, account: str = "mia", mailbox: str = "Inbox") -> list[bytes]:
        """The octets of all messages in a mailbox, as they are at one moment."""

        def read(r: Reader) -> list[bytes]:
            box = mailbox_by_name(r, mailbox)
            if box is None:
                return []
            found = []
            for uid in list(uids(r, box.id)):
                row = r.value("SELECT id FROM message WHERE mailbox_id = ? AND uid = ?", box.id, uid)
                found.append(message_range(r, row, 0, 1 << 30))
            return found

        async with self.context.accounts.use(account) as open_account:
            return await open_account.scan(read, op="test")

    async def one(self, account: str = "mia", mailbox: str = "Inbox") -> bytes:
        """The only message of a mailbox."""
        (message,) = await self.messages(account, mailbox)
        return message


async def fail_for(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, errors: dict[str, StoreError], *rooms: ModuleType
) -> None:
    """Let deliveries to these accounts fail, of smtpd and of other modules."""

    async def store(account: Account, *args: Any, **more: Any) -> Any:
        if account.name in errors:
            raise errors[account.name]
        return await perform(account, *args, **more)

    for room in (storing, *rooms):
        monkeypatch.setattr(room, "perform", store)


def reason_of(message: bytes) -> str:
    """The word in X-Moxlite-Reason, which is there once."""
    [field] = headers(message, "X-Moxlite-Reason")
    return field.partition(";")[0]


def refusals_logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The words in the log for messages that were refused, for each account."""
    return [kv(record)["reason"] for record in caplog.records if record.getMessage() == "message rejected"]


def judgement(probability: float, *lacks: Lack, opening: float = 0.5) -> Judgement:
    """A judgement in an account whose good mail is below 0.4."""
    bounds = Bounds(junk=0.9, strict=0.4, opening=0.9, certain=0.99)
    return Judgement(probability, bounds, opening, lacks=lacks, refusable=not lacks)


def headers(message: bytes, name: str) -> list[str]:
    """All fields of that name, unfolded."""
    parsed = email.message_from_bytes(message)
    return [re.sub(r"\r?\n[ \t]+", " ", value) for value in parsed.get_all(name, [])]


@pytest.fixture
def clock() -> trio.testing.MockClock:
    """Stands still but for `pass_time`: threads of the store must not see hours pass while they work."""
    return trio.testing.MockClock()


async def pass_time(clock: trio.testing.MockClock, seconds: float) -> None:
    """Let time go by, once the server waits for it."""
    await settled(0.02)
    clock.jump(seconds)
    await settled(0.02)


@pytest.fixture
async def smtp(tmp_path: Path) -> AsyncIterator[Smtp]:
    """A server with the accounts mia, bo and shut, whose password is `PASSWORD`."""
    async with serving(tmp_path) as server:
        yield server


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    static: str = STATIC,
    domains: str = DOMAINS,
    settings: AccountConfig | None = None,
    check: bool = True,
) -> AsyncIterator[Smtp]:
    """A server whose files are in a folder, with `settings` for each account of `domains`. `check` accounts whenever
    their last user leaves.
    """
    (folder / "moxlite.toml").write_text(static)
    (folder / "domains.toml").write_text(domains)
    holder, _ = ConfigHolder.open(folder / "moxlite.toml")
    data = holder.current.static.data_dir
    (data / "tmp").mkdir(parents=True)

    def account_config(name: str) -> AccountConfig | None:
        return (settings or AccountConfig()) if name in holder.current.domains.accounts else None

    queued: list[Queued] = []

    async def submit(submission: Submission, spool: Spool) -> list[int]:
        await trio.lowlevel.checkpoint()
        queued.append(Queued(submission, b"".join(spool.chunks())))
        return list(range(1, len(submission.recipients) + 1))

    deferred: list[Deferred] = []

    async def defer(found: Sequence[Deferred], spool: Spool) -> None:
        await trio.lowlevel.checkpoint()
        deferred.extend(found)

    options = Options(account_config=account_config, check_on_close=check, min_free_space=0)
    async with AsyncExitStack() as stack:
        stack.callback(nothing_held)
        accounts = Accounts(data, options)
        accounts.register_outbox(SUBMIT, carrier(submit, data / "tmp", frozenset))
        auth = await AuthDB.open(data / "auth.db", options, create=True)
        stack.push_async_callback(auth.aclose)
        nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(nursery.cancel_scope.cancel)
        accounts.register_task("store.masked", auth.masked.compare, auth.masked.due)
        await nursery.start(supervised, accounts)
        await nursery.start(supervised, auth)
        for name in holder.current.domains.accounts:
            async with accounts.use(name) as account:
                await account.write(lambda tx: set_credential(tx, credential()))
        context = Context(
            srs=SRS([b"key of the test"]),
            service="smtp",
            accounts=accounts,
            config=holder,
            logins=Logins(
                config=holder,
                accounts=accounts,
                auth=auth,
                failures=still_failures(),
                secret=b"x" * 32,
            ),
            submit=submit,
            defer=defer,
            senders=Senders(),
            masked=MaskedAddresses(holder, accounts, auth.masked),
            gate=Gate(still(NEW_CONNECTIONS), OpenConnections()),
            received_id=ReceivedID(b"k" * 24),
            spools=Spools(SpoolSpace(data / "tmp")),
            timeouts=Timeouts(slow=0.0, unknown=0.0),
        )
        server = Smtp(context, auth, nursery, Shutdown(), queued, deferred)
        yield server
