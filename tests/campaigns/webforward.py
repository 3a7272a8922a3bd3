"""Requests forwarded to nginx, haproxy, aiohttp and Node, with random bodies and chunks, and aborts on both sides.

Each answer has the octets of its request, or it ends early because the plan said so. A connection goes on unless its
end was announced. Connections to the servers behind are used again. Afterwards the server has no descriptor more than
before (WEB-46, WEB-47).
"""

import os
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, final

import pytest
import trio

from tests.backend import Reader
from tests.campaigns._echoservers import KINDS, echo_servers
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.tools import free_port, until

__all__ = ["Campaign", "run"]

REQUESTS: Final = 100_000
CLIENTS: Final = 6
SECONDS: Final = 300.0
"""For one exchange, on a machine that is busy with other things."""

RULE: Final = """
[[web_handlers]]
domain = "localhost"
path_regexp = "^/{kind}/"
dont_redirect_plain_http = true
forward = {{ url = "http://127.0.0.1:{port}", strip_path = true }}
"""

SIZES: Final = (0, 0, 1, 17, 900, 5_000, 16_384, 40_000, 65_536, 250_000)
METHODS: Final = ("GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD")
HOWS: Final = ("length", "length", "chunks", "chunks", "close")
IDLE_SECONDS: Final = 90
"""After which the server closes an idle connection to a server behind (WEB-46)."""


Connect = Callable[[], Awaitable[trio.abc.Stream]]
"""Connects to the server."""


@final
class Plan:
    """One request, and what becomes of it."""

    def __init__(self, chance: random.Random) -> None:
        self.kind = chance.choice(KINDS)
        self.method = chance.choice(METHODS)
        self.body = b"" if self.method in ("GET", "HEAD") else chance.randbytes(chance.choice(SIZES))
        self.how = chance.choice(HOWS)
        self.size = chance.choice((7, 1_000, 10_000) if len(self.body) < 1_000 else (1_000, 10_000, 70_000))
        self.chunked = bool(self.body) and chance.random() < 0.5
        self.expects = bool(self.body) and chance.random() < 0.03
        self.last = chance.random() < 0.03  # the client ends the connection
        self.cut: int | None = None  # the server behind aborts
        self.unsent = False  # it was answered early, and the connection would need the rest of the body
        self.leaves: int | None = None  # the client aborts after so many octets of the request; then of the answer
        what = chance.random()
        if what < 0.03:
            self.cut = chance.choice((-1, 0, chance.randrange(len(self.body) + 1)))
        elif what < 0.05:
            self.leaves = chance.randrange(1, 400 + len(self.body))
        elif what < 0.06 and self.body:
            self.how = "early"

    def octets(self, host: str, chance: random.Random) -> tuple[bytes, bytes]:
        """Head, and body as it is sent."""
        target = f"/{self.kind}/x?how={self.how}&size={self.size}" + ("" if self.cut is None else f"&cut={self.cut}")
        fields = [f"{self.method} {target} HTTP/1.1", f"Host: {host}"]
        if self.expects:
            fields.append("Expect: 100-continue")
        if self.last:
            fields.append("Connection: close")
        body = self.body
        if self.chunked:
            fields += ["Transfer-Encoding: chunked", "Trailer: X-T"]
            rest, body = body, b""
            while rest:
                piece, rest = rest[: (size := chance.randrange(1, 30_000))], rest[size:]
                body += b"%x;a=b\r\n%s\r\n" % (len(piece), piece)
            body += b"0\r\nX-T: end\r\n\r\n"
        elif self.method not in ("GET", "HEAD"):
            fields.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*fields, "", ""]).encode(), body

    @property
    def breaks(self) -> bool:
        """Whether the server behind does not answer as a whole."""
        return self.cut is not None or self.how == "early"


