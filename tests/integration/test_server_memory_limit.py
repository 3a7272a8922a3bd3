"""A server that may use 384 MB, and clients that together ask for gigabytes (STORE-198a)."""

import base64
import json
import os
import re
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import trio

from tests.controlgroups import Group, memory_group
from tests.running import LocalServer
from tests.tools import free_port, slowness

pytestmark = [pytest.mark.served, pytest.mark.slow]

LIMIT: Final = 384_000_000
"""Octets that the server may use: the fewest for which its parts leave the ledger's least total."""

SECONDS: Final = 200.0
"""Seconds for which all of it goes on at most; it ends soon after the honest program has its answer."""

LINES: Final = b"X-LINE:some words of a line\r\n" * 9_900
"""As many as an entry may have."""
USING: Final = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail", "urn:ietf:params:jmap:contacts"]
JSON: Final = "Content-Type: application/json"
BODY: Final = b"some words of a mail\r\n" * 45_000
MAIL: Final = b"EHLO x\r\nMAIL FROM:<x@else.example>\r\nRCPT TO:<moxlite@localhost>\r\nDATA\r\n\r\n" + BODY
APPEND: Final = b"b APPEND INBOX {1000000}\r\n\r\n" + BODY
SEARCH: Final = b"b SEARCH SUBJECT {100000}\r\n\r\n" + (b"x" * 100_000 + b" SUBJECT {100000+}\r\n") * 9
"""Beginnings of a mail, an APPEND and a SEARCH, which stay in memory until they are whole."""

UNCHECKED: Final = ssl._create_unverified_context()
PASSWORDS: Final = {"moxlite@localhost": "moxmoxmox", "bob@localhost": "moxmoxmox", "eve@localhost": "moxmoxmox"}


@pytest.fixture
def group() -> Iterator[Group]:
    with memory_group(LIMIT) as group:
        yield group


