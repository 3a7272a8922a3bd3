"""The web room over a real store, without sockets: a browser as far as HTTP goes, speaking over memory streams.

Import the fixture: `from tests.web_rig import rig`. The account ``mia`` has the address ``mia@example.org`` and the
password ``correct horse battery``; the webmail is at ``/webmail/``, the account app at ``/``, metrics on port 8010.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import h11
import msgspec
import pytest
import trio
import trio.testing

from moxlite.admin.storage import store_options as options_of
from moxlite.config.holder import ConfigHolder
from moxlite.logins.logins import Logins
from moxlite.net.admission import Seat
from moxlite.net.certificates import KeyPair
from moxlite.net.connections import ConnectionInfo, TLSFacts
from moxlite.net.log import new_cid
from moxlite.process.signingkeys import SigningKeys
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password
from moxlite.store.changelog.account import Account
from moxlite.store.delivery.status import Deliveries
from moxlite.store.imports.engine import Imports
from moxlite.submission.assurance import Assure, not_asked
from moxlite.web.context import REQUESTS, Context, make_context
from moxlite.web.serve import serve_connection
from tests.supervised import supervised
from tests.tools import still, still_failures

__all__ = [
    "ADDRESS",
    "DOMAINS",
    "PASSWORD",
    "STATIC",
    "Answer",
    "Browser",
    "Events",
    "Rig",
    "http_exchange",
    "open_rig",
    "rig",
]

ADDRESS = "mia@example.org"
PASSWORD = "correct horse battery"

STATIC = """
hostname = "mail.example.org"
data_dir = "../data"
postmaster = { account = "mia", mailbox = "Postmaster" }
store = { check_on_close = true, min_free_space = 0 }

[listeners.local]
ips = ["127.0.0.1"]
account_http = { enabled = true, port = 80 }
webmail_http = { enabled = true, port = 80 }
metrics_http = { enabled = true, port = 8010 }

[listeners.proxied]
ips = ["127.0.0.1"]
webmail_http = { enabled = true, port = 81, forwarded = true }
"""

DOMAINS = """
[domains."example.org"]
client_settings_domain = "imap.example.org"

[accounts.mia]
domain = "example.org"
[accounts.mia.destinations."mia@example.org"]
[accounts.mia.destinations."büro@example.org"]

[accounts.tom]
domain = "example.org"
[accounts.tom.destinations."tom@example.org"]
"""


class Answer:
    """A response that has been read to its end."""

    def __init__(self, head: h11.Response, body: bytes) -> None:
        self.status = head.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        self.cookies = [value.decode("latin-1") for name, value in head.headers if name == b"set-cookie"]
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def http_exchange(stream: trio.abc.Stream, octets: bytes) -> bytes:
    """Send octets, and read until the server closes."""
    await stream.send_all(octets)
    received = b""
    while data := await stream.receive_some():
        received += data
    return received


class Rig:
    """The room with all that it needs."""

    def __init__(
        self, context: Context, holder: ConfigHolder, accounts: Accounts, auth: AuthDB, nursery: trio.Nursery
    ) -> None:
        self.context = context
        self.holder = holder
        self.accounts = accounts
        self.auth = auth
        self.nursery = nursery
        self.shutdown = trio.Event()
        self.problems: list[str] = []

    def connect(
        self,
        *,
        port: int = 80,
        listener: str = "local",
        remote: str = "192.0.2.7",
        tls: bool = False,
        lockstep: bool = False,
        seat: Seat | None = None,
    ) -> trio.abc.Stream:
        """A connection of a client to the server; with `lockstep` without any buffer between them."""
        pair = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
        client, server = pair()
        info = ConnectionInfo(
            cid=new_cid(),
            remote=ip_address(remote),
            remote_port=4242,
            local=ip_address("127.0.0.1"),
            local_port=port,
            listener=listener,
            shutdown=self.shutdown,
            seat=seat or Seat(),
            tls=TLSFacts(version="TLSv1.3", cipher="TLS_AES_128_GCM_SHA256") if tls else None,
        )

        async def serve() -> None:
            async with server:
                await serve_connection(server, info, self.context)

        self.nursery.start_soon(serve)
        return client

    def browser(self, *, app: str = "/webmail/", **connection: Any) -> "Browser":
        """A browser that uses the app at a path."""
        return Browser(self, connection, app)

    @asynccontextmanager
    async def account(self, name: str = "mia") -> AsyncIterator[Account]:
        async with self.accounts.use(name) as account:
            yield account


class Connecting(Protocol):
    """A server that a browser reaches."""

    @property
    def connect(self) -> Callable[..., trio.abc.Stream]:
        """A connection of a client to the server; what it may be told is the server's own."""
        ...


