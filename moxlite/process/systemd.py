"""Notifying systemd that the server is up and alive (sd_notify(3), ADMIN-38, ADMIN-40)."""

import logging
import math
import os
import socket
import time
from collections.abc import Callable
from typing import Final

import trio

logger = logging.getLogger("moxlite.process.systemd")

SHARE: Final = 2
"""Messages per watchdog interval; sd_watchdog_enabled(3) recommends two."""


EXTENSION: Final = 90
"""Seconds by which progress prolongs the start; systemd's own limit of a start (DefaultTimeoutStartSec)."""


def notify(state: str) -> None:
    """Send ``READY=1`` and the like if systemd has given us a socket. A message that cannot be sent is logged."""
    if not os.environ.get("NOTIFY_SOCKET") or not hasattr(socket, "AF_UNIX"):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            _send(sock, state)
    except OSError as error:
        _not_told(state, error)


def more_time() -> Callable[[], None]:
    """A function that tells systemd that the start goes on: it waits for a further EXTENSION after each call."""
    last = -math.inf

    def tell() -> None:
        nonlocal last
        if (now := time.monotonic()) - last > EXTENSION / 10:
            last = now
            notify(f"EXTEND_TIMEOUT_USEC={EXTENSION}000000")

    return tell


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