class Crowd:
    """The clients of a server. `statuses`: of the answers; `noop`: seconds for a NOOP of another account."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.statuses: dict[str, list[int]] = {}
        self.noop: list[float] = []

    async def connect(self, port: int = 80, source: str = "127.0.0.1") -> trio.abc.Stream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.server.port(port), local_address=source)
        return trio.SSLStream(stream, UNCHECKED, https_compatible=True) if port == 443 else stream

    def head(self, method: str, path: str, user: str | None, *fields: str) -> bytes:
        login = base64.b64encode(f"{user}:{PASSWORDS.get(user or '')}".encode()).decode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.server.port(80)}", *fields]
        lines += [] if user is None else [f"Authorization: Basic {login}"]
        return "\r\n".join([*lines, "", ""]).encode()

    async def ask(self, kind: str, method: str, path: str, user: str | None, body: bytes, *fields: str) -> bytes:
        """One request on a connection of its own; its answer, b"" where the connection ended first."""
        answer = b""
        with suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            async with await self.connect(443) as stream:
                length = f"Content-Length: {len(body)}"
                await stream.send_all(self.head(method, path, user, length, "Connection: close", *fields) + body)
                pieces: list[bytes] = []
                while piece := bytes(await stream.receive_some(65536)):
                    pieces.append(piece)
                answer = b"".join(pieces)
        self.statuses.setdefault(kind, []).append(int(answer[9:12] or b"0"))
        return answer.partition(b"\r\n\r\n")[2]

    async def unfinished(self, kind: str, head: bytes, body: int, port: int, source: str) -> None:
        """A body without its last octet, again and again."""
        while True:
            with suppress(OSError, trio.BrokenResourceError):
                async with await self.connect(port, source) as stream:
                    await stream.send_all(head)
                    for start in range(0, body - 1, 65536):
                        await stream.send_all(bytes(min(65536, body - 1 - start)))
                    answer = bytes(await stream.receive_some(100))
                    self.statuses.setdefault(kind, []).append(int(answer[9:12] or b"0"))
            await trio.sleep(0.2)

    async def jmap(self, kind: str, user: str, name: str, **arguments: object) -> bytes:
        calls = [[name, {"accountId": f"u{user.partition('@')[0]}", **arguments}, "0"]]
        body = json.dumps({"using": USING, "methodCalls": calls}).encode()
        return await self.ask(kind, "POST", "/jmap/api", user, body, "Content-Type: application/json")

    async def socket(self, user: str) -> None:
        """A websocket, and 9.9 MB on it, as often as they are taken."""
        fields = "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
        head = self.head("GET", "/jmap/ws", user, *fields, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        while True:
            with suppress(OSError, trio.BrokenResourceError):
                async with await self.connect() as stream:
                    await stream.send_all(head)
                    await stream.receive_some(4096)
                    await stream.send_all(b"\x81\xff" + (9_900_000).to_bytes(8, "big") + bytes(4))
                    for _ in range(99):
                        await stream.send_all(b" " * 100_000)
                    answer = bytes(await stream.receive_some(4096))
                    self.statuses.setdefault("socket", []).append(200 if answer else 0)
            await trio.sleep(0.2)

    async def unfinished_mail(self, kind: str, port: int, source: str, lines: bytes, user: str | None) -> None:
        """A session that sends these lines, the last of them an unfinished message or literal; again and again."""
        while True:
            with suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                async with await self.connect(port, source) as stream:
                    head, _, rest = lines.partition(b"\r\n\r\n")
                    login = [f"a LOGIN {user} {PASSWORDS[user]}".encode()] if user is not None else []
                    for line in [*login, *head.split(b"\r\n")]:
                        await stream.receive_some(4096)
                        await stream.send_all(line + b"\r\n")
                    await stream.receive_some(4096)
                    for start in range(0, len(rest), 65536):
                        await stream.send_all(rest[start : start + 65536])
                    self.statuses.setdefault(kind, []).append(200)
                    with trio.move_on_after(20):
                        while await stream.receive_some(4096):
                            pass
            await trio.sleep(0.2)

    async def ask_others(self, user: str) -> None:
        """NOOP by IMAP, twenty times a second."""
        async with await self.connect(143) as stream:
            await stream.receive_some(4096)
            await stream.send_all(f"a LOGIN {user} {PASSWORDS[user]}\r\n".encode())
            while not bytes(await stream.receive_some(4096)).count(b"a OK"):
                pass
            while True:
                began = time.perf_counter()
                await stream.send_all(b"b NOOP\r\n")
                while not bytes(await stream.receive_some(4096)).count(b"b OK"):
                    pass
                self.noop.append(time.perf_counter() - began)
                await trio.sleep(0.05)

    async def repeat(self, work: Callable[[], object]) -> None:
        while True:
            await work()  # type: ignore[misc]  # an async function, as `partial` hides
            await trio.sleep(0.2)


async def lying_server(stream: trio.SocketStream) -> None:
    """A mail server whose LIST never ends: lines of attributes, as long as they may be."""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n")
        while line := bytes(await stream.receive_some(4096)):
            tag, _, command = line.partition(b" ")
            number = 0
            while b"LIST" in command:
                number += 1
                await stream.send_all(b'* LIST (%b) "/" %d\r\n' % (b" ".join([b"a"] * 32_000), number))
            await stream.send_all(tag + b" OK done\r\n")


async def prepare(crowd: Crowd) -> list[str]:
    """Entries and mail that are costly to show; the ids of bob's mail."""
    main, bob = "moxlite@localhost", "bob@localhost"
    card = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:c\r\nFN:c\r\n" + LINES + b"END:VCARD\r\n"
    for number in range(6):
        path = f"/dav/addressbooks/moxlite/contacts/{number}.vcf"
        await crowd.ask(
            "put", "PUT", path, main, card.replace(b"UID:c", b"UID:c%d" % number), "Content-Type: text/vcard"
        )
    event = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e\r\nDTSTAMP:20260101T000000Z\r\n"
        b"DTSTART:20260101T100000Z\r\nRRULE:FREQ=DAILY\r\n" + LINES + b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    path = "/dav/calendars/moxlite/calendar/e.ics"
    await crowd.ask("put", "PUT", path, main, event, "Content-Type: text/calendar")
    assert {*crowd.statuses["put"]} == {201}
    async with await crowd.connect(143) as stream:
        await stream.receive_some(4096)
        await stream.send_all(f"a LOGIN {bob} {PASSWORDS[bob]}\r\n".encode())
        while not bytes(await stream.receive_some(4096)).count(b"a OK"):
            pass
        mail = b"From: x@else.example\r\nSubject: x\r\n\r\n" + b"some words of a mail\r\n" * 1_800
        for number in range(500):
            await stream.send_all(b"%d APPEND INBOX {%d+}\r\n%b\r\n" % (number, len(mail), mail))
            while not bytes(await stream.receive_some(4096)).count(b"%d OK" % number):
                pass
    found = json.loads(await crowd.jmap("query", bob, "Email/query", limit=500))
    ids: list[str] = found["methodResponses"][0][1]["ids"]
    assert len(ids) == 500
    return ids