class Browser:
    """Keeps cookies and the CSRF token; one connection for each request."""

    def __init__(self, rig: Connecting, connection: dict[str, Any], app: str) -> None:
        self.rig = rig
        self.app = app
        self.connection = connection
        self.host = "mail.example.org"
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def request(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[h11.Connection, bytes]:
        fields = {"host": self.host, **(headers or {})}
        if self.cookies and "cookie" not in fields:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body or method == "POST":
            fields["content-length"] = str(len(body))
        codec = h11.Connection(h11.CLIENT)
        octets = codec.send(h11.Request(method=method, target=target, headers=list(fields.items()))) or b""
        if body:
            octets += codec.send(h11.Data(data=body)) or b""
        octets += codec.send(h11.EndOfMessage()) or b""
        return codec, octets

    async def fetch(
        self, target: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        codec, octets = self.request(method, target, headers, body)
        stream = self.rig.connect(**self.connection)
        async with stream:
            await stream.send_all(octets)
            head: h11.Response | None = None
            content = b""
            while True:
                event = codec.next_event()
                if event is h11.NEED_DATA:
                    codec.receive_data(bytes(await stream.receive_some()))
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    content += event.data
                elif isinstance(event, h11.EndOfMessage):
                    break
                elif not isinstance(event, h11.InformationalResponse):
                    raise AssertionError(event)
        assert head is not None
        answer = Answer(head, content)
        for cookie in answer.cookies:
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    async def post(self, name: str, parameters: Any, headers: dict[str, str] | None = None) -> Answer:
        """A call; the whole answer."""
        fields = {"content-type": "application/json", **(headers or {})}
        if self.csrf and "x-moxlite-csrf" not in fields:
            fields["x-moxlite-csrf"] = self.csrf
        body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
        return await self.fetch(f"{self.app}api/{name}", method="POST", headers=fields, body=body)

    async def call(self, name: str, /, **parameters: Any) -> Any:
        """A call that succeeds; its result."""
        answer = await self.post(name, parameters)
        assert answer.status == 200, answer.body
        return answer.json["result"]

    async def error(self, name: str, /, **parameters: Any) -> tuple[int, str]:
        """A call that is refused; status and code."""
        answer = await self.post(name, parameters)
        return answer.status, answer.json["error"]["code"]

    async def log_in(self, username: str = ADDRESS, password: str = PASSWORD) -> None:
        token = await self.call("login_prep")
        result = await self.call("login", login_token=token, username=username, password=password)
        self.csrf = result["csrf_token"]

    async def events(self, request: dict[str, Any] | None = None, *, since: int = 0, gzip: bool = False) -> "Events":
        """An event stream."""
        token = await self.call("token")
        wanted = first_request() if request is None else request
        target = f"/webmail/events?token={token}&request={quote(json.dumps(wanted))}"
        if since:
            target += f"&since={since}"
        codec, octets = self.request("GET", target, {"accept-encoding": "gzip"} if gzip else None)
        stream = self.rig.connect(**self.connection)
        await stream.send_all(octets)
        return Events(codec, stream)


def first_request(mailbox: str = "Inbox", *, view_id: int = 1, count: int = 50, **page: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "view_id": view_id,
        "query": {"filter": {"mailbox_id": 0, "mailbox_name": mailbox}},
        "page": {"count": count, **page},
    }


class Events:
    """Reads an event stream."""

    def __init__(self, codec: h11.Connection, stream: trio.abc.Stream) -> None:
        self.codec = codec
        self.stream = stream
        self.text = b""
        self.status = 0

    async def _more(self) -> bool:
        while True:
            event = self.codec.next_event()
            if event is h11.NEED_DATA:
                self.codec.receive_data(bytes(await self.stream.receive_some()))
            elif isinstance(event, h11.Response):
                self.status = event.status_code
            elif isinstance(event, h11.Data):
                self.text += event.data
                return True
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return False

    async def block(self) -> str:
        """The next event or comment as it stands; "" at the end."""
        with trio.fail_after(60):
            while b"\n\n" not in self.text:
                if not await self._more():
                    return ""
        block, self.text = self.text.split(b"\n\n", 1)
        return block.decode()

    async def next(self) -> Any:
        """The data of the next event, with the id as ``id``; None at the end. Comments are passed over."""
        while (block := await self.block()).startswith(":"):
            pass
        if not block:
            return None
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = json.loads(fields["data"])
        assert data["kind"] == fields["event"]
        return {**data, "id": int(fields["id"]) if "id" in fields else None}

    async def until(self, kind: str) -> Any:
        """The next event of a kind."""
        while (event := await self.next()) is not None:
            if event["kind"] == kind:
                return event
        raise AssertionError(f"the stream ended before {kind}")

    async def change(self, kind: str) -> Any:
        """The next change of a kind."""
        while True:
            event = await self.until("view_changes")
            for change in event["changes"]:
                if change["kind"] == kind:
                    return change

    async def aclose(self) -> None:
        await self.stream.aclose()


async def open_rig(
    folder: Path,
    nursery: trio.Nursery,
    *,
    static: str = STATIC,
    domains: str = DOMAINS,
    certificate: KeyPair | None = None,
    deliveries: Deliveries | None = None,
    assure: Assure = not_asked,
) -> Rig:
    """A room whose files are below `folder`; `nursery` serves it. `certificate` is that of all listeners."""
    (folder / "config").mkdir(parents=True)
    (folder / "data" / "tmp").mkdir(parents=True)
    (folder / "config" / "moxlite.toml").write_text(static)
    (folder / "config" / "domains.toml").write_text(domains)
    holder, _ = ConfigHolder.open(folder / "config" / "moxlite.toml")
    options = options_of(lambda: holder.current)
    accounts = Accounts(folder / "data", options)
    auth = await AuthDB.open(folder / "data" / "auth.db", options, create=True)
    logins = Logins(
        current=lambda: holder.current,
        accounts=accounts,
        auth=auth,
        failures=still_failures(),
        secret=b"0" * 32,
    )
    await nursery.start(supervised, accounts)
    await nursery.start(supervised, auth)
    tree = await nursery.start(supervised)
    imports = Imports(accounts, folder / "data" / "tmp", tree)
    async with accounts.use("mia") as account:
        await change_password(account, PASSWORD)
    found: Rig

    async def readiness() -> list[str]:
        return found.problems

    context = make_context(
        config=lambda: holder.current,
        config_dir=folder / "config",
        accounts=accounts,
        auth=auth,
        logins=logins,
        imports=imports,
        keys=SigningKeys(),
        edit=holder.edit,
        deliveries=deliveries,
        assure=assure,
        opaque_id=lambda cid: f"id-{cid}",
        readiness=readiness,
        measure=trio.lowlevel.checkpoint,
        challenge=lambda host, token: f"{token}.key" if (host, token) == ("asked.example", "token") else None,
        certificate=lambda listener: certificate,
    )
    context = msgspec.structs.replace(context, requests=still(REQUESTS))
    found = Rig(context, holder, accounts, auth, nursery)
    return found


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """The room, served."""
    async with trio.open_nursery() as nursery:
        found = await open_rig(tmp_path, nursery)
        yield found
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await found.auth.aclose()
