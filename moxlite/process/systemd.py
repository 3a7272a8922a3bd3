"""Telling systemd that the server is up and alive (sd_notify(3), ADMIN-38, ADMIN-40)."""

import logging
import os
import socket
from typing import Final

import trio

__all__ = ["keep_alive", "notify"]

logger = logging.getLogger("moxlite.process.systemd")

SHARE: Final = 2
"""Sent twice as often as systemd asks for, as sd_watchdog_enabled(3) recommends."""


def notify(state: str) -> None:
    """Send ``READY=1`` and the like, when systemd has given us a socket for that. One that cannot be sent is logged."""
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            _send(sock, state)
    except OSError as error:
        _not_told(state, error)


def _send(sock: socket.socket, state: str) -> None:
    name = os.environ["NOTIFY_SOCKET"]
    sock.sendto(state.encode(), "\0" + name[1:] if name.startswith("@") else name)


def _not_told(state: str, error: OSError) -> None:
    logger.warning("systemd not told", extra={"kv": {"state": state, "err": error.strerror or str(error)}})


async def keep_alive() -> None:
    """Tell systemd's watchdog that the event loop turns, until cancelled; nothing when it doesn't ask. It keeps its
    socket: for want of a descriptor systemd must not end the server.

    Errors: OSError when there is no socket to be had; a message that cannot be sent is logged, and the next one comes
    at its time.
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # its reader may be busy, the event loop must not wait
        while True:
            try:
                _send(sock, "WATCHDOG=1")
            except OSError as error:
                _not_told("WATCHDOG=1", error)
            await trio.sleep(int(microseconds) / 1_000_000 / SHARE)