async def reader(crowd: Crowd, ids: list[str], answers: list[int]) -> None:
    """An honest program that reads 20 MB of JMAP, 1.5 MB a second, and asks again for what was refused."""
    arguments = {"accountId": "ubob", "ids": ids, "properties": ["bodyValues"], "fetchTextBodyValues": True}
    body = json.dumps({"using": USING, "methodCalls": [["Email/get", arguments, "0"]]}).encode()
    head = crowd.head(
        "POST", "/jmap/api", "bob@localhost", "Content-Type: application/json", f"Content-Length: {len(body)}"
    )
    async with await crowd.connect() as stream:
        while True:
            await stream.send_all(head + body)
            received = b""
            while b"\r\n\r\n" not in received:
                received += bytes(await stream.receive_some(65536))
            fields, _, rest = received.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", fields)
            assert length is not None
            got = len(rest)
            while got < int(length[1]):
                piece = bytes(await stream.receive_some(65536))
                assert piece, f"cut off after {got} of {int(length[1])} octets"
                got += len(piece)
                await trio.sleep(len(piece) / 1_500_000)
            crowd.statuses.setdefault("reader", []).append(int(fields[9:12]) if got > 15_000_000 else 0)
            if fields.startswith(b"HTTP/1.1 200") and got > 15_000_000:
                answers.append(got)
                return
            await trio.sleep(1)


