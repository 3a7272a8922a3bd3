"""Memory of a server after large requests, while their connections stay open (STORE-198a)."""

import base64
import re
import sys
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import trio

from tests.running import LocalServer
from tests.tools import until

pytestmark = [
    pytest.mark.served,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

SOCKETS: Final = 60
OCTETS: Final = 9_900_000
KEPT: Final = 45_000
"""kB that may stay: 12 MB of sockets, and memory that the heap hasn't given back yet."""


def own_memory(pid: int) -> int:
    """kB of anonymous memory of a process."""
    match = re.search(r"(?m)^Pss_Anon:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    assert match
    return int(match[1])


async def answered(server: LocalServer) -> trio.SocketStream:
    """A websocket on which a message of nearly the largest size was answered."""
    stream = await trio.open_tcp_stream("127.0.0.1", server.port(80))
    login = base64.b64encode(b"moxlite@localhost:moxmoxmox").decode()
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    key = f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Basic {login}"
    head = f"GET /jmap/ws HTTP/1.1\r\nHost: localhost:{server.port(80)}\r\n{upgrade}\r\n{key}\r\n\r\n"
    await stream.send_all(head.encode())
    with trio.fail_after(600):
        assert b" 101 " in await stream.receive_some(4096)
        await stream.send_all(b"\x81\xff" + OCTETS.to_bytes(8, "big") + bytes(4))
        request = b'{"@type":"Request","using":["urn:ietf:params:jmap:core"],"methodCalls":[],"x":"'
        await stream.send_all(request + b"x" * (OCTETS - len(request) - 2) + b'"}')
        assert b"Response" in await stream.receive_some(4096)
    return stream


def test_websockets_keep_none_of_their_messages(tmp_path: Path) -> None:
    """STORE-198a: sixty messages of nearly the largest size were answered, and the sockets stay open."""
    with LocalServer(tmp_path / "server") as server:

        async def run() -> None:
            streams = [await answered(server)]
            before = own_memory(server.process.pid)
            limiter = trio.CapacityLimiter(4)

            async def one() -> None:
                async with limiter:
                    streams.append(await answered(server))

            async with trio.open_nursery() as nursery:
                for _ in range(SOCKETS - 1):
                    nursery.start_soon(one)
            pid, what = server.process.pid, f"at most {KEPT} kB more than before"
            await trio.to_thread.run_sync(partial(until, lambda: own_memory(pid) - before <= KEPT, what=what))
            for stream in streams:
                await stream.aclose()

        trio.run(run)
