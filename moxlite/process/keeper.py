"""The parent that stays root. It reads certificates and keys for the server: renewed ones, and the host's keys for a
backup. It passes signals on to the server, and ends as the server ended (ADMIN-36, STORE-141a, WEB-121).

It is a program of its own, which `parent.split` puts in place of the process that has started the server. It reads
nothing from the network, opens only files that the configuration named when root read it, and imports next to nothing:
some 4 MB are its own.

A request is the number of a file in 4 octets. The answer is a word of one letter, the length of its body in 4 octets,
and the body: PEM blocks with certificates and keys, and settings of object storage (`CONTENT`), or the decimal number
of an error (`ERROR`). `YOURS`: the service user could replace the file, so root does not open it.
"""

import errno
import os
import select
import signal
import stat
import sys
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from moxlite.prctl import hide_memory
from moxlite.safefile import replaceable

_NAMES: Final = ("SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1")
FORWARDED: Final = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))
"""Signals that are passed on to the server. Windows, where localserve loads this module, lacks two of them."""

NUMBER: Final = 4
"""Octets of a request: the number of a file, most significant first."""

LENGTH: Final = 4
"""Octets of a length, most significant first."""

CONTENT: Final = b"c"
ERROR: Final = b"e"
YOURS: Final = b"y"

MAX_FILE: Final = 1 << 20
"""Octets of a file; a chain with its key has some 10,000."""

LABELS: Final = frozenset(
    {
        b"CERTIFICATE",
        b"X509 CERTIFICATE",
        b"PRIVATE KEY",
        b"RSA PRIVATE KEY",
        b"EC PRIVATE KEY",
        b"OPENSSH PRIVATE KEY",
    }
)
"""Labels of the PEM blocks that are passed on (RFC 7468). The last one is of ssh-keygen(1), for backups by ssh."""

SETTINGS: Final = (
    "access_key_id",
    "secret_access_key",
    "session_token",
    "region",
    "endpoint",
    "account_name",
    "account_key",
    "sas_key",
    "service_account_key",
    "virtual_hosted_style_request",
)
"""Ends of the names of settings of object storage, in lines ``NAME = VALUE``, that are passed on."""

# Other lines end a block, so that nothing but base64 between two marks is passed on.
BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def main() -> NoReturn:
    """Serve until the server ends; then end by the same code or signal.

    Arguments of the program: process id of the server, descriptor of the requests, paths of the files.
    """
    hide_memory()
    server, requests, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    arrived, arriving = os.pipe()  # the numbers of signals, so that one between two calls is not forgotten
    for fd in (arrived, arriving):
        os.set_blocking(fd, False)
    signals = {*FORWARDED, signal.SIGCHLD}
    for number in signals:
        signal.signal(number, _noted)
    signal.set_wakeup_fd(arriving)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)  # blocked since before the fork
    poll = select.poll()
    poll.register(arrived, select.POLLIN)
    poll.register(requests, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == arrived:
                # An octet for each signal; one that comes while a request is answered waits in the pipe.
                for one in os.read(arrived, 64):
                    _act(one, server)
            elif not _serve(requests, files):
                poll.unregister(requests)
                os.close(requests)


def _noted(number: int, frame: FrameType | None) -> None:
    """Handler in place of the default action; the signal's number comes through the pipe."""


def _act(number: int, server: int) -> None:
    if number != signal.SIGCHLD:
        os.kill(server, number)  # no other process has that id before waitpid(2) has told the server's end
        return
    found, status = os.waitpid(server, os.WNOHANG)
    if found:
        _end_like(status)


def _serve(requests: int, files: list[str]) -> bool:
    """Answer a request. Returns False if it is the last: the server has closed its end, or its request is not valid."""
    try:
        request = os.read(requests, NUMBER)
        index = int.from_bytes(request, "big")
        # The server writes the four octets at once; a taken-over one that writes others gets nothing more, and its
        # numbers name only files that were given at the start.
        if len(request) < NUMBER or index >= len(files):
            return False
        word, body = answer(files[index])
        rest = memoryview(word + len(body).to_bytes(LENGTH, "big") + body)
        while rest:
            rest = rest[os.write(requests, rest) :]
    except OSError:
        return False
    return True


def answer(path: str) -> tuple[bytes, bytes]:
    """Word and body of the answer about a file."""
    try:
        # Looked at for each read: since the start a folder on the way may have got another owner.
        if replaceable(Path(path)):
            return YOURS, b""
        data = _read(path)
        return CONTENT, pem_blocks(data) + setting_lines(data)
    except OSError as error:
        return ERROR, b"%d" % (error.errno or errno.EIO)


def _read(path: str) -> bytes:
    """All octets of a file that only root can replace. Raises OSError."""
    # Links are followed, as certbot's live/ consists of them: `replaceable` has looked at each on the way.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.ENXIO, "isn't a regular file")
        data = bytearray()
        while chunk := os.read(fd, MAX_FILE + 1 - len(data)):
            data += chunk
        if len(data) > MAX_FILE:
            raise OSError(errno.EFBIG, "is too large")
        return bytes(data)
    finally:
        os.close(fd)


def setting_lines(data: bytes) -> bytes:
    """The lines with settings of object storage, without all others."""
    found: list[str] = []
    for line in data.decode(errors="replace").splitlines():
        name, equals, _ = line.partition("=")
        if equals and name.strip().lower().endswith(SETTINGS):
            found.append(f"{line}\n")
    return "".join(found).encode()


def pem_blocks(data: bytes) -> bytes:
    """The certificates and private keys in PEM form (RFC 7468 §2), without the text around them."""
    found: list[bytes] = []
    block: list[bytes] = []
    for line in map(bytes.strip, data.splitlines()):
        if line.startswith(b"-----BEGIN "):
            block = [line] if line[11:-5] in LABELS else []
        elif block and line == block[0].replace(b"BEGIN", b"END"):
            found += [*block, line]
            block = []
        elif block and not line.translate(None, BASE64):
            block.append(line)
        else:
            block = []
    return b"".join(line + b"\n" for line in found)


def _end_like(status: int) -> NoReturn:
    """End this process as another one ended, by its status of waitpid(2)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)  # in a container's first process: the kernel keeps such signals from it
    os._exit(os.WEXITSTATUS(status))