async def play(crowd: Crowd, ids: list[str], port: int) -> list[int]:
    """All at once. Returns the octets of the honest program's answer."""
    main = "moxlite@localhost"
    answers: list[int] = []
    expand = '<C:expand start="20260601T000000Z" end="20260603T000000Z"/>'
    report = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data>'
        f"{expand}</C:calendar-data></D:prop><D:href>/dav/calendars/moxlite/calendar/e.ics</D:href></C:calendar-multiget>"
    ).encode()
    large = crowd.head("PUT", "/dav/calendars/moxlite/calendar/big.ics", main, "Content-Length: 2097152")
    origin = f"Origin: http://localhost:{crowd.server.port(80)}"
    login = crowd.head(
        "POST", "/webmail/api/login_prep", None, "Content-Type: application/json", "Content-Length: 65536", origin
    )
    with trio.move_on_after(SECONDS * slowness()):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(crowd.ask_others, "eve@localhost")
            for number in range(400):
                nursery.start_soon(crowd.unfinished, "login", login, 65_536, 80, f"127.0.1.{number % 40 + 1}")
            for _ in range(50):
                nursery.start_soon(crowd.unfinished, "large", large, 2 << 20, 443, "127.0.0.1")
            for _ in range(60):
                nursery.start_soon(crowd.socket, main)
            for number in range(40):
                source = f"127.0.2.{number + 1}"
                nursery.start_soon(crowd.unfinished_mail, "mail", 25, source, MAIL, None)
                nursery.start_soon(crowd.unfinished_mail, "append", 143, source, APPEND, main)
                if number % 2:
                    nursery.start_soon(crowd.unfinished_mail, "search", 143, source, SEARCH, main)
            body = json.dumps({"To": [{"Address": "eve@localhost"}], "Text": "x\n" * 1_000_000}).encode()
            for _ in range(6):
                send = partial(
                    crowd.ask, "send", "POST", "/webapi/v0/Send", main, body, "Content-Type: application/json"
                )
                nursery.start_soon(crowd.repeat, send)
            for _ in range(8):
                nursery.start_soon(crowd.repeat, partial(crowd.jmap, "cards", main, "ContactCard/get"))
            for _ in range(60):
                asked = partial(crowd.ask, "report", "REPORT", "/dav/calendars/moxlite/calendar/", main, report)
                nursery.start_soon(crowd.repeat, asked)
            copy = ("imap", "import", "bob", "--host", "127.0.0.1", "--port", str(port), "--tls", "none", "--user", "x")
            command = partial(crowd.server.cli, *copy, stdin="x\n", check=False, seconds=300)
            nursery.start_soon(partial(trio.to_thread.run_sync, command, abandon_on_cancel=True))
            await reader(crowd, ids, answers)
            await trio.sleep(15)
            nursery.cancel_scope.cancel()
    return answers


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder on a disk: what spools write to a file system in memory would count as the server's memory."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


@contextmanager
def ahead(pid: int) -> Iterator[None]:
    """Let this process and the loop of a server go before the tests that run beside: it is their waits that count."""
    for one in (0, pid):
        os.setpriority(os.PRIO_PROCESS, one, -15)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


async def whole(server: LocalServer, port: int) -> tuple[Crowd, list[int]]:
    crowd = Crowd(server)
    ids = await prepare(crowd)
    crowd.statuses.clear()
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, lying_server, port, host="127.0.0.1"))
        answers = await play(crowd, ids, port)
        nursery.cancel_scope.cancel()
    return crowd, answers


def test_all_that_costs_memory_at_once_ends_in_refusals(disk: Path, group: Group) -> None:
    """STORE-198a: unfinished bodies of strangers and of an account, long websocket messages, cards and events of 9,900
    lines, unfinished mail, APPEND and literals, long sends of the web API, and a mail server whose LIST never ends: the
    server lives, refuses some, answers an honest program whole, and another account's NOOP in half a second.
    """
    server = LocalServer(disk / "server", group=group.path)
    with server:
        for name in ("bob", "eve"):
            server.cli("config", "account", "add", name, f"{name}@localhost")
            server.cli("account", "set-password", name, stdin="moxmoxmox\n")
        with ahead(server.process.pid):
            crowd, answers = trio.run(whole, server, free_port())
        assert server.process.poll() is None, server.log()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
            metrics = answer.read().decode()
    counts = {kind: {code: codes.count(code) for code in sorted({*codes})} for kind, codes in crowd.statuses.items()}
    slowest = sorted(crowd.noop)[-max(1, len(crowd.noop) // 100)]
    print(f"{group.most / 1e6:.0f} MB at most, NOOP {slowest:.2f} s ({len(crowd.noop)}), {answers}, {counts}")
    assert group.kills == 0
    assert re.search(r"^moxlite_ledger_total_bytes 6\.7\d+e\+07$", metrics, re.MULTILINE), "not what the limit leaves"
    refused = sum(float(value) for value in re.findall(r"moxlite_ledger_refused_total{.*} (\S+)", metrics))
    assert refused > 0
    assert re.search(r'^moxlite_panic_total{pkg="web"} [^0]', metrics, re.MULTILINE) is None
    assert answers, "the honest program got no answer"
    assert slowest <= 0.5 * slowness()
