"""The control socket as a loopback TCP port, where there are no Unix sockets (ADMIN-46).

Any program of the machine may connect to such a port, or bind it once the server has stopped. So both ends prove that
they have read the token before the first line is sent. The token's file is in the data folder, and only the server's
user may read it::

    C: 32 random octets
    S: HMAC-SHA256(token, "server" + those) + 32 random octets
    C: HMAC-SHA256(token, "client" + those)

``ctl.token`` holds the port and the token; each start makes a new one.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import socket
from pathlib import Path
from typing import Final

import trio

from moxlite.net.socketpath import short
from moxlite.safefile import open_regular

TOKEN_FILE: Final = "ctl.token"  # noqa: S105 - a name
"""Name of the token's file, in the folder of the control socket."""

LOOPBACK: Final = "127.0.0.1"
SIZE: Final = 32
"""Octets of the token, of a challenge and of a proof."""

PROOF_SECONDS: Final = 5.0
"""Seconds for the exchange of proofs between two processes of one machine."""

BACKLOG: Final = 64
MAX_FILE: Final = 200
"""Octets of the token's file: a port and 64 digits."""


class TokenRejected(Exception):
    """The other end does not know the token."""


def needs_tcp() -> bool:
    """Whether this system has no Unix sockets that Python and Trio can use."""
    return os.name == "nt" or not hasattr(socket, "AF_UNIX")


def listen_tcp(path: Path) -> tuple[trio.SocketListener, bytes]:
    """Listen on a free port, and write it with a new token beside `path`, the control socket's. The caller holds the
    data lock. A stale socket is removed. Returns the listener and the token. Raises OSError.
    """
    with contextlib.suppress(OSError):
        path.unlink()
    token = secrets.token_bytes(SIZE)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.bind((LOOPBACK, 0))
        sock.listen(BACKLOG)
        sock.setblocking(False)
        _write(path.with_name(TOKEN_FILE), f"{sock.getsockname()[1]} {token.hex()}\n".encode())
    except OSError:
        sock.close()
        raise
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock)), token


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically, readable by our own user alone from the first octet on."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        new.replace(path)  # after it is closed, as Windows wants it
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


async def prove_client(stream: trio.SocketStream, token: bytes) -> None:
    """The server's part of the exchange. Raises TokenRejected."""
    try:
        with trio.fail_after(PROOF_SECONDS):
            asked = await _exactly(stream, SIZE)
            challenge = secrets.token_bytes(SIZE)
            await stream.send_all(_proof(token, b"server", asked) + challenge)
            answer = await _exactly(stream, SIZE)
    except (trio.TooSlowError, trio.BrokenResourceError) as error:
        raise TokenRejected("authentication timed out") from error
    if not hmac.compare_digest(answer, _proof(token, b"client", challenge)):
        raise TokenRejected("authentication failed")


async def open_ctl(path: Path) -> trio.SocketStream:
    """A connection to the server whose control socket is at `path`: by TCP where there is a token, else by that.

    Raises OSError, TokenRejected: what answers at the port is not the server.
    """
    try:
        text = await trio.to_thread.run_sync(_read, path.with_name(TOKEN_FILE))
    except FileNotFoundError:
        if needs_tcp():
            raise
        with short(path) as name:
            return await trio.open_unix_socket(name)
    port, _, token = text.partition(" ")
    try:
        number, secret = int(port), bytes.fromhex(token)
    except ValueError:
        raise TokenRejected(f"{TOKEN_FILE} is damaged") from None
    stream = await _connect(number)
    try:
        with trio.fail_after(PROOF_SECONDS):
            challenge = secrets.token_bytes(SIZE)
            await stream.send_all(challenge)
            answer = await _exactly(stream, 2 * SIZE)
            if not hmac.compare_digest(answer[:SIZE], _proof(secret, b"server", challenge)):
                raise TokenRejected("another program is using the server's port")
            await stream.send_all(_proof(secret, b"client", answer[SIZE:]))
    except (trio.TooSlowError, trio.BrokenResourceError) as error:
        await trio.aclose_forcefully(stream)
        raise TokenRejected("another program is using the server's port") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def _read(path: Path) -> str:
    fd = open_regular(path, os.O_RDONLY)
    try:
        return os.read(fd, MAX_FILE).decode("ascii", "replace").strip()
    finally:
        os.close(fd)


async def _connect(port: int) -> trio.SocketStream:
    """Connect to a port of the loopback interface. Raises OSError."""
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        await sock.connect((LOOPBACK, port))
        return trio.SocketStream(sock)
    except BaseException:
        sock.close()
        raise


def _proof(token: bytes, who: bytes, challenge: bytes) -> bytes:
    return hmac.digest(token, who + challenge, hashlib.sha256)


async def _exactly(stream: trio.SocketStream, size: int) -> bytes:
    """Read exactly `size` octets. Raises TokenRejected if the other end closes before."""
    found = bytearray()
    while len(found) < size:
        data = await stream.receive_some(size - len(found))
        if not data:
            raise TokenRejected("the peer closed the connection")
        found += data
    return bytes(found)