@final
class Campaign:
    """The clients, and what they have seen."""

    def __init__(self, connect: Connect, host: str, seed: int, requests: int) -> None:
        """`host`: that the rules are of."""
        self.connect, self.host, self.seed, self.left = connect, host, seed, requests
        self.outcomes: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.connections: defaultdict[str, set[str]] = defaultdict(set)
        self.octets = 0

    async def run(self) -> None:
        """All requests. Raises Finding."""
        findings: list[Finding] = []

        async def one(chance: random.Random) -> None:
            try:
                await self._client(chance)
            except Finding as finding:
                findings.append(finding)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for number in range(CLIENTS):
                nursery.start_soon(one, random.Random(f"{self.seed} {number}"))
        if findings:
            raise findings[0]

    async def _client(self, chance: random.Random) -> None:
        while self.left > 0:
            stream = await self.connect()
            async with stream:
                reader = Reader(stream)
                goes_on = True
                while goes_on and self.left > 0:
                    self.left -= 1
                    plan = Plan(chance)
                    with trio.fail_after(SECONDS):
                        goes_on = await self._exchange(plan, stream, reader, chance)

    async def _exchange(self, plan: Plan, stream: trio.abc.Stream, reader: Reader, chance: random.Random) -> bool:
        """One request; whether the connection goes on. Raises Finding."""
        head, body = plan.octets(self.host, chance)
        if plan.leaves is not None:
            self.outcomes["clients that left"] += 1
            whole = head + body
            await stream.send_all(whole[: plan.leaves])
            if plan.leaves > len(whole):  # in the middle of the answer
                await stream.receive_some(chance.randrange(1, 2_000))
            return False
        try:
            found = await self._answered(plan, head, body, stream, reader, chance)
        except (EOFError, trio.BrokenResourceError) as error:
            if not plan.breaks:
                raise Finding(f"an answer to {head!r} broke off, unplanned: {error!r}") from error
            self.outcomes["answers that broke off as planned"] += 1
            return False
        if found and plan.last:
            raise Finding(f"the server would go on after {head!r}")
        if not found:
            try:
                more = await stream.receive_some()
            except trio.BrokenResourceError:
                more = b""
            if (reader.buffer or more) and not plan.breaks:
                raise Finding(f"octets after the last answer: {(reader.buffer + more)[:100]!r}")
            self.outcomes["connections whose end was announced"] += 1
        return found and not plan.unsent

    async def _answered(
        self,
        plan: Plan,
        head: bytes,
        body: bytes,
        stream: trio.abc.Stream,
        reader: Reader,
        chance: random.Random,
    ) -> bool:
        """Send, and read the whole answer; whether the connection goes on."""
        pace = chance.choice((700, 20_000, 1 << 20))
        started = trio.Event()

        sent = False

        async def send() -> None:
            nonlocal body, sent
            try:
                await stream.send_all(head)
                if plan.expects:
                    await started.wait()
                while body:
                    await stream.send_all(body[:pace])
                    body = body[pace:]
                sent = True
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # what was answered tells why

        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            try:
                line = await _line(reader)
                if line.startswith(b"HTTP/1.1 100"):
                    await reader.fields()
                    started.set()
                    line = await _line(reader)
                status, fields = int(line[9:12]), dict(await reader.fields())
                found = await _body(plan.method, fields, reader)
            except (EOFError, trio.BrokenResourceError, Finding) as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self._check(plan, head, status, fields, found)
        if fields.get("connection", "").lower() == "close":
            return False
        plan.unsent = not sent
        return True

    def _check(self, plan: Plan, head: bytes, status: int, fields: dict[str, str], found: bytes) -> None:
        if plan.breaks and status in (413, 502):
            self.outcomes[f"planned answers {status}"] += 1
            return
        whole = plan.body if plan.method != "HEAD" else b""
        if status != 200 or found != whole:
            raise Finding(f"{head!r} got {status}, {len(found)} octets instead of {len(whole)}: {found[:200]!r}")
        self.outcomes["whole answers"] += 1
        self.octets += len(found)
        self.requests[plan.kind] += 1
        self.connections[plan.kind].add(fields.get("x-front") or fields["x-connection"])


async def _line(reader: Reader) -> bytes:
    line = await reader.line()
    if not re.match(rb"HTTP/1\.1 [1-5][0-9][0-9] ", line):
        raise Finding(f"no status line: {line[:100]!r}")
    return line


