"""Port 25 of a machine that only follows: each message is refused for now, so that it may be a second MX (STORE-186b).

``451 4.3.2`` (RFC 3463 §3.4: the system accepts no messages) makes other servers try again, at the first machine first.
Nothing is stored, no address is looked at.
"""

from __future__ import annotations

import logging
from typing import Final

import trio

logger = logging.getLogger("moxlite.admin.standby")

MAX_LINE: Final = 2048
"""Octets of a command: RFC 5321 §4.5.3.1.4 has 512, extensions add to MAIL and RCPT."""

MAX_COMMANDS: Final = 50
"""Commands of a connection: a server that hears 451 goes on to its next recipient, and then away."""

IDLE: Final = 60.0
"""Seconds for one command."""

TOTAL: Final = 300.0
"""Seconds for a connection."""

MOST: Final = 100
"""Connections at a time."""

LATER: Final = b"451 4.3.2 This is a standby server: try the first server again\r\n"


async def refuse_all(ip: str, port: int, hostname: str, *, task_status: trio.TaskStatus[int]) -> None:
    """Serve until cancelled; starts with the port. Raises OSError: the address cannot be used."""
    seats = trio.CapacityLimiter(MOST)

    async def serve(stream: trio.SocketStream) -> None:
        try:
            seats.acquire_nowait()
        except trio.WouldBlock:
            return
        try:
            with trio.move_on_after(TOTAL):
                await refuse_connection(stream, hostname)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            seats.release()

    listeners = await trio.open_tcp_listeners(port, host=ip)
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(serve, listeners)


async def refuse_connection(stream: trio.abc.Stream, hostname: str) -> None:
    """Speak SMTP with one client: greeting and QUIT as ever, all mail is refused for now."""
    await stream.send_all(f"220 {hostname} ESMTP\r\n".encode())
    buffer = bytearray()
    for _ in range(MAX_COMMANDS):
        with trio.move_on_after(IDLE) as limit:
            while b"\n" not in buffer:
                octets = await stream.receive_some(MAX_LINE)
                buffer += octets
                if not octets or len(buffer) > MAX_LINE:
                    return
        if limit.cancelled_caught:
            return
        line, _, rest = bytes(buffer).partition(b"\n")
        buffer = bytearray(rest)
        verb = line.split(maxsplit=1)[0].upper() if line.split() else b""
        match verb:
            case b"QUIT":
                await stream.send_all(b"221 2.0.0 bye\r\n")
                return
            case b"EHLO" | b"HELO":
                await stream.send_all(f"250 {hostname}\r\n".encode())
            case b"NOOP" | b"RSET":
                await stream.send_all(b"250 2.0.0 OK\r\n")
            case _:
                await stream.send_all(LATER)
    await stream.send_all(b"421 4.3.2 too many commands\r\n")
