"""Notifying systemd that the server is up and alive (sd_notify(3), ADMIN-38, ADMIN-40)."""

import logging
import os
import socket
from typing import Final

import trio

logger = logging.getLogger("moxlite.process.systemd")

SHARE: Final = 2
"""Messages per watchdog interval; sd_watchdog_enabled(3) recommends two."""


def notify(state: str) -> None:
    """Send ``READY=1`` and the like if systemd has given us a socket. A message that cannot be sent is logged."""
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
    """Send signs of life to systemd's watchdog until cancelled, if it asks for them. The socket stays open, so that
    systemd does not end the server when it has no free descriptor.

    Errors: OSError if no socket can be had. A message that cannot be sent is logged, and the next one is sent in its
    turn.
    """
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # its reader may be busy; the event loop must not wait
        while True:
            try:
                _send(sock, "WATCHDOG=1")
            except OSError as error:
                _not_told("WATCHDOG=1", error)
            await trio.sleep(int(microseconds) / 1_000_000 / SHARE)