async def _body(method: str, fields: dict[str, str], reader: Reader) -> bytes:
    if method == "HEAD":
        return b""
    if fields.get("transfer-encoding") != "chunked":
        return await reader.octets(int(fields["content-length"]))
    found = b""
    while size := int(await reader.line(), 16):
        found += await reader.octets(size)
        if await reader.octets(2) != b"\r\n":
            raise Finding("a chunk is longer than its size")
    await reader.fields()
    return found


def _descriptors(server: ServedServer) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def _open(server: ServedServer) -> Counter[str]:
    """Kinds of open descriptors: files by name, TCP connections by their other end and state (proc(5), tcp(7))."""
    sockets: dict[str, str] = {}
    for kind in ("tcp", "tcp6"):
        for line in Path(f"/proc/{server.process.pid}/net/{kind}").read_text().splitlines()[1:]:
            near, far, state, *_, inode = line.split()[1:10]
            ports = (int(end.rpartition(":")[2], 16) for end in (near, far))
            sockets[inode] = f"{kind} from port {next(ports)} to {next(ports)} in state {state}"
    found: Counter[str] = Counter()
    for entry in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            name = str(entry.readlink())
        except FileNotFoundError:
            continue
        inode = name.removeprefix("socket:[").removesuffix("]")
        found[sockets.get(inode, "another socket" if name.startswith("socket:") else name)] += 1
    return found


def _resident(server: ServedServer) -> int:
    """MiB of memory."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) // 1024


def run(seed: int, share: float, report: Report) -> None:
    """REQUESTS × share."""
    requests, whole = max(200, round(REQUESTS * share)), share >= 0.1
    with tempfile.TemporaryDirectory(prefix="moxlite-forwarding-") as name:
        folder, http = Path(name), free_port()
        folder.chmod(0o755)
        with echo_servers(folder / "behind") as ports:
            server = ServedServer(
                folder / "server",
                static=f"webserver_http = {{ enabled = true, port = {http}, rate_limit_disabled = true }}",
                domains="".join(RULE.format(kind=kind, port=port) for kind, port in ports.items()),
            )
            with server:
                connect = partial(trio.open_tcp_stream, "127.0.0.1", http)
                trio.run(Campaign(connect, "localhost", seed + 1, 100).run)  # what is loaded and opened at first use
                if whole:
                    time.sleep(IDLE_SECONDS + 5)
                before, memory, began = _open(server), _resident(server), time.monotonic()
                campaign = Campaign(connect, "localhost", seed, requests)
                trio.run(campaign.run)
                taken = time.monotonic() - began
                _afterwards(server, before, report, whole=whole)
                grown = _resident(server) - memory
    report.tell(
        f"{requests} requests by {CLIENTS} clients in {taken:.0f} s, {campaign.octets >> 20} MiB back and forth"
    )
    report.tell(", ".join(f"{number} {what}" for what, number in sorted(campaign.outcomes.items())))
    for kind in KINDS:
        used = campaign.requests[kind] / max(1, len(campaign.connections[kind]))
        report.tell(f"{kind}: {campaign.requests[kind]} whole answers, {used:.1f} for each connection")
        if used < 2:  # a fifth of all connections ends by its server
            raise Finding(f"connections to {kind} are not used again")
    report.tell(f"the server's memory grew by {grown} MiB")


def _afterwards(server: ServedServer, opened: Counter[str], report: Report, *, whole: bool) -> None:
    """Nothing is left over but idle connections of the pool, and these end in time."""
    before, idle = opened.total(), CLIENTS * len(KINDS)
    try:
        until(lambda: _descriptors(server) <= before + idle, seconds=120, what="descriptors are closed")
        if whole:
            until(
                lambda: _descriptors(server) <= before, seconds=IDLE_SECONDS + 120, what="idle connections are closed"
            )
    except pytest.fail.Exception as error:
        more = _open(server)
        raise Finding(f"{error}; more than before: {dict(more - opened)}, fewer: {dict(opened - more)}") from error
    log = server.log()
    if "panic" in log or "unexpected error" in log or "Traceback" in log:
        raise Finding(f"an error in the server: {log[-3000:]}")
    failures = log.count("failed to forward request")
    report.tell(f"{before} descriptors before, {_descriptors(server)} after; {failures} failures in the log")
